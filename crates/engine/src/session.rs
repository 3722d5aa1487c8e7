//! The session's owner task and the handle on it. (stub)

use bytes::Bytes;

use crate::TermSize;

/// A cloneable handle on a session; dropping it changes nothing.
#[derive(Clone)]
pub struct Handle;

/// The session takes no more input.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the session takes no more input")]
pub struct InputFull;

impl Handle {
    /// Adds input.
    ///
    /// # Errors
    /// More input waits than the target takes: the session is ending.
    pub fn input(&self, _bytes: &Bytes) -> Result<(), InputFull> {
        Ok(())
    }

    /// Changes the size.
    pub fn resize(&self, _size: TermSize) {}

    /// The browser has processed all output before `offset`.
    pub fn ack(&self, _offset: u64) {}

    /// Ends the session.
    pub fn close(&self, _reason: crate::CloseReason) {}
}
