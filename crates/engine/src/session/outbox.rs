//! Output and notices that the browser has not been given yet.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::credit::{Credit, CreditLimits};
use crate::client::{Client, Notice};

/// The largest chunk of output, in bytes.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Output waits here in order until credit and client let it go; nothing is ever dropped.
pub(crate) struct Outbox {
    output: BytesMut,
    notices: VecDeque<Notice>,
    credit: Credit,
}

impl Outbox {
    pub(crate) fn new(limits: CreditLimits) -> Self {
        Self { output: BytesMut::new(), notices: VecDeque::new(), credit: Credit::new(limits) }
    }

    /// Adds output behind what waits. It is copied, so that small messages cost their bytes only.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Adds a notice; it goes before output that waits.
    pub(crate) fn push_notice(&mut self, notice: Notice) {
        if matches!((&notice, self.notices.back()), (Notice::InputTaken(_), Some(Notice::InputTaken(_)))) {
            self.notices.pop_back();
        }
        self.notices.push_back(notice);
    }

    /// The session is over: `closed` is the last that the client hears, and output that it has
    /// not taken by now it never will.
    pub(crate) fn close(&mut self, closed: Notice) {
        self.output.clear();
        self.push_notice(closed);
    }

    /// Bytes that wait here.
    pub(crate) fn waiting(&self) -> usize {
        self.output.len()
    }

    /// Whether nothing waits here.
    pub(crate) fn is_empty(&self) -> bool {
        self.output.is_empty() && self.notices.is_empty()
    }

    /// See [`Credit::ack`].
    pub(crate) fn ack(&mut self, offset: u64) -> bool {
        self.credit.ack(offset)
    }

    /// Gives the client all it takes now.
    pub(crate) fn flush(&mut self, client: &dyn Client) {
        while let Some(notice) = self.notices.front() {
            if client.notice(notice).is_err() {
                return;
            }
            self.notices.pop_front();
        }
        while let Some(chunk) = self.next_chunk() {
            if client.output(self.credit.sent(), &chunk).is_err() {
                return self.put_back(chunk);
            }
            self.credit.take(chunk.len());
        }
    }

    /// Takes out the bytes that may go now, at most [`CHUNK`].
    fn next_chunk(&mut self) -> Option<Bytes> {
        let room = usize::try_from(self.credit.room()).unwrap_or(CHUNK).min(CHUNK);
        if room == 0 || self.output.is_empty() {
            return None;
        }
        if self.output.len() > room {
            return Some(self.output.split_to(room).freeze());
        }
        // Taken whole, so that an idle session keeps no buffer.
        Some(std::mem::take(&mut self.output).freeze())
    }

    fn put_back(&mut self, chunk: Bytes) {
        let mut output = BytesMut::from(chunk);
        output.unsplit(std::mem::take(&mut self.output));
        self.output = output;
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use proptest::prelude::*;

    use super::*;
    use crate::client::ClientFull;

    const LIMITS: CreditLimits = CreditLimits { high_water: 1000, low_water: 250, chunks: 8 };

    /// Takes what it is told to, and checks that offsets never leave a hole.
    #[derive(Default)]
    struct Taker {
        got: Mutex<Vec<u8>>,
        refuse: Mutex<bool>,
    }

    impl Client for Taker {
        fn limits(&self) -> CreditLimits {
            LIMITS
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

        fn notice(&self, _: &Notice) -> Result<(), ClientFull> {
            Ok(())
        }
    }

    #[test]
    fn empty_output_takes_no_credit() {
        let taker = Taker::default();
        let mut outbox = Outbox::new(LIMITS);
        for _ in 0..LIMITS.chunks * 2 {
            outbox.push(b"");
            outbox.flush(&taker);
        }
        outbox.push(b"x");
        outbox.flush(&taker);
        assert_eq!(*taker.got.lock(), b"x");
    }

    proptest! {
        /// Whatever is pushed, refused and acknowledged in whatever order: the same bytes arrive.
        #[test]
        fn every_byte_arrives_once_and_in_order(
            steps in prop::collection::vec((0_usize..700, any::<bool>(), 0_u64..2000), 1..100)
        ) {
            let taker = Taker::default();
            let mut outbox = Outbox::new(LIMITS);
            let mut expected = Vec::new();
            for (length, refuse, ack) in steps {
                let piece: Vec<u8> = (0..length).map(|index| (expected.len() + index) as u8).collect();
                expected.extend_from_slice(&piece);
                outbox.push(&piece);
                *taker.refuse.lock() = refuse;
                outbox.flush(&taker);
                outbox.ack(ack);
                prop_assert_eq!(outbox.waiting() + taker.got.lock().len(), expected.len());
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
