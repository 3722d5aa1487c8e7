//! The registry: every ticket and every session of one gateway.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client::{Client, Notice},
    dial::Dialer,
    reason::CloseReason,
    sealed::SealError,
    session::{Handle, Owner},
    target::TermSize,
    ticket::{IssueError, Issued, SessionOrder, Ticket, TicketUnknown, Tickets},
};

/// Every ticket and every session of one gateway.
pub struct Registry {
    dialer: Arc<dyn Dialer>,
    tickets: Arc<Tickets>,
    sessions: TaskTracker,
    stop: CancellationToken,
}

impl Registry {
    /// An empty registry whose tickets live for `ticket_ttl`.
    ///
    /// # Errors
    /// The key that seals credentials cannot be made.
    pub fn new(dialer: Arc<dyn Dialer>, ticket_ttl: Duration) -> Result<Arc<Self>, SealError> {
        Ok(Arc::new(Self {
            dialer,
            tickets: Tickets::new(ticket_ttl)?,
            sessions: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// Keeps an order, sealed, under a new ticket. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Too many tickets wait, or the gateway is going down.
    pub fn issue(&self, order: SessionOrder) -> Result<Issued, IssueError> {
        if self.stop.is_cancelled() {
            return Err(IssueError::ShuttingDown);
        }
        self.tickets.issue(order)
    }

    /// Whether the ticket could be redeemed now, or may be given back by a session that is dialing.
    #[must_use]
    pub fn knows(&self, ticket: &Ticket) -> bool {
        self.tickets.knows(ticket)
    }

    /// Redeems the ticket, once, and spawns its session; how that goes, `client` is told.
    ///
    /// # Errors
    /// The ticket is unknown, used or expired.
    pub fn start(
        &self,
        ticket: &Ticket,
        size: Option<TermSize>,
        client: Arc<dyn Client>,
    ) -> Result<Handle, TicketUnknown> {
        let ticket = self.tickets.redeem(ticket)?;
        let handle = Handle::new();
        let owner = Owner {
            dialer: Arc::clone(&self.dialer),
            ticket,
            size,
            client: Arc::clone(&client),
            handle: handle.clone(),
            stop: self.stop.child_token(),
        };
        let watched = watched(owner, client);
        let ending = handle.clone();
        self.sessions.spawn(async move {
            watched.await;
            ending.end();
        });
        Ok(handle)
    }

    /// The number of sessions that are not over, those that are still dialing included.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Issues nothing more, forgets every ticket, ends every session with
    /// [`CloseReason::Shutdown`], and returns when all are gone: within about 5 s.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tickets.clear();
        self.sessions.close();
        self.sessions.wait().await;
    }
}

/// Runs a session; a panic ends this one and no other, and its browser is told.
async fn watched(owner: Owner, client: Arc<dyn Client>) {
    match AssertUnwindSafe(owner.run()).catch_unwind().await {
        Ok(reason) => tracing::info!(%reason, peer = ?reason.peer(), "session ended"),
        Err(_) => {
            tracing::error!("a session panicked and was ended");
            let notice = Notice::Closed { reason: CloseReason::Internal, retry: false };
            if client.notice(&notice).is_err() {
                tracing::warn!("the browser of the session that panicked cannot be told");
            }
        }
    }
}
