//! From the session to the browser: output, notices and the last word, in the client's protocol.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use engine::{Client, ClientFull, CreditLimits, Handle, Notice};
use parking_lot::Mutex;
use serde::Serialize;
use socketioxide::{SendError, SocketError, extract::SocketRef};
use wire::{Closed, Code, InputAck, Output, OutputBytes, Progress, Ready, event, limits};

use crate::{
    closing,
    departures::Departures,
    inbound::Seat,
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

/// One session's way to its browser.
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
        }
    }

    /// Watches the connection until the session is over: a connection that is gone ends the
    /// session, room that was missing is told of, and for a client that cannot acknowledge, what
    /// has left is acknowledged here.
    pub(crate) async fn attend(self: Arc<Self>, session: Handle) {
        loop {
            tokio::select! {
                () = session.ended() => return,
                () = self.meter.closed() => return session.close(engine::CloseReason::BrowserGone),
                () = self.meter.changed() => {}
            }
            let left = self.original.lock().departures.left(self.meter.written());
            if let Some(offset) = left {
                session.ack(offset);
            }
            if self.refused.swap(false, Ordering::SeqCst) {
                session.client_has_room();
            }
        }
    }

    /// Answers a `start-session` that started nothing.
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
        Ok(())
    }

    fn last_words_for(&self, closed: &Closed) -> VecDeque<LastWord> {
        let event = LastWord::Closed(closed.clone());
        if self.protocol == Protocol::Page {
            return VecDeque::from([event]);
        }
        let unfinished = self.original.lock().decoder.finish();
        let text = format!("{unfinished}\x1b[91m{}\x1b[0m", closed.message);
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
        if attempt() { Ok(()) } else { Err(ClientFull) }
    }
}

impl Client for Outbound {
    fn limits(&self) -> CreditLimits {
        match self.protocol {
            Protocol::Page => CreditLimits {
                high_water: limits::OUTPUT_HIGH_WATER,
                low_water: limits::OUTPUT_LOW_WATER,
                chunks: MAX_CHUNKS,
            },
            Protocol::Original => CreditLimits {
                high_water: limits::METERED_HIGH_WATER,
                low_water: limits::METERED_LOW_WATER,
                chunks: MAX_CHUNKS,
            },
        }
    }

    fn output(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull> {
        match self.protocol {
            Protocol::Page => self.emit(event::SSH_OUTPUT, &OutputBytes { output: bytes.clone(), offset }),
            Protocol::Original => self.emit_text(offset + bytes.len() as u64, bytes),
        }
    }

    fn notice(&self, notice: &Notice) -> Result<(), ClientFull> {
        let is_page = self.protocol == Protocol::Page;
        match notice {
            Notice::Ready => self.emit(event::CONNECTION_READY, &Ready { ready: true }),
            Notice::Progress(step) if is_page => {
                self.emit(event::SESSION_PROGRESS, &Progress { step: closing::step(*step) })
            }
            Notice::InputTaken(offset) if is_page => {
                self.emit(event::SSH_INPUT_ACK, &InputAck { offset: *offset })
            }
            Notice::Progress(_) | Notice::InputTaken(_) => Ok(()),
            Notice::Closed { reason, retry } => {
                if self.last_words.lock().is_none() {
                    self.seat.vacate();
                }
                self.close(&closing::closed(reason, *retry))
            }
        }
    }
}
