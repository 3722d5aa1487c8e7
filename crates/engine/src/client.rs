//! Whoever watches a session, as the session sees it.

use bytes::Bytes;

use crate::{CloseReason, CreditLimits, Step};

/// The attached browser. Calls never wait: what does not fit is refused and offered again.
pub trait Client: Send + Sync + 'static {
    /// How much output may be on its way to this client.
    fn limits(&self) -> CreditLimits;

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
    /// All input before this offset was handed to the target.
    InputTaken(u64),
    /// The attempt or the session is over; nothing follows.
    Closed {
        /// Why.
        reason: CloseReason,
        /// Whether the same ticket may open a shell if it is tried again.
        retry: bool,
    },
}

/// The way to the browser takes nothing more now.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the way to the browser is full")]
pub struct ClientFull;
