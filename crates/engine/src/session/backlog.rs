//! The recent output of a session, every byte under its offset.
//!
//! Bytes are shared with whoever they were sent to: large pieces are handed out without a copy.
//! Small ones are copied, so that years of single keys do not cost an allocation each.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// The largest piece, in bytes.
pub(crate) const CHUNK: usize = 64 * 1024;
/// A piece below this is copied when it is handed out.
const SMALL: usize = 4 * 1024;

/// A run of output from one offset to another.
#[derive(Default)]
pub struct Backlog {
    /// What is complete, each piece with the offset of its first byte.
    pieces: VecDeque<(u64, Bytes)>,
    /// What still grows, behind all pieces.
    tail: BytesMut,
    /// The offset behind the last byte.
    end: u64,
}

impl Backlog {
    /// The offset of the first byte that is kept.
    pub(crate) fn start(&self) -> u64 {
        self.pieces.front().map_or_else(|| self.tail_start(), |(offset, _)| *offset)
    }

    /// The offset behind the last byte.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Adds bytes. They are copied, so that small messages cost their bytes only.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.tail.is_empty() && self.pieces.back().is_some_and(|(_, piece)| piece.len() == CHUNK) {
                // In a flood: at once as large as it will be.
                self.tail.reserve(CHUNK);
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.tail.len()));
            self.tail.extend_from_slice(now);
            self.end += now.len() as u64;
            bytes = later;
            if self.tail.len() == CHUNK {
                self.complete_tail();
            }
        }
    }

    /// Bytes from `offset` on, at most `most` and at most [`CHUNK`]; empty if there are none.
    pub fn chunk(&mut self, offset: u64, most: usize) -> Bytes {
        if offset >= self.tail_start() {
            let skipped = length(offset - self.tail_start());
            let wanted = self.tail.len().saturating_sub(skipped).min(most);
            if wanted < SMALL {
                return Bytes::copy_from_slice(self.tail.get(skipped..skipped + wanted).unwrap_or_default());
            }
            self.complete_tail();
        }
        let index = self.pieces.partition_point(|(first, _)| *first <= offset);
        let Some((first, piece)) = index.checked_sub(1).and_then(|index| self.pieces.get(index)) else {
            return Bytes::new();
        };
        let skipped = length(offset - first);
        piece.slice(skipped.min(piece.len())..skipped.saturating_add(most).min(piece.len()))
    }

    /// All bytes from one offset to another, both of which are kept.
    pub fn range(&mut self, from: u64, to: u64) -> Vec<Bytes> {
        let mut at = from;
        let mut pieces = Vec::new();
        while at < to {
            let piece = self.chunk(at, length(to - at));
            if piece.is_empty() {
                break;
            }
            at += piece.len() as u64;
            pieces.push(piece);
        }
        pieces
    }

    /// Forgets bytes before `offset`, by whole pieces; what still grows is forgotten when all of it may be.
    pub fn forget_before(&mut self, offset: u64) {
        while self.pieces.front().is_some_and(|(first, piece)| first + piece.len() as u64 <= offset) {
            self.pieces.pop_front();
        }
        if offset >= self.end {
            self.tail = BytesMut::new();
        }
    }

    fn tail_start(&self) -> u64 {
        self.end - self.tail.len() as u64
    }

    fn complete_tail(&mut self) {
        if !self.tail.is_empty() {
            let first = self.tail_start();
            // Taken whole, so that nothing of it is kept for more.
            self.pieces.push_back((first, std::mem::take(&mut self.tail).freeze()));
        }
    }
}

/// A length within what is kept, which fits in memory.
fn length(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(from: u64, length: usize) -> Vec<u8> {
        (from..from + length as u64).map(|offset| (offset * 31 / 7) as u8).collect()
    }

    #[test]
    fn single_keys_cost_little_more_than_their_bytes() {
        let mut backlog = Backlog::default();
        for offset in 0..200_000 {
            backlog.push(&pattern(offset, 1));
            assert_eq!(backlog.chunk(offset, 1), pattern(offset, 1));
        }
        assert_eq!(backlog.pieces.len(), 200_000 / CHUNK);
    }

    #[test]
    fn what_is_empty_holds_no_memory() {
        let mut backlog = Backlog::default();
        backlog.push(&pattern(0, 5000));
        backlog.forget_before(5000);
        assert_eq!((backlog.start(), backlog.end(), backlog.tail.capacity()), (5000, 5000, 0));
        assert_eq!(backlog.chunk(5000, 10), Bytes::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_kept_byte_stands_at_its_offset(
            steps in prop::collection::vec((0_usize..90_000, 0_u64..100_000, 0_u64..80_000, 1_usize..70_000), 1..8)
        ) {
            let mut backlog = Backlog::default();
            let mut forgotten = 0;
            for (pushed, ask, forget, most) in steps {
                backlog.push(&pattern(backlog.end(), pushed));
                let offset = (forgotten + ask).min(backlog.end());
                let chunk = backlog.chunk(offset, most);
                prop_assert_eq!(chunk.is_empty(), offset == backlog.end());
                prop_assert!(chunk.len() <= most.min(CHUNK));
                prop_assert!(chunk == pattern(offset, chunk.len()));
                let (start, end) = (backlog.start(), backlog.end());
                prop_assert!(start <= forgotten && end - start <= end - forgotten + 2 * CHUNK as u64);
                let all = backlog.range(forgotten, end).concat();
                prop_assert!(all == pattern(forgotten, length(end - forgotten)));
                forgotten = (forgotten + forget).min(end);
                backlog.forget_before(forgotten);
            }
        }
    }
}
