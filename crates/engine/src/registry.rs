//! The registry: every ticket and every session of one gateway.

use std::{
    net::IpAddr,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::available_parallelism,
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client::Client,
    dial::{Dialer, way},
    options::Options,
    quota::Quota,
    sealed::SealError,
    session::{Attachment, Owner, mailbox::Mailbox, seat::Seat},
    sessions::{Counts, Right, SessionUnknown, Sessions},
    target::TermSize,
    ticket::{IssueError, Issued, SessionOrder, Ticket, TicketUnknown, Tickets},
    token::ResumeToken,
};

/// Every ticket and every session of one gateway.
pub struct Registry {
    pub(crate) dialer: Arc<dyn Dialer>,
    options: Arc<Options>,
    tickets: Arc<Tickets>,
    pub(crate) quota: Arc<Quota>,
    sessions: Arc<Sessions>,
    pub(crate) tasks: TaskTracker,
    /// How many screens are fed at a time.
    mirrors: Arc<Semaphore>,
    draining: AtomicBool,
    pub(crate) stop: CancellationToken,
}

/// Why a ticket started no session.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StartError {
    /// It was never issued, was redeemed, or has expired.
    #[error(transparent)]
    TicketUnknown(#[from] TicketUnknown),
    /// There are as many sessions as there may be; the ticket is as it was.
    #[error("Too many sessions are open.")]
    TooManySessions,
    /// The gateway is going down; the ticket is as it was.
    #[error("The gateway is shutting down.")]
    ShuttingDown,
}

impl Registry {
    /// An empty registry.
    ///
    /// # Errors
    /// The key that seals credentials cannot be made.
    pub fn new(dialer: Arc<dyn Dialer>, options: Options) -> Result<Arc<Self>, SealError> {
        Ok(Arc::new(Self {
            dialer,
            tickets: Tickets::new(options.ticket_ttl)?,
            quota: Quota::new(options.quotas),
            options: Arc::new(options),
            sessions: Arc::default(),
            tasks: TaskTracker::new(),
            mirrors: Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from))),
            draining: AtomicBool::new(false),
            stop: CancellationToken::new(),
        }))
    }

    /// Keeps an order, sealed, under a new ticket. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The target is denied or what is asked of it is, too many tickets wait, too many sessions are open, or the gateway is going down.
    pub fn issue(&self, order: SessionOrder) -> Result<Issued, IssueError> {
        if self.is_going_down() {
            return Err(IssueError::ShuttingDown);
        }
        self.dialer.admit(&way(&order.jump, &order.target))?;
        self.quota.check(order.caller.as_deref())?;
        self.tickets.issue(order)
    }

    /// Whether the ticket could be redeemed now, or may be given back by a session that is
    /// dialing, or leads to one whose page may not know that it has it.
    #[must_use]
    pub fn knows(&self, ticket: &Ticket) -> bool {
        self.tickets.knows(ticket) || self.sessions.knows(ticket.hash())
    }

    /// Redeems the ticket, once, and spawns its session; how that goes, `client` is told.
    /// `address` is where the client is, for the quota of each.
    ///
    /// # Errors
    /// The ticket starts nothing, or nothing more may be started.
    pub fn start(
        &self,
        ticket: &Ticket,
        size: Option<TermSize>,
        client: Arc<dyn Client>,
        address: IpAddr,
    ) -> Result<Attachment, StartError> {
        let redeemed = match self.tickets.redeem(ticket) {
            Ok(redeemed) => redeemed,
            Err(unknown) => {
                if !client.can_resume() {
                    return Err(unknown.into());
                }
                let right = Right::Ticket(ticket.hash());
                let attached = self.sessions.attach(&right, None, client);
                if let (Ok(session), Some(size)) = (&attached, size) {
                    session.resize(size);
                }
                return attached.map_err(|SessionUnknown| unknown.into());
            }
        };
        if self.is_going_down() {
            redeemed.undo();
            return Err(StartError::ShuttingDown);
        }
        let Ok(place) = self.quota.take(address, redeemed.caller().map(str::to_owned)) else {
            redeemed.undo();
            return Err(StartError::TooManySessions);
        };
        let mailbox = Arc::new(Mailbox::default());
        let generation = mailbox.attach_first();
        let over = CancellationToken::new();
        let membership = self.sessions.enter(Arc::clone(&mailbox), generation);
        let attachment = Attachment::new(
            Arc::clone(&mailbox),
            generation,
            over.clone(),
            Arc::clone(&self.sessions),
            membership.id,
        );
        let owner = Owner {
            dialer: Arc::clone(&self.dialer),
            options: Arc::clone(&self.options),
            mirrors: Arc::clone(&self.mirrors),
            ticket: redeemed,
            size,
            seat: Seat::new(client, over),
            mailbox,
            membership,
            stop: self.stop.child_token(),
        };
        self.tasks.spawn(async move {
            watched(owner).await;
            drop(place);
        });
        Ok(attachment)
    }

    /// Attaches a browser to the session that it shows the token of, in the place of whoever has
    /// it. `have` is the output that it has; without it, it gets the whole screen.
    ///
    /// # Errors
    /// The token is of no session.
    pub fn resume(
        &self,
        token: &ResumeToken,
        have: Option<u64>,
        client: Arc<dyn Client>,
    ) -> Result<Attachment, SessionUnknown> {
        self.sessions.attach(&Right::Token(token.hash()), have, client)
    }

    /// What every session is held to.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How many tickets and sessions there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { tickets: self.tickets.count(), ..self.sessions.counts() }
    }

    /// Issues and starts nothing more, tells every browser that its session ends in `limit`, and
    /// returns when all sessions are over or the time is up.
    pub async fn drain(&self, limit: Duration) {
        self.draining.store(true, Ordering::SeqCst);
        let at = Instant::now() + limit;
        self.sessions.drain(at);
        self.tasks.close();
        if timeout_at(at, self.tasks.wait()).await.is_err() {
            tracing::info!(sessions = self.tasks.len(), "sessions are left that must end now");
        }
    }

    /// Whether nothing more is issued and started.
    #[must_use]
    pub fn is_going_down(&self) -> bool {
        self.draining.load(Ordering::SeqCst) || self.stop.is_cancelled()
    }

    /// Issues nothing more, forgets every ticket, ends every session with
    /// [`CloseReason::Shutdown`](crate::CloseReason::Shutdown), and returns when all are gone: within about 5 s.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tickets.clear();
        self.tasks.close();
        self.tasks.wait().await;
        // Those that were dialing gave theirs back.
        self.tickets.clear();
    }
}

/// Runs a session; a panic ends this one and no other.
async fn watched(owner: Owner) {
    match AssertUnwindSafe(owner.run()).catch_unwind().await {
        Ok(reason) => tracing::info!(%reason, peer = ?reason.peer(), "session ended"),
        Err(_) => tracing::error!("a session panicked and was ended"),
    }
}
