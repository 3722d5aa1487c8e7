//! Whoever watches a session, as the session sees it.

use std::{fmt, time::Duration};

use bytes::Bytes;

use crate::{CloseReason, FlowLimits, Step, TermSize, token::ResumeToken};

/// The attached browser. Calls never wait: what does not fit is refused and offered again.
pub trait Client: Send + Sync + 'static {
    /// How much output may be on its way to this client.
    fn limits(&self) -> FlowLimits;

    /// Whether it can come back to its session on another socket.
    fn can_resume(&self) -> bool;

    /// Takes output that begins at `offset`; the client acknowledges it through the handle.
    ///
    /// # Errors
    /// The way to the browser is full: nothing of it was taken.
    fn output(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull>;

    /// Takes a notice.
    ///
    /// # Errors
    /// The way to the browser is full: the notice was not taken.
    fn notice(&self, notice: &Notice) -> Result<(), ClientFull>;
}

/// What a session tells its browser besides output.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// A step of dialing has begun.
    Progress(Step),
    /// The shell is open.
    Ready,
    /// This client has the session from here on.
    Attached {
        /// The right to come back; it replaces every one before.
        token: ResumeToken,
        /// The offset of the output that follows.
        offset: u64,
        /// All input before this offset was taken.
        input_offset: u64,
        /// What to begin with, where the client cannot go on from what it has.
        screen: Option<Snapshot>,
    },
    /// The snapshot that just went is empty, because the screen could not be kept.
    ScreenLost,
    /// Another client has the session now; nothing follows.
    TakenOver {
        /// The right to take it back.
        token: ResumeToken,
    },
    /// The session will end.
    Ending {
        /// Why.
        cause: EndingCause,
        /// In how long.
        left: Duration,
    },
    /// All input before this offset was handed to the target.
    InputTaken(u64),
    /// The attempt or the session is over; nothing follows.
    Closed {
        /// Why.
        reason: CloseReason,
        /// Whether the same ticket may open a shell if it is tried again.
        retry: bool,
        /// How long the shell was open, where it was.
        lasted: Option<Duration>,
    },
}

/// Why a session will end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndingCause {
    /// Nothing was typed, and the session ends unless something is.
    Idle,
    /// It may last no longer.
    MaxDuration,
    /// The gateway is going down.
    Drain,
}

/// A screen with its history.
#[derive(Clone, Eq, PartialEq)]
pub struct Snapshot {
    /// The size of the terminal that it is for.
    pub size: TermSize,
    /// Escape sequences that make it on such a terminal that was just reset.
    pub bytes: Bytes,
}

impl fmt::Debug for Snapshot {
    /// Says nothing of what is on the screen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({:?}, {} bytes)", self.size, self.bytes.len())
    }
}

/// The way to the browser takes nothing more now.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the way to the browser is full")]
pub struct ClientFull;
