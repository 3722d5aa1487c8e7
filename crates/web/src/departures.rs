//! What is on its way to a client that cannot acknowledge: pure arithmetic over its meter.

use std::collections::VecDeque;

/// Remembers, for each chunk of output, what the meter reads once it has left.
#[derive(Default)]
pub(crate) struct Departures {
    /// The meter's reading at which all that was emitted has left.
    emitted: u64,
    /// For each chunk on its way: that reading, and the session's offset after it.
    on_their_way: VecDeque<(u64, u64)>,
}

impl Departures {
    /// A chunk was emitted as a packet of at least `length` bytes; the session's offset after it
    /// is `end`.
    ///
    /// `before` is what the meter read before the packet was emitted: read afterwards, it could
    /// count the packet already, and `length` must not be more than the packet takes. Either
    /// would expect bytes that never come, and the chunk would be on its way for ever. Too low an
    /// estimate is put right whenever all has left.
    pub(crate) fn add(&mut self, before: u64, length: usize, end: u64) {
        self.emitted = self.emitted.max(before) + length as u64;
        self.on_their_way.push_back((self.emitted, end));
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.on_their_way.is_empty()
    }

    /// The offset up to which output has left, if that is news.
    pub(crate) fn left(&mut self, written: u64) -> Option<u64> {
        let mut left = None;
        while let Some((_, end)) = self.on_their_way.pop_front_if(|(reading, _)| *reading <= written) {
            left = Some(end);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chunk_has_left_when_its_bytes_have() {
        let mut departures = Departures::default();
        departures.add(500, 100, 80);
        departures.add(500, 50, 120);
        assert_eq!(departures.left(599), None);
        assert_eq!(departures.left(600), Some(80));
        assert_eq!(departures.left(650), Some(120));
        assert_eq!(departures.left(1000), None);
    }

    proptest! {
        /// A packet takes more than estimated, other things are written in between, and the writer
        /// may be faster than whoever notes the packet: once all is written, all has left.
        #[test]
        fn nothing_stays_on_its_way(
            packets in prop::collection::vec((0_u64..5000, 1_usize..70_000, 0_u64..10, 0_u64..80_000), 1..300)
        ) {
            let mut departures = Departures::default();
            let (mut written, mut queued, mut end) = (0, 0, 0);
            for (others, length, overhead, drained) in packets {
                let before = written;
                queued += length as u64 + overhead + others;
                let drained = drained.min(queued);
                (written, queued) = (written + drained, queued - drained);
                end += 1;
                departures.add(before, length, end);
            }
            departures.left(written + queued);
            prop_assert!(departures.on_their_way.is_empty());
        }
    }
}
