//! Whoever watches a session, as the session sees it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{CloseReason, FlowLimits, SessionFacts, Step, TermSize, question::Question, token::ResumeToken};

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

    /// Takes a piece of the screen that [`Notice::Attached`] announced, which begins at `offset` in it;
    /// the client acknowledges it through the handle.
    ///
    /// # Errors
    /// The way to the browser is full: nothing of it was taken.
    fn screen(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull>;

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
    Progress {
        /// Which.
        step: Step,
        /// `host:port` of the jump host that it leads to, if it does not lead to the target.
        hop: Option<String>,
    },
    /// Only the person at the client can go on with this.
    Question {
        /// Its number, for the answer.
        id: u64,
        /// What is asked.
        question: Question,
        /// How long it stands.
        limit: Duration,
    },
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
        /// What comes before that output, where the client cannot go on from what it has.
        screen: Option<ScreenSize>,
    },
    /// What is known of the connections to the servers.
    Details(Arc<SessionFacts>),
    /// The screen that was just announced is empty, because the screen could not be kept.
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

/// How large a screen with its history is that follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ScreenSize {
    /// The size of the terminal that it is for.
    pub size: TermSize,
    /// How many bytes of escape sequences make it on such a terminal that was just reset.
    pub length: u64,
}

/// The way to the browser takes nothing more now.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the way to the browser is full")]
pub struct ClientFull;
