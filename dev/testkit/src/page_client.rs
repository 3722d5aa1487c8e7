//! The page without its terminal: a client of protocol 1 that comes back by itself after every cut,
//! and takes no hole and no repetition for an answer.

mod output;
mod typing;
mod waiting;

use std::{fmt, net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tokio::{
    task::yield_now,
    time::{Instant, timeout_at},
};
use wire::{Attached, Closed, Screen, event, limits};

use self::{output::Received, typing::Typing};
use crate::{Event, Incoming, PATIENCE, SocketClient};

/// When output is acknowledged that is less than is acknowledged at once.
const ACK_DELAY: Duration = Duration::from_millis(50);

/// A screen that the gateway sent instead of the output before it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The output that it stands for ends here.
    pub offset: u64,
    /// Columns, in cells.
    pub cols: u16,
    /// Rows, in cells.
    pub rows: u16,
    /// The escape sequences that make it.
    pub bytes: Vec<u8>,
}

/// Whether the socket has the session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Seat {
    /// Not asked for, or taken by another page.
    None,
    /// Asked for, not answered.
    Asked,
    /// It has.
    Attached,
}

/// A page.
pub struct PageClient {
    /// Every event but output and acknowledgements, in order.
    pub events: Vec<Event>,
    /// Whether output is acknowledged.
    pub acknowledges: bool,
    /// Whether it says that it keeps a new token.
    pub acknowledges_tokens: bool,
    /// Whether it says that it heard the end.
    pub acknowledges_end: bool,
    /// Whether it comes back when its socket goes.
    pub returns: bool,
    /// How long it waits for anything.
    pub patience: Duration,
    address: SocketAddr,
    socket: Option<SocketClient>,
    seat: Seat,
    ticket: Option<String>,
    token: Option<String>,
    /// The screen that came with the last attach, if one did.
    screen: Option<Snapshot>,
    /// How long it is once it is whole.
    screen_length: u64,
    /// It has the output before [`Received::end`]; a page that was just loaded has nothing.
    is_fresh: bool,
    /// Another page may have typed since.
    was_taken_over: bool,
    received: Received,
    typing: Typing,
    acknowledged: u64,
    /// When what was received is acknowledged in any case.
    due: Instant,
    attaches: usize,
    closed: Option<Closed>,
}

impl PageClient {
    /// A page that will start this ticket's session.
    #[must_use]
    pub fn for_ticket(address: SocketAddr, ticket: &str) -> Self {
        Self::new(address, Some(ticket.to_owned()), None)
    }

    /// A page that was just loaded, and knows nothing but a token.
    #[must_use]
    pub fn for_token(address: SocketAddr, token: &str) -> Self {
        Self::new(address, None, Some(token.to_owned()))
    }

    fn new(address: SocketAddr, ticket: Option<String>, token: Option<String>) -> Self {
        Self {
            events: Vec::new(),
            acknowledges: true,
            acknowledges_tokens: true,
            acknowledges_end: true,
            returns: true,
            patience: PATIENCE,
            address,
            socket: None,
            seat: Seat::None,
            ticket,
            token,
            screen: None,
            screen_length: 0,
            is_fresh: true,
            was_taken_over: false,
            received: Received::default(),
            typing: Typing::default(),
            acknowledged: 0,
            due: Instant::now(),
            attaches: 0,
            closed: None,
        }
    }

    /// Starts the ticket's session and waits for its shell.
    ///
    /// # Errors
    /// The shell does not open.
    pub async fn open(address: SocketAddr, ticket: &str) -> anyhow::Result<Self> {
        let mut page = Self::for_ticket(address, ticket);
        page.until_event(event::CONNECTION_READY).await?;
        Ok(page)
    }

    /// Comes back with a token and waits until it has the session.
    ///
    /// # Errors
    /// It does not get it.
    pub async fn resume(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let mut page = Self::for_token(address, token);
        page.until_attached().await?;
        Ok(page)
    }

    /// The token of the last `session-attached` or `session-taken-over`.
    ///
    /// # Errors
    /// None came.
    pub fn token(&self) -> anyhow::Result<String> {
        self.token.clone().context("no token came")
    }

    /// The screen that came with the last attach.
    #[must_use]
    pub fn screen(&self) -> Option<&Snapshot> {
        self.screen.as_ref()
    }

    /// How often it got the session, the first time included.
    #[must_use]
    pub fn attaches(&self) -> usize {
        self.attaches
    }

    /// Whether it has the session now, as far as it knows, and the screen to begin with.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.seat == Seat::Attached && self.has_screen()
    }

    fn has_screen(&self) -> bool {
        self.screen.as_ref().is_none_or(|screen| screen.bytes.len() as u64 == self.screen_length)
    }

    /// The socket below, for what a page would not do.
    ///
    /// # Errors
    /// There is none now.
    pub fn socket(&mut self) -> anyhow::Result<&mut SocketClient> {
        self.socket.as_mut().context("there is no socket")
    }

    /// Drops the socket without a word; the next step comes back.
    pub fn cut(&mut self) {
        self.lose();
    }

    /// Goes through this address from the next socket on.
    pub fn go_through(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Asks for the session that another page has, on the same socket if there is one.
    ///
    /// # Errors
    /// There is no token.
    pub async fn take_back(&mut self) -> anyhow::Result<()> {
        self.closed = None;
        if self.socket.is_some() {
            self.ask().await?;
        }
        self.until_attached().await
    }

    /// Takes the next thing that the gateway sends, coming back first if it has to.
    ///
    /// # Errors
    /// The session is over, or the gateway broke the protocol.
    pub async fn step(&mut self) -> anyhow::Result<()> {
        if self.socket.is_none() {
            ensure!(self.closed.is_none(), "the session is over: {:?}", self.closed);
            ensure!(self.returns || self.attaches == 0, "the socket is gone");
            return self.come().await;
        }
        self.pump().await;
        match self.next().await? {
            None => Ok(()),
            Some(Incoming::Event(event)) => self.take(event).await,
            Some(Incoming::Closed | Incoming::Disconnected) => {
                self.lose();
                Ok(())
            }
        }
    }

    /// One attempt to be there; failing is no fault of the gateway's while the link is down.
    async fn come(&mut self) -> anyhow::Result<()> {
        match SocketClient::ours(self.address).await {
            Ok(socket) => {
                self.socket = Some(socket);
                self.ask().await
            }
            Err(_) => {
                yield_now().await;
                Ok(())
            }
        }
    }

    async fn ask(&mut self) -> anyhow::Result<()> {
        let (name, payload) = match (&self.token, &self.ticket) {
            (Some(token), _) if self.is_fresh => (event::RESUME_SESSION, json!({ "token": token })),
            (Some(token), _) => {
                (event::RESUME_SESSION, json!({ "token": token, "have": self.received.end() }))
            }
            (None, Some(ticket)) => {
                (event::START_SESSION, json!({ "create_session_id": ticket, "cols": 80, "rows": 24 }))
            }
            (None, None) => bail!("neither a ticket nor a token"),
        };
        self.seat = Seat::Asked;
        self.emit(name, payload).await;
        Ok(())
    }

    fn lose(&mut self) {
        // Half a screen is none.
        self.is_fresh |= !self.has_screen();
        self.socket = None;
        self.seat = Seat::None;
    }

    /// What cannot be sent is lost with its socket, and the next read finds out.
    async fn emit(&mut self, name: &str, payload: Value) {
        if let Some(socket) = &mut self.socket
            && socket.emit(name, payload).await.is_err()
        {
            self.lose();
        }
    }

    /// The same for an event without a payload.
    async fn emit_bare(&mut self, name: &str) {
        if let Some(socket) = &mut self.socket
            && socket.emit_bare(name).await.is_err()
        {
            self.lose();
        }
    }

    /// The next thing from the socket; `None` once it acknowledged output instead.
    async fn next(&mut self) -> anyhow::Result<Option<Incoming>> {
        let waiting = self.received.end().saturating_sub(self.acknowledged);
        let owed = self.acknowledges && self.seat == Seat::Attached && waiting > 0;
        if owed && (waiting >= limits::OUTPUT_ACK_EVERY || self.due <= Instant::now()) {
            self.acknowledge().await;
            return Ok(None);
        }
        let due = self.due;
        let Some(socket) = &mut self.socket else { return Ok(None) };
        if owed {
            return timeout_at(due, socket.next()).await.map_or(Ok(None), |incoming| incoming.map(Some));
        }
        let incoming = socket.next().await?;
        self.due = Instant::now() + ACK_DELAY;
        Ok(Some(incoming))
    }

    async fn acknowledge(&mut self) {
        self.acknowledged = self.received.end();
        self.emit(event::SSH_OUTPUT_ACK, json!({ "offset": self.acknowledged })).await;
    }

    async fn take(&mut self, event: Event) -> anyhow::Result<()> {
        match event.name.as_str() {
            event::SSH_OUTPUT => {
                let offset = event.payload["offset"].as_u64().context("output without an offset")?;
                let bytes = event.attachment.context("output without bytes")?;
                ensure!(
                    self.seat == Seat::Attached,
                    "output for a page that is not attached: {:?}",
                    self.seat
                );
                ensure!(self.has_screen(), "output before the screen");
                self.received.take(offset, &bytes)?;
                return Ok(());
            }
            event::SESSION_SCREEN => return self.take_screen(event).await,
            event::SSH_INPUT_ACK => {
                let offset = event.payload["offset"].as_u64().context("an ack without an offset")?;
                return self.typing.acknowledged(offset);
            }
            event::SESSION_ATTACHED => self.on_attached(&event).await?,
            // Without a grace nobody is told of being attached.
            event::CONNECTION_READY if self.seat == Seat::Asked => self.seat = Seat::Attached,
            event::SESSION_TAKEN_OVER => {
                self.seat = Seat::None;
                self.returns = false;
                self.was_taken_over = true;
                self.token = event.payload["token"].as_str().map(str::to_owned);
            }
            event::SESSION_CLOSED => {
                self.seat = Seat::None;
                self.closed = Some(serde_json::from_value(event.payload.clone())?);
                if self.acknowledges_end {
                    self.emit_bare(event::SESSION_CLOSED_ACK).await;
                }
            }
            _ => {}
        }
        self.events.push(event);
        Ok(())
    }

    async fn take_screen(&mut self, event: Event) -> anyhow::Result<()> {
        let offset = event.payload["offset"].as_u64().context("a piece without an offset")?;
        let piece = event.attachment.context("a piece without bytes")?;
        let screen = self.screen.as_mut().context("a piece of no screen")?;
        let received = screen.bytes.len() as u64;
        ensure!(offset == received, "a piece at {offset} instead of {received}");
        screen.bytes.extend_from_slice(&piece);
        let received = screen.bytes.len() as u64;
        ensure!(received <= self.screen_length, "{received} bytes of {}", self.screen_length);
        self.emit(event::SESSION_SCREEN_ACK, json!({ "offset": received })).await;
        Ok(())
    }

    async fn on_attached(&mut self, event: &Event) -> anyhow::Result<()> {
        let attached: Attached = serde_json::from_value(event.payload.clone())?;
        ensure!(self.seat == Seat::Asked, "attached without asking");
        let is_first = self.token.is_none();
        self.screen_length = attached.screen.map_or(0, |screen| screen.length);
        self.screen = attached.screen.map(|Screen { cols, rows, .. }| Snapshot {
            offset: attached.offset,
            cols,
            rows,
            bytes: Vec::new(),
        });
        match &self.screen {
            Some(_) => self.received.restart(attached.offset),
            // The first output of a session needs no screen before it.
            None if self.is_fresh && is_first => ensure!(attached.offset == 0, "a session begins at 0"),
            None => ensure!(
                !self.is_fresh && attached.offset == self.received.end(),
                "it goes on at {}, and the page has {} (fresh: {})",
                attached.offset,
                self.received.end(),
                self.is_fresh
            ),
        }
        if self.is_fresh && !is_first || self.was_taken_over {
            self.typing.restart(attached.input_offset);
            self.was_taken_over = false;
        }
        self.typing.attached(attached.input_offset)?;
        self.is_fresh = false;
        self.acknowledged = attached.offset;
        self.token = Some(attached.token);
        self.seat = Seat::Attached;
        self.attaches += 1;
        self.returns = true;
        if self.acknowledges_tokens {
            self.emit_bare(event::SESSION_ATTACHED_ACK).await;
        }
        Ok(())
    }
}

impl fmt::Debug for PageClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.events.iter().map(|event| event.name.as_str()).collect();
        f.debug_struct("PageClient")
            .field("seat", &self.seat)
            .field("attaches", &self.attaches)
            .field("has_socket", &self.socket.is_some())
            .field("received", &self.received.end())
            .field("acknowledged", &self.acknowledged)
            .field("tail", &self.received.tail())
            .field("typed", &self.typed())
            .field("taken", &self.taken())
            .field("events", &&names[names.len().saturating_sub(12)..])
            .field("closed", &self.closed)
            .finish()
    }
}
