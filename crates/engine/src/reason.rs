//! Why an attempt or a session ended, and who caused it.

use crate::{dial::Exit, dial_error::DialError};

/// Who caused an end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Peer {
    /// The page, or the program that speaks for it.
    Browser,
    /// The SSH server, or the network on the way to it.
    Target,
    /// This gateway, or whoever runs it.
    Gateway,
}

/// Why a session is over. Each message is a sentence for whoever sits at the terminal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CloseReason {
    /// No shell was opened.
    #[error(transparent)]
    DialFailed(#[from] DialError),
    /// The shell exited or was killed.
    #[error("{}", exit_sentence(.0))]
    Exited(Exit),
    /// The target ended the session without saying how.
    #[error("The server closed the session.")]
    TargetClosed,
    /// The connection to the target broke.
    #[error("The connection to the server was lost.")]
    LinkLost,
    /// The connection to this jump host broke.
    #[error("The connection to the jump host {0} was lost.")]
    JumpLost(String),
    /// Nothing was typed for too long, or the client said so.
    #[error("Timed-out, this session was inactive for too long")]
    TimedOut,
    /// It lasted as long as it may.
    #[error("This session lasted as long as a session may.")]
    MaxDuration,
    /// The browser went away.
    #[error("The browser went away.")]
    BrowserGone,
    /// The browser went away and did not come back in time.
    #[error("The browser went away and did not come back.")]
    NobodyCameBack,
    /// The browser took no output for too long.
    #[error("The browser stopped taking output.")]
    BrowserStalled,
    /// More input than the target takes.
    #[error(
        "More was typed or pasted than the server takes; the session ended so that nothing is lost silently."
    )]
    InputOverflow,
    /// The gateway is going down.
    #[error("The gateway is shutting down.")]
    Shutdown,
    /// A fault of the gateway.
    #[error("The gateway failed inside and ended this session.")]
    Internal,
}

impl CloseReason {
    /// Who caused it.
    #[must_use]
    pub fn peer(&self) -> Peer {
        match self {
            Self::DialFailed(error) => error.peer(),
            Self::Exited(_) | Self::TargetClosed | Self::LinkLost | Self::JumpLost(_) => Peer::Target,
            Self::TimedOut
            | Self::BrowserGone
            | Self::NobodyCameBack
            | Self::BrowserStalled
            | Self::InputOverflow => Peer::Browser,
            Self::MaxDuration | Self::Shutdown | Self::Internal => Peer::Gateway,
        }
    }
}

fn exit_sentence(exit: &Exit) -> String {
    match exit {
        Exit::Status(0) => "The shell exited.".to_owned(),
        Exit::Status(status) => format!("The shell exited with status {status}."),
        Exit::Signal(signal) => format!("The shell was killed by signal {signal}."),
    }
}
