//! From the browser to the session: one socket's events, each handled at once and in order.

use std::sync::Arc;

use engine::{CloseReason, Handle, Registry, TermSize, Ticket, TicketUnknown};
use parking_lot::Mutex;
use socketioxide::extract::SocketRef;
use wire::{Closed, Code, Input, OutputAck, Peer, Resize, SocketError, StartSession, event};

use crate::{
    meter::Meter,
    outbound::{Outbound, Protocol},
};

/// How many events are held before the socket can be answered: that is a moment.
const MAX_EARLY: usize = 16;

/// One socket: what it said before its session, and its session.
pub(crate) struct Inbound {
    registry: Arc<Registry>,
    protocol: Protocol,
    meter: Arc<Meter>,
    seat: Arc<Seat>,
    /// What came before the socket could be answered; `None` once it can.
    early: Mutex<Option<Early>>,
}

#[derive(Default)]
struct Early {
    held: Vec<Incoming>,
    /// There were more, which were not held.
    overflowed: bool,
}

/// An event from the browser.
pub(crate) enum Incoming {
    StartSession(StartSession),
    Input(Input),
    Resize(Resize),
    OutputAck(OutputAck),
    Timeout,
    /// The event of this name has a payload of another shape.
    Malformed(&'static str),
}

/// Where a socket's session sits.
#[derive(Default)]
pub(crate) struct Seat {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The size that the browser named last.
    size: Option<TermSize>,
    session: Option<Handle>,
    /// The browser is gone: nothing starts any more.
    gone: bool,
}

impl Seat {
    /// The session is over: the socket may start another.
    pub(crate) fn vacate(&self) {
        self.state.lock().session = None;
    }
}

impl Inbound {
    pub(crate) fn new(registry: Arc<Registry>, protocol: Protocol, meter: Arc<Meter>) -> Self {
        Self { registry, protocol, meter, seat: Arc::default(), early: Mutex::new(Some(Early::default())) }
    }

    /// Handles an event, or holds it until the socket can be answered.
    pub(crate) fn receive(&self, socket: &SocketRef, incoming: Incoming) {
        let mut early = self.early.lock();
        match early.as_mut() {
            Some(early) if early.held.len() < MAX_EARLY => early.held.push(incoming),
            Some(early) => early.overflowed = true,
            None => {
                drop(early);
                self.handle(socket, incoming);
            }
        }
    }

    /// The socket can be answered: handles what was held, before anything that comes meanwhile.
    pub(crate) fn open(&self, socket: &SocketRef) {
        let mut early = self.early.lock();
        let Early { held, overflowed } = early.take().unwrap_or_default();
        for incoming in held {
            self.handle(socket, incoming);
        }
        if overflowed {
            // What began would go on with a hole.
            refuse(socket, Code::InputOverflow, "Too much was sent before the socket was open.".to_owned());
            if let Some(session) = self.session() {
                session.close(CloseReason::InputOverflow);
            }
        }
    }

    fn handle(&self, socket: &SocketRef, incoming: Incoming) {
        match incoming {
            Incoming::StartSession(start) => self.start_session(socket, start),
            Incoming::Input(input) => self.input(socket, &input),
            Incoming::Resize(size) => self.resize(size),
            Incoming::OutputAck(ack) => self.output_ack(socket, ack),
            Incoming::Timeout => self.timeout(socket),
            Incoming::Malformed(name) => {
                refuse(socket, Code::InvalidPayload, format!("The payload of {name} has a wrong shape."));
            }
        }
    }

    fn start_session(&self, socket: &SocketRef, start: StartSession) {
        let ((Some(ticket), None) | (None, Some(ticket))) = (start.create_session_id, start.credentials_uuid)
        else {
            let message = "Name one ticket, under one of its names.".to_owned();
            return refuse(socket, Code::InvalidPayload, message);
        };
        let size = match (start.cols, start.rows) {
            (Some(cols), Some(rows)) => Some(TermSize::clamped(cols, rows)),
            _ => None,
        };
        let mut state = self.seat.state.lock();
        if state.gone {
            return;
        }
        if state.session.is_some() {
            drop(state);
            return refuse(
                socket,
                Code::SessionAlreadyStarted,
                "This socket has a session already.".to_owned(),
            );
        }
        state.size = size.or(state.size);
        let outbound = Arc::new(Outbound::new(
            socket.clone(),
            self.protocol,
            Arc::clone(&self.meter),
            Arc::clone(&self.seat),
        ));
        let client: Arc<dyn engine::Client> = Arc::clone(&outbound) as _;
        let started = Ticket::parse(&ticket)
            .ok_or(TicketUnknown)
            .and_then(|ticket| self.registry.start(&ticket, state.size, client));
        match started {
            Ok(handle) => {
                state.session = Some(handle.clone());
                tokio::spawn(outbound.attend(handle));
            }
            Err(unknown) => {
                drop(state);
                outbound.turn_away(&unknown_ticket(unknown));
            }
        }
    }

    fn input(&self, socket: &SocketRef, input: &Input) {
        // A refused piece has told the session to end, and the session tells the browser.
        match self.session() {
            Some(session) => {
                if session.input(&input.input.0).is_err() {
                    tracing::debug!("input was refused, and ends its session");
                }
            }
            None => refuse(socket, Code::NoSession, "There is no session to type into.".to_owned()),
        }
    }

    fn resize(&self, size: Resize) {
        let size = TermSize::clamped(size.cols, size.rows);
        let mut state = self.seat.state.lock();
        state.size = Some(size);
        if let Some(session) = &state.session {
            session.resize(size);
        }
    }

    fn output_ack(&self, socket: &SocketRef, ack: OutputAck) {
        match (self.protocol, self.session()) {
            (Protocol::Page, Some(session)) => session.ack(ack.offset),
            // The acknowledgement of a session that has just ended.
            (Protocol::Page, None) => {}
            (Protocol::Original, _) => {
                refuse(socket, Code::InvalidPayload, "This protocol has no acknowledgements.".to_owned());
            }
        }
    }

    fn timeout(&self, socket: &SocketRef) {
        match self.session() {
            Some(session) => session.close(CloseReason::TimedOut),
            None => refuse(socket, Code::NoSession, "There is no session to end.".to_owned()),
        }
    }

    pub(crate) fn disconnected(&self) {
        let mut state = self.seat.state.lock();
        state.gone = true;
        if let Some(session) = state.session.take() {
            session.close(CloseReason::BrowserGone);
        }
    }

    fn session(&self) -> Option<Handle> {
        self.seat.state.lock().session.clone()
    }
}

/// Answers what changes nothing.
pub(crate) fn refuse(socket: &SocketRef, code: Code, message: String) {
    let error = SocketError { code, message, peer: Peer::Browser, retry: false };
    if let Err(error) = socket.emit(event::SESSION_ERROR, &error) {
        tracing::debug!(%error, ?code, "a refusal cannot be told");
    }
}

fn unknown_ticket(unknown: TicketUnknown) -> Closed {
    Closed {
        code: Code::TicketUnknown,
        message: unknown.to_string(),
        peer: Peer::Browser,
        retry: false,
        exit_status: None,
        exit_signal: None,
        duration_s: None,
    }
}
