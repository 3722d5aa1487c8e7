//! The dialer: from an order to a shell, step by step, over every jump host on the way.

use std::sync::Arc;

use engine::{DialError, DialOrder, Dialer, Hop, NotAdmitted, Person, Step, Target, Transport};
use futures_util::future::BoxFuture;

use crate::{
    Options,
    agreement::{self, Purpose},
    asking::Asking,
    auth,
    connection::{Connection, open_safely},
    dial,
    host_key::HostKeyCheck,
    login::Login,
    options::{KeyLife, Limits, Patience},
    stream::Stream,
    transport,
    way::Way,
};

/// Opens shells over SSH.
pub struct SshDialer {
    options: Options,
    limits: Limits,
}

impl SshDialer {
    /// A dialer with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, limits: Limits::default() }
    }

    /// The same with another patience for silent targets, for tests that cannot wait.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.limits.patience = patience;
        self
    }

    /// The same with keys of another life, for tests that cannot wait.
    #[must_use]
    pub fn with_key_life(mut self, key_life: KeyLife) -> Self {
        self.limits.key_life = key_life;
        self
    }
}

impl Dialer for SshDialer {
    fn admit(&self, way: &[&Target]) -> Result<(), NotAdmitted> {
        for (index, target) in way.iter().enumerate() {
            let judge = if index == 0 { dial::admit } else { dial::admit_beyond };
            if let Err(DialError::TargetDenied(denied)) = judge(target, &self.options.reach) {
                return Err(denied.into());
            }
            self.options.algorithms.admit(target)?;
        }
        Ok(())
    }

    fn dial(
        &self,
        order: DialOrder,
        person: Arc<dyn Person>,
    ) -> BoxFuture<'static, Result<Transport, DialError>> {
        let journey =
            Journey { options: self.options.clone(), limits: self.limits, person, way: Way::default() };
        Box::pin(journey.run(order))
    }
}

/// A way to a shell, as far as it has been gone. Every step owns what it opened: dropping it at any point
/// cuts every connection.
struct Journey {
    options: Options,
    limits: Limits,
    person: Arc<dyn Person>,
    way: Way,
}

/// A host on the way, and what logs in there.
struct Leg {
    target: Target,
    login: Login,
    /// It is not the last.
    is_hop: bool,
}

impl Journey {
    async fn run(mut self, order: DialOrder) -> Result<Transport, DialError> {
        let DialOrder { jump, target, credentials, pty, program } = order;
        let last = Hop { target, credentials };
        // Keys that cannot be used need no connection.
        let mut hops = Vec::new();
        for hop in jump {
            hops.push(self.prepare(hop, true, true).await?);
        }
        let last = self.prepare(last, false, !hops.is_empty()).await?;
        for hop in hops {
            let connection = self.log_in(hop).await?;
            agreement::record(&connection.facts, Purpose::JumpHost);
            self.way.add(connection, self.limits.patience);
        }
        let target = last.target.clone();
        let agent = if program.forward_agent { last.login.agent()? } else { None };
        let connection = self.log_in(last).await?;
        self.person.progress(Step::Shell, None);
        let way = Arc::new(self.way);
        match transport::open(connection, way.clone(), pty.as_ref(), &program, agent, self.limits).await {
            Ok(transport) => {
                agreement::record(&transport.facts.target, Purpose::Session);
                Ok(transport)
            }
            Err(error) => Err(way.blame(error, &target).await),
        }
    }

    /// Opens what is encrypted in the credentials for a host.
    async fn prepare(&self, host: Hop, is_hop: bool, is_one_of_several: bool) -> Result<Leg, DialError> {
        let Hop { target, credentials } = host;
        let asking = Asking::new(&*self.person, &target);
        let asking = if is_one_of_several { asking.one_of_several(&target) } else { asking };
        match Login::prepare(credentials, &asking).await {
            Ok(login) => Ok(Leg { target, login, is_hop }),
            Err(error) if is_hop => Err(at_hop(&target, error)),
            Err(error) => Err(error),
        }
    }

    /// Connects to the next host and logs in there.
    async fn log_in(&self, leg: Leg) -> Result<Connection, DialError> {
        let Leg { target, login, is_hop } = leg;
        let hop = is_hop.then_some(&target);
        let arrived = async {
            let mut connection = self.connect(&target, hop).await?;
            self.person.progress(Step::Auth, hop);
            let asking = Asking::new(&*self.person, &target);
            auth::log_in(&mut connection, &target.username, login, &asking, self.limits.login).await?;
            Ok(connection)
        };
        match arrived.await {
            Ok(connection) => Ok(connection),
            Err(error) => Err(self.way.blame(error, &target).await),
        }
    }

    /// Connects to the right host. One that does not show the pinned key at once may still have it,
    /// and is asked for its other keys: nothing that matters has been sent to it by then.
    async fn connect(&self, target: &Target, hop: Option<&Target>) -> Result<Connection, DialError> {
        let Self { options, person, way, .. } = self;
        let open = || way.connect(target, &options.reach, options.connect_timeout);
        // The address at which a jump host finds a name is not known here.
        let offer_at = |stream: &Stream| {
            let address = stream.peer().or_else(|| target.host.parse().ok());
            options.algorithms.offer(target, address)
        };
        person.progress(Step::Dial, hop);
        let stream = open().await?;
        let offer = offer_at(&stream)?;
        let mut stream = Some(stream);
        person.progress(Step::Handshake, hop);
        let check = Arc::new(HostKeyCheck::read(options.clone(), target.clone(), person).await?);
        let mut refusal = None;
        for proofs in check.proofs(offer.preset) {
            let opened = open_safely(|limited| {
                let (first, open, check, proofs) = (stream.take(), &open, check.clone(), proofs.clone());
                async move {
                    let stream = match first {
                        Some(stream) => stream,
                        None => open().await?,
                    };
                    let offer = limited(offer_at(&stream)?);
                    Connection::open(stream, check, offer, proofs, self.limits).await
                }
            });
            match (opened.await, refusal) {
                (Ok(connection), _) => return Ok(connection),
                (Err(error @ DialError::HostKeyChanged { .. }), None) => refusal = Some(error),
                (Err(error), None) => return Err(error),
                (Err(_), first) => refusal = first,
            }
        }
        Err(refusal.unwrap_or_else(|| DialError::Internal { cause: "no host key was asked for".to_owned() }))
    }
}

/// An error that does not say by itself which host it is about.
fn at_hop(hop: &Target, error: DialError) -> DialError {
    match error {
        DialError::KeyInvalid { .. }
        | DialError::KeyPassphrase { .. }
        | DialError::KeyTooCostly { .. }
        | DialError::CertificateInvalid { .. } => {
            DialError::AtHop { hop: hop.to_string(), error: Box::new(error) }
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, path::Path, time::Duration};

    use demo_sshd::{DemoSshd, Program, Quirk, Script};
    use engine::{Answer, AuthMethod, Credentials, Pty, Question, Unanswered};
    use tokio::{io::AsyncWriteExt as _, net::TcpListener};

    use super::*;
    use crate::{AlgorithmPolicy, HostKeyPolicy, Reach, TargetPolicy};

    /// Answers nothing.
    struct Nobody;

    impl Person for Nobody {
        fn progress(&self, _: Step, _: Option<&Target>) {}

        fn ask(&self, _: Question) -> BoxFuture<'static, Result<Answer, Unanswered>> {
            Box::pin(std::future::ready(Err(Unanswered::Nobody)))
        }
    }

    fn options_in(dir: &Path) -> Options {
        Options {
            connect_timeout: Duration::from_secs(10),
            reach: Reach { targets: TargetPolicy::with_private(), ..Reach::default() },
            host_key_policy: HostKeyPolicy::AcceptNew,
            algorithms: AlgorithmPolicy::default(),
            known_hosts: None,
            learned_hosts: dir.join("known_hosts"),
            remember_host_keys: true,
        }
    }

    fn order(port: u16, username: &str, credentials: Credentials) -> DialOrder {
        let target = Target::new("127.0.0.1", port, username);
        let (pty, program) = (Some(Pty::default()), engine::Program::default());
        DialOrder { jump: Vec::new(), target, credentials, pty, program }
    }

    /// Dials with limits that a test can wait for.
    async fn refusal(port: u16, username: &str, password: &str, limits: Limits) -> DialError {
        let dir = tempfile::tempdir().unwrap();
        let order = order(port, username, Credentials::of_password(password));
        let dialer = SshDialer { options: options_in(dir.path()), limits };
        match dialer.dial(order, Arc::new(Nobody)).await {
            Ok(_) => panic!("a shell was opened"),
            Err(error) => error,
        }
    }

    /// The refusal by somebody who says these bytes and nothing more.
    async fn refusal_after(greeting: &[u8]) -> DialError {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let limits = Limits { handshake: Duration::from_millis(300), ..Limits::default() };
        let greet = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(greeting).await.unwrap();
            stream
        };
        tokio::join!(refusal(port, "u", "p", limits), greet).0
    }

    #[tokio::test]
    async fn a_silent_server_is_left() {
        for greeting in [&b""[..], b"SSH-2.0-OpenSSH_9.9\r\n", b"please wait\r\nSSH-2.0-x\r\n"] {
            let refused = refusal_after(greeting).await;
            assert!(matches!(refused, DialError::HandshakeTimeout { seconds: 1, .. }), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn a_server_that_waits_for_another_protocol_is_not_ssh() {
        let refused = refusal_after(b"220 mail.example.org ESMTP\r\n").await;
        assert!(
            matches!(&refused, DialError::NotSsh { cause, .. } if cause.contains("220 mail.example.org ESMTP")),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn a_login_that_is_not_answered_is_left() {
        for quirk in [Quirk::LoginUnanswered, Quirk::ChannelUnanswered] {
            let options = demo_sshd::Options {
                program: Program::Scripted(Script::Echo),
                quirk: Some(quirk),
                ..demo_sshd::Options::default()
            };
            let server = DemoSshd::start(options).await.unwrap();
            let limits = Limits { login: Duration::from_millis(500), ..Limits::default() };
            let refused = refusal(server.port(), server.username(), server.password(), limits).await;
            let target = format!("127.0.0.1:{}", server.port());
            assert_eq!(refused, DialError::AuthTimeout { target, seconds: 1 }, "{quirk:?}");
        }
    }

    /// Knows the password and takes his time.
    struct Slow {
        password: String,
        time: Duration,
    }

    impl Person for Slow {
        fn progress(&self, _: Step, _: Option<&Target>) {}

        fn ask(&self, _: Question) -> BoxFuture<'static, Result<Answer, Unanswered>> {
            let (password, time) = (self.password.as_str().into(), self.time);
            Box::pin(async move {
                tokio::time::sleep(time).await;
                Ok(Answer::Fields(vec![password]))
            })
        }
    }

    #[tokio::test]
    async fn the_time_that_a_person_takes_is_not_the_servers() {
        let options = demo_sshd::Options {
            program: Program::Scripted(Script::Echo),
            rejection_time: Duration::ZERO,
            ..demo_sshd::Options::default()
        };
        let server = DemoSshd::start(options).await.unwrap();
        let limits = Limits { login: Duration::from_secs(3), ..Limits::default() };
        let person = Slow { password: server.password().to_owned(), time: limits.login };
        let credentials = Credentials::default().with_methods([AuthMethod::Password]);
        let dir = tempfile::tempdir().unwrap();
        let order = order(server.port(), server.username(), credentials);
        let dialer = SshDialer { options: options_in(dir.path()), limits };
        assert!(dialer.dial(order, Arc::new(person)).await.is_ok());
    }

    #[test]
    fn the_limits_are_the_documented_ones() {
        let limits = Limits::default();
        assert_eq!((limits.handshake.as_secs(), limits.login.as_secs()), (15, 30));
    }
}
