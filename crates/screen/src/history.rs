//! Lines that left the screen at its top, packed, the newest [`LINES`] of them.
//!
//! The browser keeps more of them than this. How many it has counts where xterm.js counts lines from the
//! first one, so this counts what it dropped.

use std::collections::VecDeque;

use crate::{line::Line, packed::Packed, pool::Pool};

/// How many lines are kept.
pub(crate) const LINES: usize = 1000;
/// And how many bytes they may take, whatever they hold.
const BYTES: usize = 1 << 20;
/// How many lines the page's xterm.js keeps.
pub(crate) const PAGE_LINES: usize = 10_000;

/// The lines above the screen.
#[derive(Debug, Default)]
pub(crate) struct History {
    lines: VecDeque<Packed>,
    bytes: usize,
    /// Lines that the page has before the first one here.
    dropped: usize,
    room: Vec<u8>,
}

impl History {
    /// How many lines the page has above its screen.
    pub(crate) fn page_len(&self) -> usize {
        self.dropped + self.lines.len()
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped
    }

    /// Adds a line that left the screen.
    pub(crate) fn push(&mut self, line: &Line, pool: &Pool) {
        let packed = Packed::new(line, pool, &mut self.room);
        self.bytes += packed.bytes();
        self.lines.push_back(packed);
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.dropped += 1;
        }
        if self.page_len() > PAGE_LINES {
            self.dropped = PAGE_LINES - self.lines.len();
        }
    }

    /// Whether the page drops its oldest line for every new one.
    pub(crate) fn is_page_full(&self) -> bool {
        self.page_len() == PAGE_LINES
    }

    /// A line by its number on the page.
    pub(crate) fn get_mut(&mut self, page_index: usize) -> Option<&mut Packed> {
        self.lines.get_mut(page_index.checked_sub(self.dropped)?)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Packed> {
        self.lines.iter()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes all lines out, as a change of width does, and leaves the count of dropped ones.
    pub(crate) fn take(&mut self, cols: usize, pool: &mut Pool) -> Vec<Line> {
        self.bytes = 0;
        self.lines.drain(..).map(|packed| packed.unpack(cols, pool)).collect()
    }

    pub(crate) fn set_dropped(&mut self, dropped: usize) {
        self.dropped = dropped;
    }
}
