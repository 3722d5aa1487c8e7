//! Why a session gets no shell, each in a sentence, with who caused it and whether a retry helps.

use crate::{
    algorithms::{AlgorithmsDenied, NoCommonAlgorithm, Remedy},
    question::QUESTION_LIMIT,
    reason::Peer,
    target::Fingerprint,
};

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
    /// Its cipher would be open to tampering, and nothing else is in common.
    #[error(
        "{target} wants chacha20-poly1305 without the strict key exchange, which can be tampered with. {remedy}"
    )]
    NotStrict {
        /// `host:port`.
        target: String,
        /// What would help.
        remedy: Remedy,
    },
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
            | Self::NotStrict { .. }
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
