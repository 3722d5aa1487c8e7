//! A session: a remote shell and its state, owned by one task, reached through a handle.

pub(crate) mod credit;
mod mailbox;
mod outbox;
mod owner;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use mailbox::{InputFull, MAX_WAITING_INPUT};
pub(crate) use owner::Owner;

use self::mailbox::Mailbox;
use crate::{reason::CloseReason, target::TermSize};

/// A cloneable handle on a session. Its calls never wait; after the session's end they do nothing.
#[derive(Clone)]
pub struct Handle {
    mailbox: Arc<Mailbox>,
    ended: CancellationToken,
}

impl Handle {
    pub(crate) fn new() -> Self {
        Self { mailbox: Arc::default(), ended: CancellationToken::new() }
    }

    /// Sends input to the shell, behind all input before it.
    ///
    /// # Errors
    /// [`MAX_WAITING_INPUT`] bytes wait already: nothing of `bytes` was taken, and the session
    /// ends with [`CloseReason::InputOverflow`].
    pub fn input(&self, bytes: &[u8]) -> Result<(), InputFull> {
        let taken = self.mailbox.input(bytes);
        if taken.is_err() {
            self.close(CloseReason::InputOverflow);
        }
        taken
    }

    /// The terminal has another size.
    pub fn resize(&self, size: TermSize) {
        self.mailbox.size(size);
    }

    /// The browser has processed all output before `offset`.
    pub fn ack(&self, offset: u64) {
        self.mailbox.ack(offset);
    }

    /// A client that refused something may take it now.
    pub fn client_has_room(&self) {
        self.mailbox.wake();
    }

    /// Resolves when the session is over and its client has heard all it will hear.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    /// Ends the session; the first reason stands.
    pub fn close(&self, reason: CloseReason) {
        self.mailbox.close(reason);
    }
}
