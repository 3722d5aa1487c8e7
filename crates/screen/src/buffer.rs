//! One of the two screens: lines, cursor, margins, tab stops, the saved cursor, and history if it has one.
//!
//! Knows no escape sequences.

use std::collections::VecDeque;

use crate::{
    cell::{Cell, Pen},
    charset::Charsets,
    history::History,
    line::Line,
    pool::Pool,
    tabs::Tabs,
};

/// What DECSC saves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Saved {
    pub(crate) x: usize,
    /// Counted from the page's first line of history.
    pub(crate) page_y: usize,
    /// `ext` is not saved.
    pub(crate) pen: Pen,
    pub(crate) charsets: Charsets,
    pub(crate) origin: bool,
    pub(crate) wraparound: bool,
}

impl Default for Saved {
    fn default() -> Self {
        Self {
            x: 0,
            page_y: 0,
            pen: Pen::default(),
            charsets: Charsets::default(),
            origin: false,
            wraparound: true,
        }
    }
}

/// A screen.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// As many as there are rows; none while this is the alternate screen and not shown.
    pub(crate) lines: VecDeque<Line>,
    /// Only the primary screen has one.
    pub(crate) history: Option<History>,
    /// May be one beyond the last column: the next character wraps.
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) top: usize,
    pub(crate) bottom: usize,
    pub(crate) tabs: Tabs,
    pub(crate) saved: Saved,
}

impl Buffer {
    /// A screen without lines.
    pub(crate) fn new(cols: usize, rows: usize, history: Option<History>) -> Self {
        Self {
            lines: VecDeque::new(),
            history,
            x: 0,
            y: 0,
            top: 0,
            bottom: rows - 1,
            tabs: Tabs::new(cols),
            saved: Saved::default(),
        }
    }

    /// Gives it lines if it has none.
    pub(crate) fn fill(&mut self, cols: usize, rows: usize, erasing: Pen) {
        if self.lines.is_empty() {
            self.lines = (0..rows).map(|_| Line::blank(cols, erasing, false)).collect();
        }
    }

    /// Takes its lines away; what DECSC saved stays.
    pub(crate) fn clear(&mut self, cols: usize, rows: usize) {
        let saved = self.saved;
        *self = Self { saved, ..Self::new(cols, rows, self.history.take()) };
    }

    /// How many lines the page has above the screen.
    pub(crate) fn page_base(&self) -> usize {
        self.history.as_ref().map_or(0, History::page_len)
    }

    pub(crate) fn line(&mut self, y: usize) -> Option<&mut Line> {
        self.lines.get_mut(y)
    }

    pub(crate) fn set_wrapped(&mut self, y: usize, wrapped: bool) {
        if let Some(line) = self.lines.get_mut(y) {
            line.wrapped = wrapped;
        }
    }

    /// As [`Self::set_wrapped`], of a line counted from the page's first line of history.
    pub(crate) fn set_page_wrapped(&mut self, page_index: usize, wrapped: bool) {
        match page_index.checked_sub(self.page_base()) {
            Some(y) => self.set_wrapped(y, wrapped),
            None => {
                let line = self.history.as_mut().and_then(|history| history.get_mut(page_index));
                if let Some(line) = line {
                    line.wrapped = wrapped;
                }
            }
        }
    }

    /// Makes room at the bottom of the margins. From the top of the screen, lines go into the history.
    pub(crate) fn scroll(&mut self, cols: usize, erasing: Pen, wrapped: bool, pool: &Pool) {
        let line = if self.top == 0 { self.lines.pop_front() } else { self.lines.remove(self.top) };
        let Some(mut line) = line else { return };
        if self.top == 0
            && let Some(history) = &mut self.history
        {
            history.push(&line, pool);
        }
        line.renew(cols, erasing, wrapped);
        if self.bottom >= self.lines.len() {
            self.lines.push_back(line);
        } else {
            self.lines.insert(self.bottom, line);
        }
    }

    /// Takes lines out at `from` and puts blank ones in at `to`; nothing goes into the history.
    pub(crate) fn rotate(&mut self, from: usize, to: usize, count: usize, cols: usize, erasing: Pen) {
        for _ in 0..count.min(from.abs_diff(to) + 1) {
            let Some(mut line) = self.lines.remove(from) else { return };
            line.renew(cols, erasing, false);
            self.lines.insert(to.min(self.lines.len()), line);
        }
    }

    /// Whether the margins are the whole screen.
    pub(crate) fn has_full_margins(&self) -> bool {
        self.top == 0 && self.bottom + 1 == self.lines.len()
    }

    /// All cells that were written to.
    pub(crate) fn cells_mut(&mut self) -> impl Iterator<Item = &mut Cell> {
        self.lines.iter_mut().flat_map(|line| line.written_mut().iter_mut())
    }
}
