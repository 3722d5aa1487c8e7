//! Tab stops, with xterm.js's ways of keeping them over a change of size.

/// The columns that have a stop, as bits. May reach beyond the screen's width.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tabs {
    words: Vec<u64>,
}

const EVERY: usize = 8;

impl Tabs {
    /// A stop in every eighth column.
    pub(crate) fn new(cols: usize) -> Self {
        let mut tabs = Self::default();
        tabs.extend_from(0, cols);
        tabs
    }

    /// Puts stops into columns that a wider screen has gained.
    pub(crate) fn widen(&mut self, cols: usize) {
        let from = if self.has(cols) { cols } else { self.previous(cols, cols) };
        self.extend_from(from, cols);
    }

    fn extend_from(&mut self, from: usize, cols: usize) {
        for column in (from..cols).step_by(EVERY) {
            self.set(column);
        }
    }

    pub(crate) fn has(&self, column: usize) -> bool {
        self.words.get(column / 64).is_some_and(|word| word >> (column % 64) & 1 == 1)
    }

    pub(crate) fn set(&mut self, column: usize) {
        let word = column / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (column % 64);
    }

    pub(crate) fn clear(&mut self, column: usize) {
        if let Some(word) = self.words.get_mut(column / 64) {
            *word &= !(1 << (column % 64));
        }
    }

    pub(crate) fn clear_all(&mut self) {
        self.words.clear();
    }

    /// The next stop right of a column, or the last column.
    pub(crate) fn next(&self, column: usize, cols: usize) -> usize {
        (column + 1..cols).find(|column| self.has(*column)).unwrap_or(cols.saturating_sub(1))
    }

    /// The next stop left of a column, or the first column.
    pub(crate) fn previous(&self, column: usize, cols: usize) -> usize {
        let stop = (0..column).rev().find(|column| self.has(*column)).unwrap_or(0);
        stop.min(cols.saturating_sub(1))
    }
}
