//! The session: its owner task, flow control and tickets.
//!
//! Must not know SSH, HTTP, Socket.IO or JSON: shells come from a [`Dialer`], whoever watches a
//! session is a [`Client`].

mod client;
mod dial;
mod reason;
mod registry;
mod sealed;
mod session;
mod target;
mod ticket;

pub use client::{Client, ClientFull, Notice};
pub use dial::{
    DialError, DialOrder, Dialer, Exit, ProgressSink, Shell, ShellEvent, ShellGone, Step, Transport,
};
pub use reason::{CloseReason, Peer};
pub use registry::Registry;
pub use sealed::SealError;
pub use session::{Handle, InputFull, MAX_WAITING_INPUT, credit::CreditLimits};
pub use target::{Credentials, Fingerprint, InvalidHostKey, Pty, Target, TermSize};
pub use ticket::{IssueError, Issued, MAX_TICKETS, MAX_TRIES, SessionOrder, Ticket, TicketUnknown};
