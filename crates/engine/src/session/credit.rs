//! How much output may be on its way to the browser: pure arithmetic.

use std::collections::VecDeque;

/// Bounds of what is on its way to and from a client: sent and not yet acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FlowLimits {
    /// Bytes at which sending pauses.
    pub high_water: u64,
    /// Bytes at which a paused session sends again.
    pub low_water: u64,
    /// Chunks that may be on their way, so that many small ones do not fill a queue of packets.
    pub chunks: usize,
    /// Bytes of input after which the client is told that they were taken.
    pub tell_input_every: u64,
}

/// Counts output by its offset in the session: sent, acknowledged, and what may follow.
pub(crate) struct Credit {
    limits: FlowLimits,
    sent: u64,
    acked: u64,
    /// The end offset of every chunk that is on its way.
    chunk_ends: VecDeque<u64>,
    paused: bool,
}

impl Credit {
    /// All output before `offset` is with the browser.
    pub(crate) fn new(limits: FlowLimits, offset: u64) -> Self {
        Self { limits, sent: offset, acked: offset, chunk_ends: VecDeque::new(), paused: false }
    }

    /// The offset of the next byte to send.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// The offset behind all output that was acknowledged.
    pub(crate) fn acked(&self) -> u64 {
        self.acked
    }

    /// See [`FlowLimits::tell_input_every`].
    pub(crate) fn tell_input_every(&self) -> u64 {
        self.limits.tell_input_every
    }

    /// How many bytes may be sent now; 0 while paused.
    pub(crate) fn room(&self) -> u64 {
        if self.paused { 0 } else { self.limits.high_water.saturating_sub(self.in_flight()) }
    }

    /// A chunk of this length was handed on.
    pub(crate) fn take(&mut self, length: usize) {
        self.sent += length as u64;
        self.chunk_ends.push_back(self.sent);
        self.paused =
            self.in_flight() >= self.limits.high_water || self.chunk_ends.len() >= self.limits.chunks;
    }

    /// The browser has all output before `offset`. Returns whether that is news; an offset that
    /// was never sent or that goes back is none.
    pub(crate) fn ack(&mut self, offset: u64) -> bool {
        if offset <= self.acked || offset > self.sent {
            return false;
        }
        self.acked = offset;
        while self.chunk_ends.front().is_some_and(|end| *end <= offset) {
            self.chunk_ends.pop_front();
        }
        if self.in_flight() <= self.limits.low_water && self.chunk_ends.len() <= self.limits.chunks / 2 {
            self.paused = false;
        }
        true
    }

    fn in_flight(&self) -> u64 {
        self.sent - self.acked
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: FlowLimits =
        FlowLimits { high_water: 1000, low_water: 250, chunks: 8, tell_input_every: 100 };

    #[test]
    fn it_pauses_at_the_high_and_resumes_at_the_low_water_mark() {
        let mut credit = Credit::new(LIMITS, 0);
        credit.take(600);
        assert_eq!(credit.room(), 400);
        credit.take(400);
        assert_eq!(credit.room(), 0);
        assert!(credit.ack(749));
        assert_eq!(credit.room(), 0);
        assert!(credit.ack(750));
        assert_eq!(credit.room(), 750);
    }

    #[test]
    fn many_small_chunks_pause_it_too() {
        let mut credit = Credit::new(LIMITS, 0);
        for _ in 0..8 {
            assert!(credit.room() > 0);
            credit.take(1);
        }
        assert_eq!(credit.room(), 0);
        assert!(credit.ack(4));
        assert!(credit.room() > 0);
    }

    #[test]
    fn impossible_acknowledgements_change_nothing() {
        let mut credit = Credit::new(LIMITS, 0);
        credit.take(1000);
        assert!(!credit.ack(1001));
        assert!(credit.ack(900));
        assert!(!credit.ack(900));
        assert!(!credit.ack(10));
        assert_eq!(credit.in_flight(), 100);
    }

    proptest! {
        /// Whoever acknowledges what it got is always sent more, and the bound always holds.
        #[test]
        fn it_never_stalls_and_never_exceeds_its_bound(steps in prop::collection::vec((1_usize..400, 0_u64..1200), 1..200)) {
            let mut credit = Credit::new(LIMITS, 0);
            for (length, ack) in steps {
                let length = length.min(usize::try_from(credit.room()).unwrap());
                if length > 0 {
                    credit.take(length);
                }
                prop_assert!(credit.in_flight() <= LIMITS.high_water);
                prop_assert!(credit.chunk_ends.len() <= LIMITS.chunks);
                credit.ack(credit.acked + ack.min(credit.in_flight()));
            }
            let sent = credit.sent();
            credit.ack(sent);
            prop_assert_eq!(credit.room(), LIMITS.high_water);
            prop_assert_eq!(credit.in_flight(), 0);
        }
    }
}
