//! The engine's words in the wire's: steps, and why a session is over.

use engine::{CloseReason, DialError, Exit};
use wire::{Closed, Code, Peer};

/// A step of dialing, as the wire names it.
pub(crate) fn step(step: engine::Step) -> wire::Step {
    match step {
        engine::Step::Dial => wire::Step::Dial,
        engine::Step::Handshake => wire::Step::Handshake,
        engine::Step::Auth => wire::Step::Auth,
        engine::Step::Shell => wire::Step::Shell,
    }
}

/// The payload that tells a browser why its session is over.
pub(crate) fn closed(reason: &CloseReason, retry: bool) -> Closed {
    let (exit_status, exit_signal) = match reason {
        CloseReason::Exited(Exit::Status(status)) => (Some(*status), None),
        CloseReason::Exited(Exit::Signal(signal)) => (None, Some(signal.clone())),
        _ => (None, None),
    };
    Closed {
        code: code(reason),
        message: reason.to_string(),
        peer: peer(reason.peer()),
        retry,
        exit_status,
        exit_signal,
        duration_s: None,
    }
}

fn peer(peer: engine::Peer) -> Peer {
    match peer {
        engine::Peer::Browser => Peer::Browser,
        engine::Peer::Target => Peer::Target,
        engine::Peer::Gateway => Peer::Gateway,
    }
}

fn code(reason: &CloseReason) -> Code {
    match reason {
        CloseReason::DialFailed(error) => dial_code(error),
        CloseReason::Exited(Exit::Status(_)) => Code::Exited,
        CloseReason::Exited(Exit::Signal(_)) => Code::Signalled,
        CloseReason::TargetClosed => Code::TargetClosed,
        CloseReason::LinkLost => Code::LinkLost,
        CloseReason::TimedOut => Code::TimedOut,
        CloseReason::BrowserGone => Code::BrowserGone,
        CloseReason::BrowserStalled => Code::BrowserStalled,
        CloseReason::InputOverflow => Code::InputOverflow,
        CloseReason::Shutdown => Code::Shutdown,
        CloseReason::Internal => Code::Internal,
    }
}

fn dial_code(error: &DialError) -> Code {
    match error {
        DialError::NameNotFound { .. } => Code::NameNotFound,
        DialError::ConnectRefused { .. } => Code::ConnectRefused,
        DialError::ConnectFailed { .. } => Code::ConnectFailed,
        DialError::ConnectTimeout { .. } => Code::ConnectTimeout,
        DialError::NotSsh { .. } => Code::NotSsh,
        DialError::HandshakeTimeout { .. } => Code::HandshakeTimeout,
        DialError::NoCommonAlgorithm { .. } => Code::NoCommonAlgorithm,
        DialError::HostKeyChanged { .. } => Code::HostKeyChanged,
        DialError::HostKeyRevoked { .. } => Code::HostKeyRevoked,
        DialError::HostKeyUnknown { .. } => Code::HostKeyUnknown,
        DialError::HostKeyStore { .. } => Code::HostKeyStore,
        DialError::AuthFailed { .. } => Code::AuthFailed,
        DialError::AuthMethodUnavailable { .. } => Code::AuthMethodUnavailable,
        DialError::AuthTimeout { .. } => Code::AuthTimeout,
        DialError::KeyInvalid { .. } => Code::KeyInvalid,
        DialError::KeyPassphrase { .. } => Code::KeyPassphrase,
        DialError::KeyTooCostly { .. } => Code::KeyTooCostly,
        DialError::ShellRefused { .. } => Code::ShellRefused,
        DialError::LinkLost { .. } => Code::LinkLost,
        DialError::Internal { .. } => Code::Internal,
    }
}
