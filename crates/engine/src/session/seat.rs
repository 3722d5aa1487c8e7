//! One client's place at a session, and what a newcomer brings to take it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    client::{Client, Notice},
    reason::CloseReason,
    token::ResumeToken,
};

/// Whoever is attached, or about to be. Dropped, it hears nothing more.
pub(crate) struct Seat {
    pub(super) client: Arc<dyn Client>,
    over: CancellationToken,
}

/// Somebody who takes the session.
pub(crate) struct Newcomer {
    pub(crate) seat: Seat,
    /// The output that it has.
    pub(crate) have: Option<u64>,
    pub(crate) welcome: Welcome,
}

/// What a newcomer is told besides the screen.
pub(crate) struct Welcome {
    pub(crate) token: ResumeToken,
    /// It starts the session, as far as it knows.
    pub(crate) starts: bool,
}

impl Seat {
    /// `over` is cancelled when this client hears nothing more.
    pub(crate) fn new(client: Arc<dyn Client>, over: CancellationToken) -> Self {
        Self { client, over }
    }

    /// Tells the client that another one has the session. One that cannot be told finds out by
    /// losing its connection.
    pub(crate) fn tell_taken_over(&self, take_back: Option<ResumeToken>) {
        let told = take_back.map(|token| self.client.notice(&Notice::TakenOver { token }));
        if !matches!(told, Some(Ok(()))) {
            tracing::debug!("a browser whose session was taken over cannot be told");
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let closed = Notice::Closed { reason: CloseReason::Internal, retry: false, lasted: None };
            if self.client.notice(&closed).is_err() {
                tracing::warn!("the browser of a session that panicked cannot be told");
            }
        }
        self.over.cancel();
    }
}
