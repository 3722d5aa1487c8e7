//! From the browser to the session: one socket's events, each handled at once and in order.

use std::{net::IpAddr, sync::Arc};

use engine::{
    Answer, AnswerRefused, Attachment, CloseReason, InputRefused, Registry, ResumeToken, SessionUnknown,
    StartError, TermSize, Ticket, TicketUnknown, Unanswered,
};
use parking_lot::Mutex;
use socketioxide::extract::SocketRef;
use wire::{
    Accept, Closed, Code, Input, Output, OutputAck, Peer, QuestionAnswer, Resize, ResumeSession, ScreenAck,
    SocketError, StartSession, event,
};

use crate::{
    closing,
    inline::Inline,
    meter::Meter,
    outbound::{Outbound, Protocol},
};

/// How many events are held before the socket can be answered: that is a moment.
const MAX_EARLY: usize = 16;

/// One socket: what it said before its session, and its session.
pub(crate) struct Inbound {
    registry: Arc<Registry>,
    protocol: Protocol,
    address: IpAddr,
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
    ResumeSession(ResumeSession),
    Answer(QuestionAnswer),
    AttachedAck,
    ClosedAck,
    Input(Input),
    Resize(Resize),
    OutputAck(OutputAck),
    ScreenAck(ScreenAck),
    StayConnected,
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
    session: Option<Attachment>,
    /// The session before, which may want to know whether its end was heard.
    before: Option<Attachment>,
    /// The question that stands in the terminal of a client that knows no questions.
    question: Option<Inline>,
    /// The browser is gone: nothing starts any more.
    gone: bool,
}

impl Seat {
    /// The session is over or elsewhere: the socket may have another.
    pub(crate) fn vacate(&self) {
        let mut state = self.state.lock();
        state.before = state.session.take();
        state.question = None;
    }

    /// A question stands in the terminal: what is typed answers it.
    pub(crate) fn ask(&self, question: Inline) {
        self.state.lock().question = Some(question);
    }
}

impl Inbound {
    pub(crate) fn new(
        registry: Arc<Registry>,
        protocol: Protocol,
        address: IpAddr,
        meter: Arc<Meter>,
    ) -> Self {
        let early = Mutex::new(Some(Early::default()));
        Self { registry, protocol, address, meter, seat: Arc::default(), early }
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
            Incoming::ResumeSession(resume) => self.resume_session(socket, &resume),
            Incoming::Answer(answer) => self.answer(socket, answer),
            Incoming::AttachedAck => self.of_page(socket, Attachment::token_kept),
            Incoming::ClosedAck => self.closed_ack(socket),
            Incoming::Input(input) => self.input(socket, &input),
            Incoming::Resize(size) => self.resize(size),
            Incoming::OutputAck(ack) => self.of_page(socket, |session| session.ack(ack.offset)),
            Incoming::ScreenAck(ack) => self.of_page(socket, |session| session.ack_screen(ack.offset)),
            Incoming::StayConnected => self.of_page(socket, Attachment::stay),
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
        let named = match (start.cols, start.rows) {
            (Some(cols), Some(rows)) => Some(TermSize::clamped(cols, rows)),
            _ => None,
        };
        self.take_seat(socket, named, |size, client| {
            Ticket::parse(&ticket)
                .ok_or(StartError::TicketUnknown(TicketUnknown))
                .and_then(|ticket| self.registry.start(&ticket, size, client, self.address))
                .map_err(closing::not_started)
        });
    }

    fn resume_session(&self, socket: &SocketRef, resume: &ResumeSession) {
        if self.protocol == Protocol::Original {
            return not_in_this_protocol(socket);
        }
        self.take_seat(socket, None, |size, client| {
            let resumed = ResumeToken::parse(&resume.token)
                .ok_or(SessionUnknown)
                .and_then(|token| self.registry.resume(&token, resume.have, client));
            if let (Ok(session), Some(size)) = (&resumed, size) {
                session.resize(size);
            }
            resumed.map_err(closing::not_resumed)
        });
    }

    /// Puts a session onto the socket's free seat, given the size that the browser named last.
    fn take_seat(
        &self,
        socket: &SocketRef,
        named: Option<TermSize>,
        open: impl FnOnce(Option<TermSize>, Arc<dyn engine::Client>) -> Result<Attachment, Closed>,
    ) {
        let mut state = self.seat.state.lock();
        if state.gone {
            return;
        }
        if state.session.is_some() {
            drop(state);
            let message = "This socket has a session already.".to_owned();
            return refuse(socket, Code::SessionAlreadyStarted, message);
        }
        // Who asks for another session knows that the one before is over.
        if let Some(before) = state.before.take() {
            before.end_heard();
        }
        state.size = named.or(state.size);
        let outbound = Arc::new(Outbound::new(
            socket.clone(),
            self.protocol,
            Arc::clone(&self.meter),
            Arc::clone(&self.seat),
        ));
        match open(state.size, Arc::clone(&outbound) as _) {
            Ok(session) => {
                state.session = Some(session.clone());
                tokio::spawn(outbound.attend(session));
            }
            Err(closed) => {
                drop(state);
                outbound.turn_away(&closed);
            }
        }
    }

    fn input(&self, socket: &SocketRef, input: &Input) {
        if self.answer_inline(socket, &input.input.0) {
            return;
        }
        let Some(session) = self.session() else {
            return refuse(socket, Code::NoSession, "There is no session to type into.".to_owned());
        };
        let offset = input.offset.filter(|_| self.protocol == Protocol::Page);
        match session.input(offset, &input.input.0) {
            Ok(()) => {}
            // The session ends, and tells the browser.
            Err(InputRefused::Full) => tracing::debug!("input was refused, and ends its session"),
            Err(InputRefused::Gap) => {
                let message = "Input is missing before this piece, which was not taken.".to_owned();
                refuse(socket, Code::InputGap, message);
            }
        }
    }

    /// What is typed while a question stands in the terminal; whether one does.
    fn answer_inline(&self, socket: &SocketRef, bytes: &[u8]) -> bool {
        let mut state = self.seat.state.lock();
        let Some(question) = &mut state.question else { return false };
        let (id, typed) = (question.id, question.input(&String::from_utf8_lossy(bytes)));
        if typed.answer.is_some() {
            state.question = None;
        }
        let session = state.session.clone();
        drop(state);
        let echo = Output { output: &typed.echo, timeout: None };
        if !typed.echo.is_empty()
            && let Err(error) = socket.emit(event::SSH_OUTPUT, &echo)
        {
            tracing::debug!(%error, "what was typed cannot be shown");
        }
        if let (Some(answer), Some(session)) = (typed.answer, session)
            && let Err(error) = session.answer(id, answer)
        {
            tracing::debug!(%error, "an answer came too late");
        }
        true
    }

    /// What the user answered. An answer that comes late changes nothing and is no fault.
    fn answer(&self, socket: &SocketRef, answer: QuestionAnswer) {
        if self.protocol == Protocol::Original {
            return not_in_this_protocol(socket);
        }
        let QuestionAnswer { id, accept, answers, cancel } = answer;
        let answer = match (accept, answers, cancel) {
            (Some(accept), None, None) => Ok(Answer::Accept { remember: accept == Accept::Remember }),
            (None, Some(texts), None) => {
                Ok(Answer::Fields(texts.into_iter().map(|text| text.0.into()).collect()))
            }
            (None, None, Some(true)) => Err(Unanswered::Refused),
            _ => {
                let message = "Give one of accept, answers and cancel.".to_owned();
                return refuse(socket, Code::InvalidPayload, message);
            }
        };
        let Some(session) = self.session() else { return };
        if session.answer(id, answer) == Err(AnswerRefused::Shape) {
            refuse(socket, Code::InvalidPayload, "The answer does not fit its question.".to_owned());
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

    /// Does what only our page may ask for. What concerns a session that has just ended, or that
    /// another browser has just taken, is late and no fault.
    fn of_page(&self, socket: &SocketRef, act: impl FnOnce(&Attachment)) {
        match (self.protocol, self.session()) {
            (Protocol::Page, Some(session)) => act(&session),
            (Protocol::Page, None) => {}
            (Protocol::Original, _) => not_in_this_protocol(socket),
        }
    }

    /// The browser heard why its session is over.
    fn closed_ack(&self, socket: &SocketRef) {
        if self.protocol == Protocol::Original {
            return not_in_this_protocol(socket);
        }
        if let Some(before) = self.seat.state.lock().before.take() {
            before.end_heard();
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
            session.gone();
        }
    }

    fn session(&self) -> Option<Attachment> {
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

fn not_in_this_protocol(socket: &SocketRef) {
    refuse(socket, Code::InvalidPayload, "This client's protocol has no such event.".to_owned());
}
