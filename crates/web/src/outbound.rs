//! From the session to the browser: output, notices and the last word, in the client's protocol.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use engine::{Attachment, Client, ClientFull, FlowLimits, Notice, ResumeToken, ScreenSize};
use parking_lot::Mutex;
use serde::Serialize;
use socketioxide::{SendError, SocketError, extract::SocketRef};
use wire::{
    Attached, Closed, Code, InputAck, Output, OutputBytes, Peer, Progress, Ready, Screen, ScreenPiece,
    TakenOver, event, limits,
};

use crate::{
    closing,
    departures::Departures,
    inbound::Seat,
    inline::Inline,
    meter::Meter,
    text::{Utf8Decoder, json_length},
};

/// Chunks of output that may be on their way: well below the packets that may be queued, so that
/// pings and notices always find room.
const MAX_CHUNKS: usize = 128;

/// What a client speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocol {
    /// The original's: text, no acknowledgements, a red line and a disconnect at the end.
    Original,
    /// Our page's: bytes that it acknowledges; the socket outlives the session.
    Page,
}

/// The way to the browser that is attached to a session.
pub(crate) struct Outbound {
    socket: SocketRef,
    protocol: Protocol,
    meter: Arc<Meter>,
    seat: Arc<Seat>,
    original: Mutex<Original>,
    /// What is still to be said once the session is over.
    last_words: Mutex<Option<VecDeque<LastWord>>>,
    /// Something did not fit and is offered again when there is room.
    refused: AtomicBool,
    /// The session is over, or somebody else has it: the seat is free.
    left: AtomicBool,
    /// The browser was told so.
    told: AtomicBool,
}

/// The state of a client that takes text and does not acknowledge.
#[derive(Default)]
struct Original {
    decoder: Utf8Decoder,
    departures: Departures,
}

enum LastWord {
    RedLine { text: String, timed_out: bool },
    Closed(Closed),
    Disconnect,
}

impl Outbound {
    pub(crate) fn new(socket: SocketRef, protocol: Protocol, meter: Arc<Meter>, seat: Arc<Seat>) -> Self {
        Self {
            socket,
            protocol,
            meter,
            seat,
            original: Mutex::default(),
            last_words: Mutex::default(),
            refused: AtomicBool::new(false),
            left: AtomicBool::new(false),
            told: AtomicBool::new(false),
        }
    }

    /// Watches the connection until this browser has the session no longer: a browser that is gone
    /// or silent loses it, room that was missing is told of, and for a client that cannot
    /// acknowledge, what has left is acknowledged here.
    pub(crate) async fn attend(self: Arc<Self>, session: Attachment) {
        let mut silent = pin!(self.meter.silent());
        loop {
            tokio::select! {
                () = session.over() => break,
                () = self.meter.closed() => {
                    session.gone();
                    break;
                }
                () = &mut silent => {
                    tracing::info!("a browser is silent and its connection is cut");
                    session.gone();
                    self.cut();
                    break;
                }
                () = self.meter.changed() => {}
            }
            if let Some(offset) = self.left() {
                session.ack(offset);
            }
            if self.refused.swap(false, Ordering::SeqCst) {
                session.client_has_room();
            }
        }
        // Another session may be on the same socket by now.
        self.meter.pass_on();
        if !self.told.load(Ordering::SeqCst) {
            // It takes nothing, or it was given up without a word: without the socket it will notice.
            self.cut();
        }
    }

    /// What has left since it was asked last; the next write is watched for what has not.
    fn left(&self) -> Option<u64> {
        let mut original = self.original.lock();
        if original.departures.is_empty() {
            return None;
        }
        self.meter.watch();
        original.departures.left(self.meter.written())
    }

    /// Ends the socket, whatever is still on its way. A page that can come back does.
    fn cut(&self) {
        if !self.meter.cut()
            && let Err(error) = self.socket.clone().disconnect()
        {
            tracing::debug!(%error, "a socket that takes nothing cannot be told to leave");
        }
    }

    /// Frees the seat, once: whoever sits there later is not ours to remove.
    fn leave(&self) {
        if !self.left.swap(true, Ordering::SeqCst) {
            self.seat.vacate();
        }
    }

    /// Answers a `start-session` or `resume-session` that led to no session.
    pub(crate) fn turn_away(&self, closed: &Closed) {
        if self.close(closed).is_err() {
            tracing::debug!("the way to a browser that was turned away is full");
        }
    }

    fn emit_text(&self, end: u64, bytes: &[u8]) -> Result<(), ClientFull> {
        let mut original = self.original.lock();
        // The decoder moves on only once the text is on its way.
        let mut decoder = original.decoder.clone();
        let text = decoder.decode(bytes);
        // Whoever is told of a write before the chunk is noted waits for that.
        self.meter.watch();
        let before = self.meter.written();
        let mut length = 0;
        if !text.is_empty() {
            self.emit(event::SSH_OUTPUT, &Output { output: &text, timeout: None })?;
            length = json_length(&text);
        }
        original.decoder = decoder;
        original.departures.add(before, length, end);
        Ok(())
    }

    /// Says the last words, as many as fit; the rest when it is called again.
    fn close(&self, closed: &Closed) -> Result<(), ClientFull> {
        let mut last_words = self.last_words.lock();
        let waiting = last_words.get_or_insert_with(|| self.last_words_for(closed));
        while let Some(word) = waiting.front() {
            self.say(word)?;
            waiting.pop_front();
        }
        self.told.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn attached(
        &self,
        token: &ResumeToken,
        offset: u64,
        input_offset: u64,
        screen: Option<ScreenSize>,
    ) -> Result<(), ClientFull> {
        let screen = screen.map(|screen| Screen {
            cols: screen.size.cols(),
            rows: screen.size.rows(),
            length: screen.length,
        });
        self.emit(event::SESSION_ATTACHED, &Attached { token: token.reveal(), offset, input_offset, screen })
    }

    fn taken_over(&self, token: &ResumeToken) -> Result<(), ClientFull> {
        self.leave();
        self.emit(event::SESSION_TAKEN_OVER, &TakenOver { token: token.reveal() })?;
        self.told.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn screen_lost(&self) -> Result<(), ClientFull> {
        let message = "The screen of this session could not be kept; it goes on from here.".to_owned();
        let error = wire::SocketError { code: Code::ScreenLost, message, peer: Peer::Gateway, retry: false };
        self.emit(event::SESSION_ERROR, &error)
    }

    fn last_words_for(&self, closed: &Closed) -> VecDeque<LastWord> {
        let event = LastWord::Closed(closed.clone());
        if self.protocol == Protocol::Page {
            return VecDeque::from([event]);
        }
        let unfinished = self.original.lock().decoder.finish();
        // A terminal wants both for a new line.
        let message = closed.message.replace('\n', "\r\n");
        let text = format!("{unfinished}\x1b[91m{message}\x1b[0m");
        let timed_out = closed.code == Code::TimedOut;
        VecDeque::from([LastWord::RedLine { text, timed_out }, event, LastWord::Disconnect])
    }

    fn say(&self, word: &LastWord) -> Result<(), ClientFull> {
        match word {
            LastWord::RedLine { text, timed_out } => {
                self.emit(event::SSH_OUTPUT, &Output { output: text, timeout: timed_out.then_some(true) })
            }
            LastWord::Closed(closed) => self.emit(event::SESSION_CLOSED, closed),
            LastWord::Disconnect => self
                .fits(|| !matches!(self.socket.clone().disconnect(), Err(SocketError::InternalChannelFull))),
        }
    }

    fn emit<T: Serialize>(&self, event: &'static str, payload: &T) -> Result<(), ClientFull> {
        self.fits(|| match self.socket.emit(event, payload) {
            Err(SendError::Socket(SocketError::InternalChannelFull)) => false,
            // The end of the connection ends the session by itself.
            Ok(()) | Err(SendError::Socket(SocketError::Closed)) => true,
            Err(SendError::Serialize(error)) => {
                tracing::error!(%error, event, "a payload cannot be written");
                true
            }
        })
    }

    /// Tries once more after the refusal was noted: room that came in between would not be told of.
    fn fits(&self, attempt: impl Fn() -> bool) -> Result<(), ClientFull> {
        if attempt() {
            return Ok(());
        }
        self.refused.store(true, Ordering::SeqCst);
        self.meter.watch();
        if attempt() { Ok(()) } else { Err(ClientFull) }
    }
}

impl Client for Outbound {
    fn limits(&self) -> FlowLimits {
        let (high_water, low_water) = match self.protocol {
            Protocol::Page => (limits::OUTPUT_HIGH_WATER, limits::OUTPUT_LOW_WATER),
            Protocol::Original => (limits::METERED_HIGH_WATER, limits::METERED_LOW_WATER),
        };
        FlowLimits { high_water, low_water, chunks: MAX_CHUNKS, tell_input_every: limits::INPUT_ACK_EVERY }
    }

    fn output(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull> {
        match self.protocol {
            Protocol::Page => self.emit(event::SSH_OUTPUT, &OutputBytes { output: bytes.clone(), offset }),
            Protocol::Original => self.emit_text(offset + bytes.len() as u64, bytes),
        }
    }

    fn screen(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull> {
        self.emit(event::SESSION_SCREEN, &ScreenPiece { screen: bytes.clone(), offset })
    }

    fn can_resume(&self) -> bool {
        self.protocol == Protocol::Page
    }

    fn notice(&self, notice: &Notice) -> Result<(), ClientFull> {
        match notice {
            Notice::Ready => self.emit(event::CONNECTION_READY, &Ready { ready: true }),
            Notice::Closed { reason, retry, lasted } => {
                self.leave();
                self.close(&closing::closed(reason, *retry, *lasted))
            }
            Notice::Question { id, question, .. } if self.protocol == Protocol::Original => {
                let (inline, words) = Inline::new(*id, question);
                self.seat.ask(inline);
                self.emit(event::SSH_OUTPUT, &Output { output: &words, timeout: None })
            }
            _ if self.protocol == Protocol::Original => Ok(()),
            Notice::Question { id, question, limit } => {
                self.emit(event::SESSION_QUESTION, &closing::question(*id, question, *limit))
            }
            Notice::Progress { step, hop } => {
                let progress = Progress { step: closing::step(*step), hop: hop.clone() };
                self.emit(event::SESSION_PROGRESS, &progress)
            }
            Notice::Attached { token, offset, input_offset, screen } => {
                self.attached(token, *offset, *input_offset, *screen)
            }
            Notice::Details(facts) => self.emit(event::SESSION_DETAILS, &closing::session_details(facts)),
            Notice::ScreenLost => self.screen_lost(),
            Notice::TakenOver { token } => self.taken_over(token),
            Notice::Ending { cause, left } => {
                self.emit(event::SESSION_WARNING, &closing::warning(*cause, *left))
            }
            Notice::InputTaken(offset) => self.emit(event::SSH_INPUT_ACK, &InputAck { offset: *offset }),
        }
    }
}
