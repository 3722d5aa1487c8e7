//! A connection that is made to see how it goes, step by step, up to the login: nobody logs in.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use engine::{
    Answer, ConnectionFacts, DialError, Offers, Person, Question, Step, Target, TargetDenied, Unanswered,
};
use futures_util::{FutureExt as _, future::BoxFuture};

use crate::{
    HostKeyPolicy, Options, agreement, auth,
    connection::{Connection, open_safely},
    dial,
    greeting::Greeting,
    host_key::HostKeyCheck,
    options::Limits,
    stream::Stream,
};

/// What was found, in this order.
#[derive(Debug)]
pub enum Finding {
    /// The gateway may not connect to the host, for this reason. Nothing follows.
    Denied(String),
    /// The addresses of the host.
    Addresses(Vec<Address>),
    /// This one answered.
    Connected(SocketAddr),
    /// What the server says of itself, and what both sides offer.
    Offered {
        /// `SSH-2.0-…`.
        server: String,
        /// Kind by kind.
        offers: Vec<Offers>,
    },
    /// The keys are there, and the host is proved; or a user would be asked whether it is the right one.
    Agreed(ConnectionFacts),
    /// How this user may log in.
    Methods {
        /// What the server tells whoever wants to log in; may be empty.
        banner: String,
        /// The methods that it offers first; none if it wants no proof at all.
        methods: Vec<String>,
    },
}

/// An address of a host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// Why it is not connected to, if it is not.
    pub denial: Option<String>,
}

/// Connects as the gateway would, and tells each finding as soon as it is there. Nothing is learnt. With
/// `asks_methods` the server hears the user's name, once it is proved or would be asked about.
///
/// # Errors
/// What a session would have failed with.
pub async fn check(
    mut options: Options,
    target: &Target,
    asks_methods: bool,
    mut tell: impl FnMut(Finding),
) -> Result<(), DialError> {
    if options.host_key_policy == HostKeyPolicy::AcceptNew {
        options.host_key_policy = HostKeyPolicy::Ask;
    }
    let limits = Limits::default();
    if let Err(denial) = options.reach.check_host(&dial::host_of(target)?, target.port) {
        tell(Finding::Denied(denial.to_string()));
        return Err(TargetDenied { target: target.to_string() }.into());
    }
    let addresses = dial::survey(target, &options.reach, options.connect_timeout).await?;
    tell(Finding::Addresses(addresses));
    let stream = dial::connect(target, &options.reach, options.connect_timeout).await?;
    if let Ok(address) = stream.peer_addr() {
        tell(Finding::Connected(address));
    }
    let stream = Stream::Tcp(stream);
    let offer = options.algorithms.offer(target, stream.peer())?;
    let person: Arc<dyn Person> = Arc::new(TakesAnyHost);
    let host = Arc::new(HostKeyCheck::read(options.clone(), target.clone(), &person).await?);
    let greeting = Greeting::default();
    // Nothing is pinned, so there is one list.
    let Some(proofs) = host.proofs(offer.preset).pop() else {
        return Err(DialError::Internal { cause: "no host key was asked for".to_owned() });
    };
    let mut first = Some(stream);
    let opened = open_safely(|limited| {
        let (first, host, proofs) = (first.take(), host.clone(), proofs.clone());
        let (options, greeting) = (&options, &greeting);
        async move {
            let stream = match first {
                Some(stream) => stream,
                None => Stream::Tcp(dial::connect(target, &options.reach, options.connect_timeout).await?),
            };
            Connection::open_heard(stream, host, limited(offer), proofs, limits, greeting).await
        }
    })
    .await;
    let opening = greeting.opening();
    if let (Some(server), Some(theirs)) = (opening.identification, opening.proposal) {
        tell(Finding::Offered { server, offers: agreement::offers(offer, &theirs) });
    }
    let mut connection = opened?;
    tell(Finding::Agreed(connection.facts.clone()));
    if asks_methods {
        let methods = auth::methods(&mut connection, &target.username, limits.login).await?;
        tell(Finding::Methods { banner: connection.notes.take_banner(), methods });
    }
    Ok(())
}

/// Whoever checks wants to see more than the first question.
struct TakesAnyHost;

impl Person for TakesAnyHost {
    fn progress(&self, _: Step, _: Option<&Target>) {}

    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Answer, Unanswered>> {
        let answer = match question {
            Question::HostKey(_) => Ok(Answer::Accept { remember: false }),
            Question::Fields(_) => Err(Unanswered::Nobody),
        };
        std::future::ready(answer).boxed()
    }
}
