//! Output and notices on their way to the browser.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    backlog::{Backlog, CHUNK},
    credit::{Credit, FlowLimits},
};
use crate::client::{Client, Notice};

/// A piece of a screen, in bytes.
const SCREEN_PIECE: usize = 32 * 1024;

/// A screen on its way to a browser that begins with it.
struct Opening {
    screen: Bytes,
    credit: Credit,
}

/// Output waits here in order until credit and client let it go, and stays for a while after that,
/// for a browser that comes back.
pub struct Outbox {
    backlog: Backlog,
    /// How much is kept although the browser has it, in bytes.
    keep: u64,
    notices: VecDeque<Notice>,
    credit: Credit,
    /// What goes before output, until all of it went.
    opening: Option<Opening>,
    /// The last word was said: no output goes any more.
    closed: bool,
}

impl Outbox {
    /// For a client with these limits; `keep` bytes are kept although it has them.
    pub fn new(limits: FlowLimits, keep: usize) -> Self {
        Self {
            backlog: Backlog::default(),
            keep: keep as u64,
            notices: VecDeque::new(),
            credit: Credit::new(limits, 0),
            opening: None,
            closed: false,
        }
    }

    /// The backlog, for whoever mirrors it.
    pub(crate) fn backlog(&mut self) -> &mut Backlog {
        &mut self.backlog
    }

    /// The offset behind all output.
    pub(crate) fn end(&self) -> u64 {
        self.backlog.end()
    }

    /// The offset behind all output that a browser said it has.
    pub(crate) fn acked(&self) -> u64 {
        self.credit.acked()
    }

    /// Adds output behind what waits.
    pub fn push(&mut self, bytes: &[u8]) {
        self.backlog.push(bytes);
    }

    /// Adds a notice; it goes before output that waits.
    pub(crate) fn push_notice(&mut self, notice: Notice) {
        if matches!((&notice, self.notices.back()), (Notice::InputTaken(_), Some(Notice::InputTaken(_)))) {
            self.notices.pop_back();
        }
        self.notices.push_back(notice);
    }

    /// Whether a browser that has all output before `offset` can go on from there.
    pub(crate) fn continues_from(&self, offset: u64) -> bool {
        (self.backlog.start()..=self.backlog.end()).contains(&offset)
    }

    /// Another client takes the output from `offset` on, after this screen if there is one. Notices
    /// for the one before are void.
    pub(crate) fn attach(&mut self, limits: FlowLimits, offset: u64, screen: Option<Bytes>) {
        self.notices.clear();
        self.opening = screen.map(|screen| Opening { screen, credit: Credit::new(limits, 0) });
        self.closed = false;
        self.credit = Credit::new(limits, offset);
    }

    /// The session is over: `closed` is the last that the client hears, and output that it has
    /// not taken by now it never will.
    pub(crate) fn close(&mut self, closed: Notice) {
        self.closed = true;
        self.push_notice(closed);
    }

    /// Bytes that wait to be sent.
    pub(crate) fn waiting(&self) -> usize {
        if self.closed {
            return 0;
        }
        let opening = self.opening.as_ref().map_or(0, Opening::waiting);
        opening + usize::try_from(self.backlog.end() - self.credit.sent()).unwrap_or(usize::MAX)
    }

    /// Bytes that no browser said it has.
    pub(crate) fn unseen(&self) -> usize {
        usize::try_from(self.backlog.end() - self.credit.acked()).unwrap_or(usize::MAX)
    }

    /// Whether nothing waits to be sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting() == 0 && self.notices.is_empty()
    }

    /// Bytes of input after which the client is told that they were taken.
    pub(crate) fn tell_input_every(&self) -> u64 {
        self.credit.tell_input_every()
    }

    /// See [`Credit::ack`].
    pub fn ack(&mut self, offset: u64) -> bool {
        self.credit.ack(offset)
    }

    /// See [`Credit::ack`]; what went whole is not waited for.
    pub(crate) fn ack_screen(&mut self, offset: u64) -> bool {
        self.opening.as_mut().is_some_and(|opening| opening.credit.ack(offset))
    }

    /// Gives the client all it takes now.
    pub fn flush(&mut self, client: &dyn Client) {
        while let Some(notice) = self.notices.front() {
            if client.notice(notice).is_err() {
                return;
            }
            self.notices.pop_front();
        }
        if !self.closed
            && let Some(opening) = &mut self.opening
        {
            if !opening.flush(client) {
                return;
            }
            self.opening = None;
        }
        while self.waiting() > 0 {
            let room = usize::try_from(self.credit.room()).unwrap_or(CHUNK);
            if room == 0 {
                return;
            }
            let chunk = self.backlog.chunk(self.credit.sent(), room);
            if client.output(self.credit.sent(), &chunk).is_err() {
                return;
            }
            self.credit.take(chunk.len());
        }
    }

    /// Forgets output before `floor`, but for what is kept although the browser has it.
    pub fn trim(&mut self, floor: u64) {
        self.backlog.forget_before(floor.min(self.backlog.end().saturating_sub(self.keep)));
    }

    /// Forgets all output that was sent: nobody comes back for it.
    pub(crate) fn trim_sent(&mut self) {
        self.trim(self.credit.sent());
    }
}

impl Opening {
    /// Bytes that wait to be sent.
    fn waiting(&self) -> usize {
        self.screen.len().saturating_sub(self.sent())
    }

    fn sent(&self) -> usize {
        usize::try_from(self.credit.sent()).unwrap_or(usize::MAX)
    }

    /// Gives the client all it takes now; whether that was all there is.
    fn flush(&mut self, client: &dyn Client) -> bool {
        while self.waiting() > 0 {
            let room = usize::try_from(self.credit.room()).unwrap_or(SCREEN_PIECE);
            let length = self.waiting().min(room).min(SCREEN_PIECE);
            let piece = self.screen.slice(self.sent()..self.sent() + length);
            if length == 0 || client.screen(self.credit.sent(), &piece).is_err() {
                return false;
            }
            self.credit.take(length);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use proptest::prelude::*;

    use super::*;
    use crate::client::ClientFull;

    const LIMITS: FlowLimits =
        FlowLimits { high_water: 1000, low_water: 250, chunks: 8, tell_input_every: 100 };

    /// Takes what it is told to, and checks that offsets never leave a hole.
    #[derive(Default)]
    struct Taker {
        got: Mutex<Vec<u8>>,
        screen: Mutex<Vec<u8>>,
        refuse: Mutex<bool>,
    }

    impl Client for Taker {
        fn limits(&self) -> FlowLimits {
            LIMITS
        }

        fn can_resume(&self) -> bool {
            true
        }

        fn output(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull> {
            if *self.refuse.lock() {
                return Err(ClientFull);
            }
            let mut got = self.got.lock();
            assert_eq!(got.len() as u64, offset);
            got.extend_from_slice(bytes);
            Ok(())
        }

        fn screen(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull> {
            if *self.refuse.lock() {
                return Err(ClientFull);
            }
            let mut screen = self.screen.lock();
            assert_eq!(screen.len() as u64, offset);
            screen.extend_from_slice(bytes);
            Ok(())
        }

        fn notice(&self, _: &Notice) -> Result<(), ClientFull> {
            Ok(())
        }
    }

    #[test]
    fn empty_output_takes_no_credit() {
        let taker = Taker::default();
        let mut outbox = Outbox::new(LIMITS, 0);
        for _ in 0..LIMITS.chunks * 2 {
            outbox.push(b"");
            outbox.flush(&taker);
        }
        outbox.push(b"x");
        outbox.flush(&taker);
        assert_eq!(*taker.got.lock(), b"x");
    }

    #[test]
    fn nothing_goes_behind_the_last_word() {
        let taker = Taker::default();
        let mut outbox = Outbox::new(LIMITS, 0);
        outbox.push(b"x");
        outbox.close(Notice::Ready);
        outbox.flush(&taker);
        assert!(outbox.is_empty());
        assert_eq!(*taker.got.lock(), b"");
    }

    #[test]
    fn a_screen_goes_in_pieces_as_it_is_acknowledged_and_output_behind_it() {
        let taker = Taker::default();
        let mut outbox = Outbox::new(LIMITS, 0);
        outbox.push(b"before");
        outbox.attach(LIMITS, 6, Some(vec![b's'; 2500].into()));
        *taker.got.lock() = b"before".to_vec();
        outbox.push(b"behind");
        outbox.flush(&taker);
        assert_eq!((taker.screen.lock().len(), outbox.waiting()), (1000, 1506));
        assert!(!outbox.ack_screen(1001));
        assert!(outbox.ack_screen(1000));
        outbox.flush(&taker);
        assert_eq!((taker.screen.lock().len(), taker.got.lock().len()), (2000, 6));
        assert!(outbox.ack_screen(2000));
        outbox.flush(&taker);
        assert!(outbox.is_empty());
        assert_eq!(*taker.screen.lock(), vec![b's'; 2500]);
        assert_eq!(*taker.got.lock(), b"beforebehind");
        assert!(!outbox.ack_screen(2500));
    }

    proptest! {
        /// Whatever is pushed, refused, acknowledged, cut and resumed in whatever order: the same bytes arrive.
        #[test]
        fn every_byte_arrives_once_and_in_order(
            steps in prop::collection::vec((0_usize..700, any::<bool>(), 0_u64..2000, 0_usize..1500), 1..100),
            keep in 0_usize..2000,
        ) {
            let taker = Taker::default();
            let mut outbox = Outbox::new(LIMITS, keep);
            let mut expected = Vec::new();
            for (length, refuse, ack, cut) in steps {
                let piece: Vec<u8> = (0..length).map(|index| (expected.len() + index) as u8).collect();
                expected.extend_from_slice(&piece);
                outbox.push(&piece);
                *taker.refuse.lock() = refuse;
                outbox.flush(&taker);
                outbox.ack(ack);
                prop_assert_eq!(outbox.waiting() + taker.got.lock().len(), expected.len());
                // The socket goes, and with it what was on its way; never what was acknowledged.
                let mut got = taker.got.lock();
                let have = got.len().saturating_sub(cut).max(usize::try_from(outbox.acked()).unwrap());
                got.truncate(have);
                prop_assert!(outbox.continues_from(have as u64));
                outbox.attach(LIMITS, have as u64, None);
                drop(got);
                outbox.trim(outbox.acked());
            }
            *taker.refuse.lock() = false;
            while !outbox.is_empty() {
                outbox.flush(&taker);
                let got = taker.got.lock().len() as u64;
                outbox.ack(got);
            }
            prop_assert_eq!(&*taker.got.lock(), &expected);
        }
    }
}
