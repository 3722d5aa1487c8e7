//! The stable codes of everything that can go wrong or end, and who caused it.

use serde::{Deserialize, Serialize};

/// Who caused an error or an end.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// The page, the program that speaks for it, or the caller of the HTTP API.
    Browser,
    /// The SSH server, or the network on the way to it.
    Target,
    /// This gateway, or whoever runs it.
    Gateway,
}

/// What happened, as a word that never changes its meaning.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Code {
    // An event or a request was refused.
    /// A payload has a wrong shape or an unknown field.
    InvalidPayload,
    /// The event needs a session and there is none.
    NoSession,
    /// The socket has a session already.
    SessionAlreadyStarted,
    /// The CONNECT payload asks for a protocol that this gateway does not speak.
    UnsupportedProtocol,

    /// Input begins behind the end of what has been taken: something is missing in between.
    InputGap,
    /// The screen of a session could not be kept: it goes on from here without what was on it.
    ScreenLost,

    // Opening a shell, or coming back to it, failed.
    /// The token is of no session: it ended, another page has it, or it never was.
    SessionUnknown,
    /// There are too many sessions: in all, of this address or of this API token.
    TooManySessions,
    /// The ticket was never issued, was redeemed, or has expired: they look the same.
    TicketUnknown,
    /// The gateway may not connect to the target: whoever runs it does not allow it.
    TargetDenied,
    /// The gateway may not use such weak algorithms with the target.
    AlgorithmsDenied,
    /// The host name does not resolve.
    NameNotFound,
    /// The target refused the TCP connection.
    ConnectRefused,
    /// No route to the target, or the network reported another error.
    ConnectFailed,
    /// The TCP connection was not made in time.
    ConnectTimeout,
    /// What answered does not speak SSH, or broke the protocol.
    NotSsh,
    /// The target did not finish the handshake in time.
    HandshakeTimeout,
    /// The two sides have no algorithm in common.
    NoCommonAlgorithm,
    /// The host key is not the one that was pinned or known.
    HostKeyChanged,
    /// The host key is revoked by the known hosts file.
    HostKeyRevoked,
    /// The host key is not known and the policy is to reject it.
    HostKeyUnknown,
    /// The user did not accept the host's key.
    HostKeyRefused,
    /// The known hosts file cannot be read or written.
    HostKeyStore,
    /// The target refused the password or the key.
    AuthFailed,
    /// The target does not offer the method that the credentials are for.
    AuthMethodUnavailable,
    /// The user did not want to answer what the login asks.
    LoginCancelled,
    /// The user was asked and did not answer in time.
    Unanswered,
    /// The target did not answer the login in time.
    AuthTimeout,
    /// The private key cannot be read.
    KeyInvalid,
    /// The private key is encrypted and the passphrase is missing or wrong.
    KeyPassphrase,
    /// The private key asks for more memory or time than is allowed.
    KeyTooCostly,
    /// The certificate of the private key cannot be used.
    CertificateInvalid,
    /// The login worked and the target refused the pty or the shell.
    ShellRefused,
    /// A jump host did not connect to the next host.
    JumpRefused,

    // A session ended.
    /// The shell exited; see the exit status.
    Exited,
    /// The shell was killed; see the exit signal.
    Signalled,
    /// The connection to the target broke.
    LinkLost,
    /// The target ended the session without an exit status.
    TargetClosed,
    /// Nothing was typed for too long, or the client asked for the end because of that.
    TimedOut,
    /// The session lasted as long as a session may.
    MaxDuration,
    /// The browser went away, and did not come back in time.
    BrowserGone,
    /// The browser stopped taking output.
    BrowserStalled,
    /// The browser sent more input than the target takes.
    InputOverflow,
    /// The gateway is shutting down.
    Shutdown,
    /// An error inside the gateway.
    Internal,

    // The HTTP API refused a request.
    /// The body is not what its media type says.
    InvalidBody,
    /// A field has a wrong type or an impossible value.
    InvalidField,
    /// A required field is missing.
    MissingField,
    /// Neither a password nor a key, or both.
    InvalidCredentials,
    /// The media type is not supported.
    UnsupportedMediaType,
    /// The body is larger than allowed.
    BodyTooLarge,
    /// The API token is missing or wrong.
    Unauthorized,
    /// The request comes from another site, or names a host that this is not.
    ForbiddenOrigin,
    /// There is nothing at this address.
    NotFound,
    /// The address exists and does not take this method.
    MethodNotAllowed,
    /// Too many tickets wait to be redeemed.
    TooManyTickets,
    /// Too many sockets are open from this address, or in all.
    TooManySockets,
}
