//! The registry: every ticket and every session. (stub)

use std::{sync::Arc, time::Duration};

use crate::{
    Dialer, TermSize, Ticket,
    client::Client,
    session::Handle,
    target::{Credentials, Target},
};

/// Limits of tickets.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a ticket may wait to be redeemed.
    pub ticket_ttl: Duration,
}

/// What a ticket stands for.
pub struct SessionOrder {
    /// Where to.
    pub target: Target,
    /// How to log in.
    pub credentials: Credentials,
    /// The `TERM` of the pty; `xterm-256color` if absent.
    pub term: Option<String>,
    /// The size of the pty if the page names none.
    pub size: Option<TermSize>,
}

/// A new ticket.
pub struct Issued {
    /// The ticket.
    pub ticket: Ticket,
    /// How long from now it may be redeemed.
    pub valid_for: Duration,
}

/// No more tickets can wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many tickets wait to be redeemed")]
pub struct TooManyTickets;

/// The ticket was never issued, was redeemed, or has expired.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("This link was used already or has expired.")]
pub struct TicketUnknown;

/// Every ticket and every session of one gateway.
pub struct Registry {
    _dialer: Arc<dyn Dialer>,
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new(dialer: Arc<dyn Dialer>, _options: Options) -> Arc<Self> {
        Arc::new(Self { _dialer: dialer })
    }

    /// Keeps an order, sealed, under a new ticket.
    ///
    /// # Errors
    /// Too many tickets wait.
    pub fn issue(&self, _order: SessionOrder) -> Result<Issued, TooManyTickets> {
        Err(TooManyTickets)
    }

    /// Whether the ticket could be redeemed now.
    #[must_use]
    pub fn knows(&self, _ticket: &Ticket) -> bool {
        false
    }

    /// Redeems the ticket, once, and spawns its session.
    ///
    /// # Errors
    /// The ticket is unknown, used or expired.
    pub fn start(
        self: &Arc<Self>,
        _ticket: &Ticket,
        _size: Option<TermSize>,
        _client: Arc<dyn Client>,
    ) -> Result<Handle, TicketUnknown> {
        Err(TicketUnknown)
    }

    /// Issues and starts nothing more, ends every session with `CloseReason::Shutdown`, and
    /// returns when they are gone.
    pub async fn shutdown(&self) {}
}
