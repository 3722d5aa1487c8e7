//! The session: its owner task, flow control and tickets.
//!
//! Must not know SSH, HTTP, Socket.IO or JSON: shells come from a [`Dialer`], whoever watches a
//! session is a [`Client`].

mod algorithms;
mod client;
mod credentials;
mod dial;
mod dial_error;
mod exec;
mod facts;
mod hash;
mod host;
mod options;
mod program;
mod question;
mod quota;
mod reason;
mod registry;
mod sealed;
mod session;
mod sessions;
mod target;
mod terminal;
mod ticket;
mod token;

pub use algorithms::{
    AlgorithmChoice, AlgorithmKind, AlgorithmsDenied, InvalidPreset, NoCommonAlgorithm, Offers, Preset,
    Remedy,
};
pub use client::{Client, ClientFull, EndingCause, Notice, ScreenSize};
pub use credentials::{AuthMethod, Credentials, KeyFile, KnownAnswer};
pub use dial::{DialOrder, Dialer, Exit, Hop, Shell, ShellEvent, ShellGone, Step, Transport, way};
pub use dial_error::{DialError, NotAdmitted, TargetDenied};
pub use exec::{ExecError, ExecOrder, Executed, Printed};
pub use facts::{ConnectionFacts, HostKeyFacts, HostProof, SessionFacts};
pub use host::{InvalidHost, host_name};
pub use options::{DetachedOutput, Options, Quotas};
pub use program::Program;
pub use question::{
    Answer, AnswerRefused, Field, FieldsKind, FieldsQuestion, HostKeyQuestion, Person, QUESTION_LIMIT,
    Question, Unanswered,
};
pub use reason::{CloseReason, Peer};
pub use registry::{Registry, StartError};
pub use sealed::SealError;
pub use session::{Attachment, InputRefused, MAX_WAITING_INPUT, credit::FlowLimits};
pub use sessions::{Counts, SessionUnknown};
pub use target::{Fingerprint, InvalidHostKey, Target, TermSize};
pub use terminal::{Charset, Erase, Pty, Terminal, UnknownCharset};
pub use ticket::{IssueError, Issued, MAX_TICKETS, MAX_TRIES, SessionOrder, Ticket, TicketUnknown};
pub use token::ResumeToken;

/// What only the micro benchmarks reach for besides.
#[doc(hidden)]
pub mod measured {
    pub use crate::{
        session::{backlog::Backlog, outbox::Outbox},
        ticket::{Redeemed, Tickets},
    };
}
