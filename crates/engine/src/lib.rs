//! The session: its owner task, flow control and tickets.
//!
//! Must not know SSH, HTTP, Socket.IO or JSON: shells come from a [`Dialer`], whoever watches a
//! session is a [`Client`].

mod client;
mod dial;
mod reason;
mod registry;
mod session;
mod target;
mod ticket;

pub use client::{Client, ClientFull, Notice};
pub use dial::{
    DialError, DialOrder, Dialer, Exit, ProgressSink, Shell, ShellEvent, ShellGone, Step, Transport,
};
pub use reason::{CloseReason, Peer};
pub use registry::{Issued, Options, Registry, SessionOrder, TicketUnknown, TooManyTickets};
pub use session::{Handle, InputFull};
pub use target::{Credentials, Fingerprint, InvalidHostKey, Pty, Target, TermSize};
pub use ticket::Ticket;
