//! How a session gets its shell: the dialer, the transport it returns, and how dialing fails.
//!
//! This is the border to the SSH client. It must not know how the client works, nor who
//! watches the session.

use std::{future, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, future::BoxFuture};

use crate::{
    algorithms::{AlgorithmsDenied, NoCommonAlgorithm},
    credentials::Credentials,
    facts::ConnectionFacts,
    program::Program,
    question::{Person, QUESTION_LIMIT},
    reason::Peer,
    target::{Fingerprint, Target, TermSize},
    terminal::Pty,
};

/// Opens shells.
pub trait Dialer: Send + Sync + 'static {
    /// Whether a way may be gone as the order has it, as far as that can be said at once: its jump hosts in
    /// their order, and the target last.
    ///
    /// # Errors
    /// One of them may not be dialled.
    fn admit(&self, _way: &[&Target]) -> Result<(), NotAdmitted> {
        Ok(())
    }

    /// Opens one shell, telling the person who waits for it of each step, and asking them what the
    /// order does not hold.
    ///
    /// Dropping the future gives up and closes what was opened. Time limits are the dialer's own.
    fn dial(
        &self,
        order: DialOrder,
        person: Arc<dyn Person>,
    ) -> BoxFuture<'static, Result<Transport, DialError>>;
}

/// Everything that a dialer needs for one shell.
pub struct DialOrder {
    /// The jump hosts on the way, in their order.
    pub jump: Vec<Hop>,
    /// Where to.
    pub target: Target,
    /// How to log in.
    pub credentials: Credentials,
    /// The terminal to ask for. Without one nothing can be typed: the command reads an empty input, and
    /// what it prints on stderr comes as [`ShellEvent::Error`].
    pub pty: Option<Pty>,
    /// What to run.
    pub program: Program,
}

/// A jump host: an SSH server that connects to the next one.
pub struct Hop {
    /// Where it is.
    pub target: Target,
    /// How to log in there.
    pub credentials: Credentials,
}

/// All hosts of a way in their order, the target last.
#[must_use]
pub fn way<'a>(jump: &'a [Hop], target: &'a Target) -> Vec<&'a Target> {
    jump.iter().map(|hop| &hop.target).chain([target]).collect()
}

/// A step on the way to a shell, or to a jump host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Resolving the name and opening the TCP connection.
    Dial,
    /// Banner, key exchange, host key.
    Handshake,
    /// Logging in.
    Auth,
    /// Asking for the pty and the shell.
    Shell,
}

/// An opened byte pipe to a shell.
///
/// Whoever stops reading stops the target's output and nothing else: the writing side and the notice
/// of its end work on, and what waits meanwhile is bounded.
pub struct Transport {
    /// What comes from the shell. Its end is the end of the session: after [`ShellEvent::Exit`]
    /// in good order, without it because the link broke or the target closed silently.
    pub events: Pin<Box<dyn Stream<Item = ShellEvent> + Send>>,
    /// What goes to the shell.
    pub shell: Arc<dyn Shell>,
    /// What is known of the connection.
    pub facts: ConnectionFacts,
}

/// What comes from a shell.
#[derive(Debug, Eq, PartialEq)]
pub enum ShellEvent {
    /// Bytes that it printed; on a terminal, all of them.
    Output(Bytes),
    /// Bytes that it printed on stderr, where there is no terminal.
    Error(Bytes),
    /// It ended; output may still follow.
    Exit(Exit),
    /// The connection to the target broke: no event follows.
    LinkLost,
    /// The connection to this jump host broke, and the one to the target with it: no event follows.
    JumpLost(String),
}

/// How a shell ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Exit {
    /// RFC 4254 exit-status.
    Status(u32),
    /// RFC 4254 exit-signal: the signal's name without `SIG`.
    Signal(String),
}

/// The writing side of a transport. Each future may be waited for beside the others.
pub trait Shell: Send + Sync + 'static {
    /// Sends bytes; resolves when the target's window has taken them all.
    fn write(self: Arc<Self>, bytes: Bytes) -> BoxFuture<'static, Result<(), ShellGone>>;
    /// Sends a window-change.
    fn resize(self: Arc<Self>, size: TermSize) -> BoxFuture<'static, Result<(), ShellGone>>;
    /// Closes channel and connection in good order where the target still answers, and cuts the
    /// connection in any case; resolves within two seconds. A command without a terminal is told to end.
    fn close(self: Arc<Self>) -> BoxFuture<'static, ()>;
    /// Resolves when the connection to the target is gone, whether or not anybody reads its events.
    /// No more comes in then: what is left to read is less than a megabyte as the
    /// target sent it, and behind it the end.
    fn gone(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(future::pending())
    }
}

/// The shell takes nothing any more; why comes as a [`ShellEvent`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the shell is gone")]
pub struct ShellGone;

/// The gateway may not connect to the target. What its name resolves to, and whether anything answers
/// there, is not told.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("This gateway may not connect to {target}.")]
pub struct TargetDenied {
    /// `host:port`.
    pub target: String,
}

/// Why a target may not be dialled as the order has it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAdmitted {
    /// The gateway may not connect to it.
    #[error(transparent)]
    Target(#[from] TargetDenied),
    /// The gateway may not use such weak algorithms with it.
    #[error(transparent)]
    Algorithms(#[from] AlgorithmsDenied),
}

/// Why dialing gave no shell. Each message is a sentence for whoever waits at the terminal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DialError {
    /// The gateway may not connect to the target.
    #[error(transparent)]
    TargetDenied(#[from] TargetDenied),
    /// The gateway may not use such weak algorithms with the target.
    #[error(transparent)]
    AlgorithmsDenied(#[from] AlgorithmsDenied),
    /// The name does not resolve.
    #[error("The host name {host} was not found.")]
    NameNotFound {
        /// As the caller wrote it.
        host: String,
    },
    /// The target refused the TCP connection.
    #[error("{target} refused the connection: nothing listens on this port, or a firewall rejects it.")]
    ConnectRefused {
        /// `host:port`.
        target: String,
    },
    /// The network reported another error.
    #[error("{target} cannot be reached: {cause}.")]
    ConnectFailed {
        /// `host:port`.
        target: String,
        /// The system's words.
        cause: String,
    },
    /// No TCP connection in time.
    #[error("{target} did not answer within {seconds} s.")]
    ConnectTimeout {
        /// `host:port`.
        target: String,
        /// The time limit.
        seconds: u64,
    },
    /// What answered does not speak SSH, or broke the protocol.
    #[error("{target} does not speak SSH as expected: {cause}.")]
    NotSsh {
        /// `host:port`.
        target: String,
        /// What was wrong.
        cause: String,
    },
    /// The handshake took too long.
    #[error("{target} accepted the connection but did not finish the SSH handshake within {seconds} s.")]
    HandshakeTimeout {
        /// `host:port`.
        target: String,
        /// The time limit.
        seconds: u64,
    },
    /// No algorithm in common.
    #[error(transparent)]
    NoCommonAlgorithm(Box<NoCommonAlgorithm>),
    /// The host key is not the expected one.
    #[error(
        "The host key of {target} is not the expected one: it shows {found}. Somebody may be \
         intercepting the connection, or the server was reinstalled. Nothing was sent to it. {remedy}"
    )]
    HostKeyChanged {
        /// `host:port`.
        target: String,
        /// What the server showed.
        found: Fingerprint,
        /// What was expected and where it is written.
        remedy: String,
    },
    /// The known hosts file revokes this key.
    #[error("The host key of {target}, {found}, is marked as revoked in {place}. Nothing was sent to it.")]
    HostKeyRevoked {
        /// `host:port`.
        target: String,
        /// What the server showed.
        found: Fingerprint,
        /// `file:line`.
        place: String,
    },
    /// The host key is not known and may not be learnt.
    #[error(
        "The host key of {target} is not known: it shows {found}. Pin it in the request as host_key, \
         or add it to the known hosts file."
    )]
    HostKeyUnknown {
        /// `host:port`.
        target: String,
        /// What the server showed.
        found: Fingerprint,
    },
    /// The person did not take the host for the right one.
    #[error("The host key of {target}, {found}, was not accepted. Nothing was sent to it.")]
    HostKeyRefused {
        /// `host:port`.
        target: String,
        /// What the server showed.
        found: Fingerprint,
    },
    /// The known hosts file cannot be used.
    #[error("The gateway cannot use its known hosts file: {cause}.")]
    HostKeyStore {
        /// What was wrong, with the file's name.
        cause: String,
    },
    /// The password or the key was refused.
    #[error("{target} refused the {method} of this user.")]
    AuthFailed {
        /// `host:port`.
        target: String,
        /// `password` or `key`.
        method: &'static str,
    },
    /// The target has heard enough wrong passwords and keys.
    #[error("{target} refused to let this user try any longer and said: {said}.")]
    TooManyTries {
        /// `host:port`.
        target: String,
        /// The target's own words.
        said: String,
    },
    /// The target does not offer the method, or wants another one after it.
    #[error("{target} does not let this user in with a {method} alone; it asks for: {offered}.")]
    AuthMethodUnavailable {
        /// `host:port`.
        target: String,
        /// `password` or `key`.
        method: &'static str,
        /// What the server takes, or takes next.
        offered: String,
    },
    /// The person did not want to answer what the login asks.
    #[error("The login at {target} was cancelled.")]
    LoginCancelled {
        /// `host:port`.
        target: String,
    },
    /// Nobody answered a question in time.
    #[error("{target} waits for an answer, and nobody gave one within {} s.", QUESTION_LIMIT.as_secs())]
    Unanswered {
        /// `host:port`.
        target: String,
    },
    /// The login took too long.
    #[error("{target} did not answer the login within {seconds} s.")]
    AuthTimeout {
        /// `host:port`.
        target: String,
        /// The time limit.
        seconds: u64,
    },
    /// The private key cannot be read.
    #[error("The private key cannot be read: {cause}.")]
    KeyInvalid {
        /// What was wrong, without anything of the key.
        cause: String,
    },
    /// The private key needs its passphrase.
    #[error("The private key is encrypted and its passphrase is {}.", if *.missing { "missing" } else { "wrong" })]
    KeyPassphrase {
        /// Missing, or else wrong.
        missing: bool,
    },
    /// The key derivation of the private key is over the limit.
    #[error("The private key's encryption is too costly: {cause}.")]
    KeyTooCostly {
        /// Which parameter, and the limit.
        cause: String,
    },
    /// The certificate of the private key cannot be used.
    #[error("The certificate cannot be used: {cause}.")]
    CertificateInvalid {
        /// What was wrong.
        cause: String,
    },
    /// No pty or no shell.
    #[error("{target} let the user in and then refused {what}.")]
    ShellRefused {
        /// `host:port`.
        target: String,
        /// `a session channel`, `a terminal`, `a shell` or `a command`.
        what: &'static str,
    },
    /// A jump host did not connect to the next host.
    #[error("{hop} did not connect to {target}: {cause}.")]
    JumpRefused {
        /// `host:port` of the jump host.
        hop: String,
        /// `host:port` of the next one.
        target: String,
        /// Why, with the jump host's own words if it had any.
        cause: String,
    },
    /// What the order holds for a jump host cannot be used.
    #[error("For the jump host {hop}: {error}")]
    AtHop {
        /// `host:port`.
        hop: String,
        /// Why.
        error: Box<DialError>,
    },
    /// The connection broke on the way.
    #[error("{target} closed the connection {during}.")]
    LinkLost {
        /// `host:port`.
        target: String,
        /// `during the handshake`, `during the login` and so on, with the target's last words if it had any.
        during: String,
    },
    /// A fault of the gateway.
    #[error("The gateway failed inside: {cause}.")]
    Internal {
        /// What happened.
        cause: String,
    },
}

impl From<NoCommonAlgorithm> for DialError {
    fn from(error: NoCommonAlgorithm) -> Self {
        Self::NoCommonAlgorithm(Box::new(error))
    }
}

impl DialError {
    /// Who caused it.
    #[must_use]
    pub fn peer(&self) -> Peer {
        match self {
            Self::KeyInvalid { .. }
            | Self::KeyPassphrase { .. }
            | Self::KeyTooCostly { .. }
            | Self::CertificateInvalid { .. }
            | Self::HostKeyRefused { .. }
            | Self::LoginCancelled { .. }
            | Self::Unanswered { .. } => Peer::Browser,
            Self::TargetDenied(_)
            | Self::AlgorithmsDenied(_)
            | Self::HostKeyStore { .. }
            | Self::Internal { .. } => Peer::Gateway,
            Self::AtHop { error, .. } => error.peer(),
            _ => Peer::Target,
        }
    }

    /// Whether the very same order may work later: nothing that was sent must change for it.
    #[must_use]
    pub fn retry_may_help(&self) -> bool {
        match self {
            Self::NameNotFound { .. }
            | Self::ConnectRefused { .. }
            | Self::ConnectFailed { .. }
            | Self::ConnectTimeout { .. }
            | Self::NotSsh { .. }
            | Self::HandshakeTimeout { .. }
            | Self::HostKeyStore { .. }
            | Self::AuthTimeout { .. }
            | Self::HostKeyRefused { .. }
            | Self::LoginCancelled { .. }
            | Self::Unanswered { .. }
            | Self::ShellRefused { .. }
            | Self::JumpRefused { .. }
            | Self::LinkLost { .. }
            | Self::Internal { .. } => true,
            Self::AtHop { error, .. } => error.retry_may_help(),
            Self::TargetDenied(_)
            | Self::AlgorithmsDenied(_)
            | Self::NoCommonAlgorithm(_)
            | Self::HostKeyChanged { .. }
            | Self::HostKeyRevoked { .. }
            | Self::HostKeyUnknown { .. }
            | Self::AuthFailed { .. }
            | Self::TooManyTries { .. }
            | Self::AuthMethodUnavailable { .. }
            | Self::KeyInvalid { .. }
            | Self::KeyPassphrase { .. }
            | Self::KeyTooCostly { .. }
            | Self::CertificateInvalid { .. } => false,
        }
    }
}
