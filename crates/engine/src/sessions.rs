//! Every session of one gateway: how many there are, how they stand, and who may come back to which.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    client::Client,
    session::{
        Attachment,
        mailbox::{Generation, Mailbox},
        seat::{Newcomer, Seat, Welcome},
    },
    ticket::TicketHash,
    token::{ResumeToken, TokenHash},
};

/// How many browsers that were taken over may take the session back.
const MAX_TAKE_BACKS: usize = 8;

/// A session's number; never used again.
pub(crate) type SessionId = u64;

/// The token is of no session: it ended, another browser has it, or it never was.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("The session is over, or another page has it.")]
pub struct SessionUnknown;

/// How a session stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    Dialing,
    Attached,
    Detached,
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Tickets that wait or are held.
    pub tickets: usize,
    /// Sessions that have no shell yet.
    pub dialing: usize,
    /// Sessions that a browser is attached to.
    pub attached: usize,
    /// Sessions that wait for a browser to come back.
    pub detached: usize,
}

/// The sessions of one gateway.
#[derive(Default)]
pub(crate) struct Sessions {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: SessionId,
    entries: HashMap<SessionId, Entry>,
    by_token: HashMap<TokenHash, SessionId>,
    /// Sessions whose first browser has not said that it keeps its token.
    by_ticket: HashMap<TicketHash, SessionId>,
}

struct Entry {
    mailbox: Arc<Mailbox>,
    standing: Standing,
    /// Who is attached, or was last.
    generation: Generation,
    /// The right of whoever is attached, or was last.
    current: Option<TokenHash>,
    /// The right before it, good until the browser says that it keeps the current one.
    previous: Option<TokenHash>,
    /// The rights of those who were taken over, the latest last.
    take_back: VecDeque<TokenHash>,
    /// What it was started with, until its browser keeps a token: should the token not have
    /// arrived, the ticket still leads to the session.
    ticket: Option<TicketHash>,
}

/// What somebody shows who wants a session.
pub(crate) enum Right {
    Token(TokenHash),
    /// Counts as long as nobody has the session and its first token was not kept.
    Ticket(TicketHash),
}

/// A session's entry; gone when dropped, and with it every right to come back.
pub(crate) struct Membership {
    sessions: Arc<Sessions>,
    pub(crate) id: SessionId,
}

impl Sessions {
    /// Enters a session that begins to dial, for whom this attachment is.
    pub(crate) fn enter(self: &Arc<Self>, mailbox: Arc<Mailbox>, generation: Generation) -> Membership {
        let mut table = self.table.lock();
        let id = table.next;
        table.next += 1;
        let entry = Entry {
            mailbox,
            standing: Standing::Dialing,
            generation,
            current: None,
            previous: None,
            take_back: VecDeque::new(),
            ticket: None,
        };
        table.entries.insert(id, entry);
        Membership { sessions: Arc::clone(self), id }
    }

    /// Attaches a client to the session that the right is for. Of any number of callers the last
    /// one has it in the end; everybody else is told.
    pub(crate) fn attach(
        self: &Arc<Self>,
        right: &Right,
        have: Option<u64>,
        client: Arc<dyn Client>,
    ) -> Result<Attachment, SessionUnknown> {
        let token = random().ok_or(SessionUnknown)?;
        let mut table = self.table.lock();
        let (id, shown) = table.find(right).ok_or(SessionUnknown)?;
        let entry = table.entries.get_mut(&id).ok_or(SessionUnknown)?;
        let over = CancellationToken::new();
        let mailbox = Arc::clone(&entry.mailbox);
        let starts = matches!(right, Right::Ticket(_));
        let hash = token.hash();
        let newcomer =
            Newcomer { seat: Seat::new(client, over.clone()), have, welcome: Welcome { token, starts } };
        let (generation, before) = mailbox.attach(newcomer);
        entry.generation = generation;
        entry.standing = Standing::Attached;
        table.rotate(id, shown, hash);
        drop(table);
        if let Some(before) = before {
            before.seat.tell_taken_over(self.take_back(id));
        }
        Ok(Attachment::new(mailbox, generation, over, Arc::clone(self), id))
    }

    /// Whether the ticket leads to a session that its page may not know of.
    pub(crate) fn knows(&self, ticket: TicketHash) -> bool {
        self.table.lock().by_ticket.contains_key(&ticket)
    }

    /// A right to take a session back, for a browser that loses it to another.
    pub(crate) fn take_back(&self, id: SessionId) -> Option<ResumeToken> {
        let token = random()?;
        let mut table = self.table.lock();
        let entry = table.entries.get_mut(&id)?;
        entry.take_back.push_back(token.hash());
        let void = if entry.take_back.len() > MAX_TAKE_BACKS { entry.take_back.pop_front() } else { None };
        table.by_token.insert(token.hash(), id);
        if let Some(void) = void {
            table.by_token.remove(&void);
        }
        Some(token)
    }

    /// The attached browser keeps its token: the one before is void. `false` as long as there is
    /// no token to keep yet.
    pub(crate) fn token_kept(&self, id: SessionId, generation: Generation) -> bool {
        let mut table = self.table.lock();
        let Some(entry) = table.entries.get_mut(&id) else { return true };
        if entry.standing == Standing::Dialing {
            return false;
        }
        if entry.generation != generation {
            return true;
        }
        let (previous, ticket) = (entry.previous.take(), entry.ticket.take());
        if let Some(previous) = previous {
            table.by_token.remove(&previous);
        }
        if let Some(ticket) = ticket {
            table.by_ticket.remove(&ticket);
        }
        true
    }

    /// Tells every session when the gateway goes down.
    pub(crate) fn drain(&self, at: Instant) {
        for entry in self.table.lock().entries.values() {
            entry.mailbox.drain(at);
        }
    }

    /// How many sessions stand how.
    pub(crate) fn counts(&self) -> Counts {
        let table = self.table.lock();
        let count = |standing| table.entries.values().filter(|entry| entry.standing == standing).count();
        Counts {
            tickets: 0,
            dialing: count(Standing::Dialing),
            attached: count(Standing::Attached),
            detached: count(Standing::Detached),
        }
    }
}

impl Table {
    /// The session, and the token that stays good until a new one is kept.
    fn find(&self, right: &Right) -> Option<(SessionId, TokenHash)> {
        match right {
            Right::Token(token) => self.by_token.get(token).map(|id| (*id, *token)),
            Right::Ticket(ticket) => {
                let id = *self.by_ticket.get(ticket)?;
                let entry = self.entries.get(&id).filter(|entry| entry.standing == Standing::Detached)?;
                Some((id, entry.current?))
            }
        }
    }

    /// The session has a new current token. The one that was shown for it stays good until the
    /// new one is kept; the others that whoever is attached could have are void.
    fn rotate(&mut self, id: SessionId, shown: TokenHash, token: TokenHash) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.take_back.retain(|hash| *hash != shown);
        let void = [entry.current.replace(token), entry.previous.replace(shown)];
        for hash in void.into_iter().flatten().filter(|hash| *hash != shown) {
            self.by_token.remove(&hash);
        }
        self.by_token.insert(token, id);
    }
}

impl Membership {
    /// The first right to come back, for whoever started the session with this ticket.
    pub(crate) fn first_token(&self, ticket: TicketHash) -> Option<ResumeToken> {
        let token = random()?;
        let mut table = self.sessions.table.lock();
        let entry = table.entries.get_mut(&self.id)?;
        entry.current = Some(token.hash());
        entry.ticket = Some(ticket);
        table.by_token.insert(token.hash(), self.id);
        table.by_ticket.insert(ticket, self.id);
        Some(token)
    }

    /// See [`Sessions::take_back`].
    pub(crate) fn take_back(&self) -> Option<ResumeToken> {
        self.sessions.take_back(self.id)
    }

    /// How the session stands from now on.
    pub(crate) fn stands(&self, standing: Standing) {
        if let Some(entry) = self.sessions.table.lock().entries.get_mut(&self.id) {
            entry.standing = standing;
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut table = self.sessions.table.lock();
        if let Some(entry) = table.entries.remove(&self.id) {
            for hash in entry.current.into_iter().chain(entry.previous).chain(entry.take_back) {
                table.by_token.remove(&hash);
            }
            if let Some(ticket) = entry.ticket {
                table.by_ticket.remove(&ticket);
            }
        }
    }
}

fn random() -> Option<ResumeToken> {
    let token = ResumeToken::random();
    if token.is_none() {
        tracing::error!("the system gives no random bits, so nobody can come back to a session");
    }
    token
}
