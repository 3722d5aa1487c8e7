//! An SSH server that does what OpenSSH and `demo-sshd` never would.

use std::{borrow::Cow, sync::Arc, time::Duration};

use russh::{
    Channel, ChannelId, MethodKind, MethodSet, Preferred, Pty, cipher, kex,
    keys::{Algorithm, HashAlg, PrivateKey, key::safe_rng},
    server::{
        Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Session, VerifiedPublicKey, run_stream,
    },
};
use tokio::{net::TcpListener, task::JoinHandle};

const METHODS: &[MethodKind] = &[MethodKind::KeyboardInteractive, MethodKind::PublicKey];
/// What russh may take at all.
const ALL_METHODS: &[MethodKind] =
    &[MethodKind::KeyboardInteractive, MethodKind::PublicKey, MethodKind::Password];

/// What is odd about the server.
#[derive(Clone, Debug)]
pub(crate) enum Oddity {
    /// It takes passwords as answers to questions only: rounds of prompts, and whether they echo.
    Asks(Vec<Vec<(&'static str, bool)>>),
    /// It takes any key, then the password as such, then the password as the answer to a question, and
    /// wants all three.
    WantsAll,
    /// It lets anyone in.
    LetsAnyoneIn,
    /// It prints on stderr, then says how the shell ended, and then prints again.
    TalksAfterTheExit,
    /// It offers no method at all.
    OffersNothing,
    /// It offers a question for the password, and nothing more once the answer was wrong.
    GivesOneTry,
    /// It takes any RSA key that signs with this hash; none means SHA-1.
    TakesRsaWith(Option<HashAlg>),
    /// It lets anyone in, knows these ciphers, and not the strict key exchange.
    IsNotStrict(&'static [cipher::Name]),
    /// It goes away after the exit status, without closing the channel.
    LeavesAfterTheExit,
}

/// The server; dropping it stops it.
pub(crate) struct OddServer {
    pub(crate) port: u16,
    task: JoinHandle<()>,
}

impl OddServer {
    /// The only right answer.
    pub(crate) const PASSWORD: &str = "the right one";

    pub(crate) async fn start(oddity: Oddity) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let preferred = match oddity {
            Oddity::IsNotStrict(ciphers) => Preferred {
                kex: Cow::Borrowed(&[kex::CURVE25519]),
                cipher: Cow::Borrowed(ciphers),
                ..Preferred::DEFAULT
            },
            Oddity::TakesRsaWith(hash) => Preferred {
                key: Cow::Owned(vec![Algorithm::Ed25519, Algorithm::Rsa { hash }]),
                ..Preferred::DEFAULT
            },
            _ => Preferred::DEFAULT,
        };
        let config = Arc::new(Config {
            preferred,
            keys: vec![PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()],
            auth_rejection_time: Duration::ZERO,
            methods: MethodSet::from(ALL_METHODS),
            ..Config::default()
        });
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let client = Client { oddity: oddity.clone(), round: 0, answered: false };
                let session = run_stream(config.clone(), stream, client);
                tokio::spawn(async move { session.await.unwrap().await });
            }
        });
        Self { port, task }
    }
}

impl Drop for OddServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Client {
    oddity: Oddity,
    round: usize,
    answered: bool,
}

impl Client {
    fn refuse() -> Auth {
        Auth::Reject { proceed_with_methods: Some(MethodSet::from(METHODS)), partial_success: false }
    }

    /// Accepts a step of several.
    fn accept(next: MethodKind) -> Auth {
        Auth::Reject { proceed_with_methods: Some(MethodSet::from(&[next][..])), partial_success: true }
    }

    fn refuse_again() -> Auth {
        let again = MethodSet::from(&[MethodKind::Password][..]);
        Auth::Reject { proceed_with_methods: Some(again), partial_success: false }
    }

    fn refuse_for_good() -> Auth {
        Auth::Reject { proceed_with_methods: Some(MethodSet::empty()), partial_success: false }
    }
}

impl Handler for Client {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Self::Error> {
        Ok(match self.oddity {
            Oddity::OffersNothing => Self::refuse_for_good(),
            Oddity::Asks(_) | Oddity::TakesRsaWith(_) | Oddity::GivesOneTry | Oddity::WantsAll => {
                Self::refuse()
            }
            _ => Auth::Accept,
        })
    }

    async fn auth_publickey(&mut self, _user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        match self.oddity {
            Oddity::WantsAll => Ok(Self::accept(MethodKind::Password)),
            Oddity::TakesRsaWith(hash) if *key.algorithm == Algorithm::Rsa { hash } => Ok(Auth::Accept),
            _ => Ok(Self::refuse()),
        }
    }

    async fn auth_password(&mut self, _user: &str, password: &str) -> Result<Auth, Self::Error> {
        let next = MethodKind::KeyboardInteractive;
        Ok(if password == OddServer::PASSWORD { Self::accept(next) } else { Self::refuse_again() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let rounds = match &self.oddity {
            Oddity::Asks(rounds) => rounds,
            Oddity::WantsAll => &vec![vec![("Code: ", false)]],
            _ => return Ok(Self::refuse_for_good()),
        };
        for answer in response.into_iter().flatten() {
            if answer.as_ref() != OddServer::PASSWORD.as_bytes() {
                return Ok(Self::refuse());
            }
            self.answered = true;
        }
        let Some(prompts) = rounds.get(self.round) else {
            return Ok(if self.answered { Auth::Accept } else { Self::refuse() });
        };
        self.round += 1;
        let prompts = prompts.iter().map(|(text, echo)| (Cow::Borrowed(*text), *echo)).collect();
        Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts })
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _cols: u32,
        _rows: u32,
        _pixel_width: u32,
        _pixel_height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        match self.oddity {
            Oddity::TalksAfterTheExit => {
                session.extended_data(channel, 1, "before ".as_bytes().to_vec())?;
                session.exit_status_request(channel, 3)?;
                session.data(channel, "after ".as_bytes().to_vec())?;
                session.eof(channel)?;
                session.close(channel)
            }
            Oddity::LeavesAfterTheExit => {
                session.data(channel, "bye".as_bytes().to_vec())?;
                session.exit_status_request(channel, 3)?;
                session.disconnect(russh::Disconnect::ByApplication, "", "")
            }
            _ => Ok(()),
        }
    }
}
