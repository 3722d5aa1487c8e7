//! Tickets: single-use rights to start one session.
//!
//! Owns their life: issued with sealed credentials, redeemed by one caller at a time, given back
//! when no shell was opened, burnt when one was, forgotten at their time. Must not know what a
//! session is.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{task::AbortHandle, time::Instant};
use uuid::Uuid;

use crate::{
    credentials::Credentials,
    dial::Hop,
    dial_error::NotAdmitted,
    hash::sha256,
    options::Options,
    program::Program,
    quota::Full,
    sealed::{SealError, SealedCredentials, Sealer},
    target::{Target, TermSize},
    terminal::Terminal,
};

/// How often a ticket may be redeemed before it is burnt although no shell was opened.
pub const MAX_TRIES: u32 = 3;
/// How many tickets may wait at a time.
pub const MAX_TICKETS: usize = 10_000;

/// A right to start one session once: a UUIDv4. It prints nothing of itself.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Ticket(Uuid);

impl Ticket {
    /// Reads a ticket in the usual spelling of a UUID; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == uuid::fmt::Hyphenated::LENGTH).then(|| Uuid::try_parse(text).ok().map(Self)).flatten()
    }

    /// The text to hand to whoever asked for the ticket, and to nobody else.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.0.to_string()
    }

    pub(crate) fn hash(&self) -> TicketHash {
        TicketHash(sha256(self.0.as_bytes()))
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

/// All that is kept of a ticket.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(crate) struct TicketHash([u8; 32]);

/// What a ticket stands for.
pub struct SessionOrder {
    /// The jump hosts on the way, in their order.
    pub jump: Vec<Hop>,
    /// Where to.
    pub target: Target,
    /// How to log in.
    pub credentials: Credentials,
    /// The terminal to ask for.
    pub terminal: Terminal,
    /// What runs in it.
    pub program: Program,
    /// The size of the pty if the page names none.
    pub size: Option<TermSize>,
    /// Who ordered it, for the quota of each.
    pub caller: Option<String>,
    /// How long it may go without input, if less than the gateway's own limit.
    pub idle_timeout: Option<Duration>,
    /// How long it may last, if less than the gateway's own limit.
    pub max_duration: Option<Duration>,
}

impl SessionOrder {
    /// The usual shell on this target, without a jump host, a limit of its own or a caller.
    #[must_use]
    pub fn new(target: Target, credentials: Credentials) -> Self {
        Self {
            jump: Vec::new(),
            target,
            credentials,
            terminal: Terminal::default(),
            program: Program::default(),
            size: None,
            caller: None,
            idle_timeout: None,
            max_duration: None,
        }
    }
}

/// A new ticket.
#[derive(Debug)]
pub struct Issued {
    /// The ticket.
    pub ticket: Ticket,
    /// How long from now it may be redeemed.
    pub valid_for: Duration,
}

/// Why no ticket was issued.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IssueError {
    /// The target may not be dialled as the order has it.
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
    /// [`MAX_TICKETS`] wait.
    #[error("too many tickets wait to be redeemed")]
    TooManyTickets,
    /// There are as many sessions as there may be.
    #[error("too many sessions are open")]
    TooManySessions {
        /// Whether that is the quota of this caller alone.
        of_caller: bool,
    },
    /// The gateway is going down.
    #[error("the gateway is shutting down")]
    ShuttingDown,
    /// The credentials cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<Full> for IssueError {
    fn from(full: Full) -> Self {
        Self::TooManySessions { of_caller: full == Full::OfCaller }
    }
}

/// The ticket was never issued, was redeemed, or has expired: there is no telling which.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("This link was used already or has expired.")]
pub struct TicketUnknown;

/// The tickets that wait.
pub struct Tickets {
    sealer: Sealer,
    ttl: Duration,
    slots: Mutex<HashMap<TicketHash, Slot>>,
}

enum Slot {
    /// Waits to be redeemed.
    Waiting(Box<Waiting>),
    /// Somebody holds it and may give it back. Looking at it shows no difference, so that a page
    /// that is reloaded while its session is dialed finds its link.
    Held,
}

struct Waiting {
    jump: Vec<SealedHop>,
    target: Target,
    credentials: SealedCredentials,
    terminal: Terminal,
    program: Program,
    size: Option<TermSize>,
    caller: Option<String>,
    idle_timeout: Option<Duration>,
    max_duration: Option<Duration>,
    tries_left: u32,
    expires: Instant,
    /// Forgets the ticket at its time; one timer each, so nothing ever scans.
    expiry: AbortHandle,
}

struct SealedHop {
    target: Target,
    credentials: SealedCredentials,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.expiry.abort();
    }
}

impl Tickets {
    /// None yet; each may wait for so long.
    pub fn new(ttl: Duration) -> Result<Arc<Self>, SealError> {
        Ok(Arc::new(Self { sealer: Sealer::new()?, ttl, slots: Mutex::default() }))
    }

    /// Keeps an order, sealed, under a new ticket.
    pub fn issue(self: &Arc<Self>, order: SessionOrder) -> Result<Issued, IssueError> {
        let ticket = Ticket(Uuid::new_v4());
        let hash = ticket.hash();
        let credentials = self.sealer.seal(order.credentials)?;
        let sealed = |Hop { target, credentials }| {
            Ok(SealedHop { target, credentials: self.sealer.seal(credentials)? })
        };
        let jump = order.jump.into_iter().map(sealed).collect::<Result<_, SealError>>()?;
        let mut slots = self.slots.lock();
        if slots.len() >= MAX_TICKETS {
            return Err(IssueError::TooManyTickets);
        }
        let expires = Instant::now() + self.ttl;
        let waiting = Waiting {
            jump,
            target: order.target,
            credentials,
            terminal: order.terminal,
            program: order.program,
            size: order.size,
            caller: order.caller,
            idle_timeout: order.idle_timeout,
            max_duration: order.max_duration,
            tries_left: MAX_TRIES,
            expires,
            expiry: self.forget_at(hash, expires),
        };
        slots.insert(hash, Slot::Waiting(Box::new(waiting)));
        Ok(Issued { ticket, valid_for: self.ttl })
    }

    /// Whether the ticket could be redeemed now, or may be given back.
    pub(crate) fn knows(&self, ticket: &Ticket) -> bool {
        self.slots.lock().contains_key(&ticket.hash())
    }

    /// Takes the ticket: of any number of callers at once, one gets it.
    pub fn redeem(self: &Arc<Self>, ticket: &Ticket) -> Result<Redeemed, TicketUnknown> {
        let hash = ticket.hash();
        let slot = self.slots.lock().get_mut(&hash).map(|slot| std::mem::replace(slot, Slot::Held));
        let Some(Slot::Waiting(mut waiting)) = slot else { return Err(TicketUnknown) };
        waiting.tries_left -= 1;
        Ok(Redeemed { tickets: Arc::clone(self), hash, waiting: Some(waiting) })
    }

    /// How many wait or are held.
    pub(crate) fn count(&self) -> usize {
        self.slots.lock().len()
    }

    /// Forgets every ticket that waits.
    pub(crate) fn clear(&self) {
        self.slots.lock().clear();
    }

    fn forget_at(self: &Arc<Self>, hash: TicketHash, expires: Instant) -> AbortHandle {
        let tickets = Arc::downgrade(self);
        let timer = async move {
            tokio::time::sleep_until(expires).await;
            if let Some(tickets) = tickets.upgrade() {
                tickets.slots.lock().remove(&hash);
            }
        };
        tokio::spawn(timer).abort_handle()
    }
}

/// A ticket that somebody holds. Dropping it gives the ticket back while it has tries and time
/// left; [`burn`](Self::burn) ends it.
pub struct Redeemed {
    tickets: Arc<Tickets>,
    hash: TicketHash,
    waiting: Option<Box<Waiting>>,
}

impl Redeemed {
    /// Opens what the ticket stands for.
    pub(crate) fn order(&self) -> Result<SessionOrder, SealError> {
        let waiting = self.waiting.as_ref().ok_or(SealError)?;
        let sealer = &self.tickets.sealer;
        let opened = |hop: &SealedHop| {
            Ok(Hop { target: hop.target.clone(), credentials: sealer.open(&hop.credentials)? })
        };
        Ok(SessionOrder {
            jump: waiting.jump.iter().map(opened).collect::<Result<_, SealError>>()?,
            target: waiting.target.clone(),
            credentials: sealer.open(&waiting.credentials)?,
            terminal: waiting.terminal.clone(),
            program: waiting.program.clone(),
            size: waiting.size,
            caller: waiting.caller.clone(),
            idle_timeout: waiting.idle_timeout,
            max_duration: waiting.max_duration,
        })
    }

    /// Who ordered it.
    pub(crate) fn caller(&self) -> Option<&str> {
        self.waiting.as_ref().and_then(|waiting| waiting.caller.as_deref())
    }

    /// How long its session may go without input, and last: the lesser of what was ordered and
    /// what the gateway allows.
    pub(crate) fn time_limits(&self, options: &Options) -> (Option<Duration>, Option<Duration>) {
        let lesser = |ordered: Option<Duration>, allowed: Option<Duration>| {
            ordered.map_or(allowed, |ordered| Some(allowed.map_or(ordered, |allowed| ordered.min(allowed))))
        };
        let ordered = self.waiting.as_ref();
        (
            lesser(ordered.and_then(|waiting| waiting.idle_timeout), options.idle_timeout),
            lesser(ordered.and_then(|waiting| waiting.max_duration), options.max_duration),
        )
    }

    /// What is known of the ticket once it is gone.
    pub(crate) fn hash(&self) -> TicketHash {
        self.hash
    }

    /// Gives the ticket back as if it had not been redeemed.
    pub(crate) fn undo(mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.tries_left += 1;
        }
        self.put_back();
    }

    /// A shell was opened: the ticket is over.
    pub fn burn(mut self) {
        self.waiting = None;
        self.tickets.slots.lock().remove(&self.hash);
    }

    /// Gives the ticket back, and says whether it may be redeemed again.
    pub(crate) fn give_back(mut self) -> bool {
        self.put_back()
    }

    fn put_back(&mut self) -> bool {
        let Some(ticket) = self.waiting.take() else { return false };
        let mut slots = self.tickets.slots.lock();
        let usable = ticket.tries_left > 0 && Instant::now() < ticket.expires;
        if usable {
            slots.insert(self.hash, Slot::Waiting(ticket));
        } else {
            slots.remove(&self.hash);
        }
        usable
    }
}

impl Drop for Redeemed {
    fn drop(&mut self) {
        self.put_back();
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const TTL: Duration = Duration::from_secs(120);

    fn order() -> SessionOrder {
        SessionOrder::new(Target::new("example", 22, "me"), Credentials::of_password("secret"))
    }

    #[tokio::test]
    async fn one_of_many_gets_it() {
        let tickets = Tickets::new(TTL).unwrap();
        let ticket = tickets.issue(order()).unwrap().ticket;
        let held: Vec<_> = (0..10).map(|_| tickets.redeem(&ticket)).collect();
        assert_eq!(held.iter().filter(|redeemed| redeemed.is_ok()).count(), 1);
        assert!(tickets.knows(&ticket));
    }

    #[tokio::test]
    async fn a_failed_try_gives_it_back_three_times_in_all() {
        let tickets = Tickets::new(TTL).unwrap();
        let ticket = tickets.issue(order()).unwrap().ticket;
        assert!(tickets.redeem(&ticket).unwrap().give_back());
        drop(tickets.redeem(&ticket).unwrap());
        let redeemed = tickets.redeem(&ticket).unwrap();
        let password = redeemed.order().unwrap().credentials.password.unwrap();
        assert_eq!(password.expose_secret(), "secret");
        assert!(!redeemed.give_back());
        assert!(!tickets.knows(&ticket));
    }

    #[tokio::test]
    async fn a_burnt_ticket_is_gone() {
        let tickets = Tickets::new(TTL).unwrap();
        let ticket = tickets.issue(order()).unwrap().ticket;
        tickets.redeem(&ticket).unwrap().burn();
        assert!(!tickets.knows(&ticket));
        assert!(tickets.redeem(&ticket).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_forgotten_at_its_time_and_not_before() {
        let tickets = Tickets::new(TTL).unwrap();
        let ticket = tickets.issue(order()).unwrap().ticket;
        tokio::time::sleep(TTL - Duration::from_millis(1)).await;
        assert!(tickets.knows(&ticket));
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(!tickets.knows(&ticket));
        assert!(tickets.slots.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn it_expires_while_somebody_holds_it() {
        let tickets = Tickets::new(TTL).unwrap();
        let ticket = tickets.issue(order()).unwrap().ticket;
        let redeemed = tickets.redeem(&ticket).unwrap();
        tokio::time::sleep(TTL).await;
        assert!(!redeemed.give_back());
        assert!(!tickets.knows(&ticket));
    }

    #[tokio::test]
    async fn the_number_of_tickets_is_bounded() {
        let tickets = Tickets::new(TTL).unwrap();
        for _ in 0..MAX_TICKETS {
            tickets.issue(order()).unwrap();
        }
        assert_eq!(tickets.issue(order()).unwrap_err(), IssueError::TooManyTickets);
    }

    #[test]
    fn only_the_usual_spelling_is_a_ticket() {
        assert!(Ticket::parse("c56a4180-65aa-42ec-a945-5fd21dec0538").is_some());
        for text in ["", "None", "c56a418065aa42eca9455fd21dec0538", "{c56a4180-65aa-42ec-a945-5fd21dec0538}"]
        {
            assert!(Ticket::parse(text).is_none(), "{text}");
        }
    }
}
