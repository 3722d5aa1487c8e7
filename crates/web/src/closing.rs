//! The engine's words in the wire's: steps, why a session will end, and why it is over.

use std::time::Duration;

use engine::{
    CloseReason, ConnectionFacts, DialError, EndingCause, Exit, FieldsKind, Question, SessionFacts,
    SessionUnknown, StartError,
};
use wire::{
    Closed, Code, Details, HostProof, Peer, Preset, QuestionField, QuestionKind, SessionDetails,
    ShownHostKey, Warning,
};

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
pub(crate) fn closed(reason: &CloseReason, retry: bool, lasted: Option<Duration>) -> Closed {
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
        duration_s: lasted.map(|lasted| lasted.as_secs()),
    }
}

/// The payload that tells a browser that nothing was started.
pub(crate) fn not_started(error: StartError) -> Closed {
    let (code, peer, retry) = match error {
        StartError::TicketUnknown(_) => (Code::TicketUnknown, Peer::Browser, false),
        StartError::TooManySessions => (Code::TooManySessions, Peer::Browser, true),
        // Tickets do not outlive the gateway.
        StartError::ShuttingDown => (Code::Shutdown, Peer::Gateway, false),
    };
    turned_away(code, error.to_string(), peer, retry)
}

/// The payload that tells a browser that there is nothing to come back to.
pub(crate) fn not_resumed(unknown: SessionUnknown) -> Closed {
    turned_away(Code::SessionUnknown, unknown.to_string(), Peer::Browser, false)
}

fn turned_away(code: Code, message: String, peer: Peer, retry: bool) -> Closed {
    Closed { code, message, peer, retry, exit_status: None, exit_signal: None, duration_s: None }
}

/// The payload that tells a browser that its session will end.
pub(crate) fn warning(cause: EndingCause, left: Duration) -> Warning {
    let code = match cause {
        EndingCause::Idle => Code::TimedOut,
        EndingCause::MaxDuration => Code::MaxDuration,
        EndingCause::Drain => Code::Shutdown,
    };
    let seconds = left.as_millis().div_ceil(1000);
    Warning { code, seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
}

/// The payload that tells a browser how its session is protected.
pub(crate) fn session_details(facts: &SessionFacts) -> SessionDetails {
    SessionDetails { target: details(&facts.target), hops: facts.hops.iter().map(details).collect() }
}

fn details(facts: &ConnectionFacts) -> Details {
    let facts = facts.clone();
    Details {
        target: facts.target,
        server: facts.server,
        preset: match facts.preset {
            engine::Preset::Modern => Preset::Modern,
            engine::Preset::Compatible => Preset::Compatible,
            engine::Preset::Legacy => Preset::Legacy,
        },
        key_exchange: facts.key_exchange,
        post_quantum: facts.is_post_quantum,
        strict_key_exchange: facts.is_strict,
        host_key: facts.host_key.algorithm,
        fingerprint: facts.host_key.fingerprint.to_string(),
        host_proof: match facts.host_key.proof {
            engine::HostProof::Pinned => HostProof::Pinned,
            engine::HostProof::Known => HostProof::Known,
            engine::HostProof::Certificate => HostProof::Certificate,
            engine::HostProof::Learnt => HostProof::Learnt,
            engine::HostProof::Accepted => HostProof::Accepted,
        },
        cipher: facts.cipher,
        mac: facts.mac,
        compression: facts.compression,
        weak: facts.weak,
    }
}

/// The payload that asks a browser's user.
pub(crate) fn question(id: u64, question: &Question, limit: Duration) -> wire::Question {
    let seconds = u32::try_from(limit.as_secs()).unwrap_or(u32::MAX);
    match question {
        Question::HostKey(asked) => wire::Question {
            id,
            kind: QuestionKind::HostKey,
            target: asked.target.clone(),
            seconds,
            host_key: Some(ShownHostKey {
                algorithm: asked.algorithm.clone(),
                fingerprint: asked.fingerprint.to_string(),
                randomart: asked.randomart.clone(),
                can_remember: asked.can_remember,
            }),
            name: String::new(),
            instruction: String::new(),
            fields: Vec::new(),
            again: false,
        },
        Question::Fields(asked) => wire::Question {
            id,
            kind: match asked.kind {
                FieldsKind::Password => QuestionKind::Password,
                FieldsKind::Passphrase => QuestionKind::Passphrase,
                FieldsKind::KeyboardInteractive => QuestionKind::KeyboardInteractive,
            },
            target: asked.target.clone(),
            seconds,
            host_key: None,
            name: asked.name.clone(),
            instruction: asked.instruction.clone(),
            fields: asked
                .fields
                .iter()
                .map(|field| QuestionField { prompt: field.prompt.clone(), echo: field.echo })
                .collect(),
            again: asked.again,
        },
    }
}

fn peer(peer: engine::Peer) -> Peer {
    match peer {
        engine::Peer::Browser => Peer::Browser,
        engine::Peer::Target => Peer::Target,
        engine::Peer::Gateway => Peer::Gateway,
    }
}

/// Why a session is over, as a code.
pub(crate) fn code(reason: &CloseReason) -> Code {
    match reason {
        CloseReason::DialFailed(error) => dial_code(error),
        CloseReason::Exited(Exit::Status(_)) => Code::Exited,
        CloseReason::Exited(Exit::Signal(_)) => Code::Signalled,
        CloseReason::TargetClosed => Code::TargetClosed,
        CloseReason::LinkLost | CloseReason::JumpLost(_) => Code::LinkLost,
        CloseReason::TimedOut => Code::TimedOut,
        CloseReason::MaxDuration => Code::MaxDuration,
        CloseReason::BrowserGone | CloseReason::NobodyCameBack => Code::BrowserGone,
        CloseReason::BrowserStalled => Code::BrowserStalled,
        CloseReason::InputOverflow => Code::InputOverflow,
        CloseReason::Shutdown => Code::Shutdown,
        CloseReason::Internal => Code::Internal,
    }
}

fn dial_code(error: &DialError) -> Code {
    match error {
        DialError::TargetDenied(_) => Code::TargetDenied,
        DialError::AlgorithmsDenied(_) => Code::AlgorithmsDenied,
        DialError::NameNotFound { .. } => Code::NameNotFound,
        DialError::ConnectRefused { .. } => Code::ConnectRefused,
        DialError::ConnectFailed { .. } => Code::ConnectFailed,
        DialError::ConnectTimeout { .. } => Code::ConnectTimeout,
        DialError::NotSsh { .. } => Code::NotSsh,
        DialError::HandshakeTimeout { .. } => Code::HandshakeTimeout,
        DialError::NoCommonAlgorithm(_) | DialError::NotStrict { .. } => Code::NoCommonAlgorithm,
        DialError::HostKeyChanged { .. } => Code::HostKeyChanged,
        DialError::HostKeyRevoked { .. } => Code::HostKeyRevoked,
        DialError::HostKeyUnknown { .. } => Code::HostKeyUnknown,
        DialError::HostKeyRefused { .. } => Code::HostKeyRefused,
        DialError::HostKeyStore { .. } => Code::HostKeyStore,
        DialError::AuthFailed { .. } | DialError::TooManyTries { .. } => Code::AuthFailed,
        DialError::AuthMethodUnavailable { .. } => Code::AuthMethodUnavailable,
        DialError::LoginCancelled { .. } => Code::LoginCancelled,
        DialError::Unanswered { .. } => Code::Unanswered,
        DialError::AuthTimeout { .. } => Code::AuthTimeout,
        DialError::KeyInvalid { .. } => Code::KeyInvalid,
        DialError::KeyPassphrase { .. } => Code::KeyPassphrase,
        DialError::KeyTooCostly { .. } => Code::KeyTooCostly,
        DialError::CertificateInvalid { .. } => Code::CertificateInvalid,
        DialError::ShellRefused { .. } => Code::ShellRefused,
        DialError::JumpRefused { .. } => Code::JumpRefused,
        DialError::AtHop { error, .. } => dial_code(error),
        DialError::LinkLost { .. } => Code::LinkLost,
        DialError::Internal { .. } => Code::Internal,
    }
}
