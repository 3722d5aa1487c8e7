//! Output and notices that the browser has not been given yet.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::credit::{Credit, CreditLimits};
use crate::client::{Client, Notice};

/// The largest chunk of output, in bytes.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Output waits here in order until credit and client let it go; nothing is ever dropped.
pub(crate) struct Outbox {
    output: VecDeque<Bytes>,
    waiting: usize,
    notices: VecDeque<Notice>,
    credit: Credit,
}

impl Outbox {
    pub(crate) fn new(limits: CreditLimits) -> Self {
        Self { output: VecDeque::new(), waiting: 0, notices: VecDeque::new(), credit: Credit::new(limits) }
    }

    /// Adds output behind what waits.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.waiting += bytes.len();
        self.output.push_back(bytes);
    }

    /// Adds a notice; it goes before output that waits.
    pub(crate) fn push_notice(&mut self, notice: Notice) {
        if matches!((&notice, self.notices.back()), (Notice::InputTaken(_), Some(Notice::InputTaken(_)))) {
            self.notices.pop_back();
        }
        self.notices.push_back(notice);
    }

    /// Bytes that wait here.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
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
                self.output.push_front(chunk);
                return;
            }
            self.waiting -= chunk.len();
            self.credit.take(chunk.len());
        }
    }

    /// Takes out the bytes that may go now, at most [`CHUNK`]. A lone message is not copied.
    fn next_chunk(&mut self) -> Option<Bytes> {
        let room = usize::try_from(self.credit.room()).unwrap_or(CHUNK).min(CHUNK);
        if room == 0 {
            return None;
        }
        let mut first = self.output.pop_front()?;
        if first.len() > room {
            let chunk = first.split_to(room);
            self.output.push_front(first);
            return Some(chunk);
        }
        if self.output.front().is_none_or(|next| first.len() + next.len() > room) {
            return Some(first);
        }
        let mut chunk = BytesMut::with_capacity(self.waiting.min(room));
        chunk.extend_from_slice(&first);
        while let Some(next) = self.output.pop_front_if(|next| chunk.len() + next.len() <= room) {
            chunk.extend_from_slice(&next);
        }
        Some(chunk.freeze())
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
                if !piece.is_empty() {
                    outbox.push(piece.into());
                }
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
