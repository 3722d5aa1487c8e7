//! One line of cells and what xterm.js does to it.
//!
//! Knows neither cursor nor screen. Cells at the end that are all the same take no memory, and no time to erase.

use std::borrow::Cow;

use crate::cell::{Cell, Pen};

/// A line. Reads beyond its end give nothing, writes there are lost, as in xterm.js.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The first cells; those up to `len` are all as `rest`.
    cells: Vec<Cell>,
    /// Has no extended attributes.
    rest: Cell,
    len: usize,
    /// Goes on from the line before.
    pub(crate) wrapped: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self::blank(0, Pen::default(), false)
    }
}

impl Line {
    /// A line that shows nothing but a background.
    pub(crate) fn blank(len: usize, erasing: Pen, wrapped: bool) -> Self {
        Self { cells: Vec::new(), rest: Cell::null(erasing), len, wrapped }
    }

    /// As [`Self::blank`], in the memory of a line that is not needed any more.
    pub(crate) fn renew(&mut self, len: usize, erasing: Pen, wrapped: bool) {
        self.len = len;
        self.wrapped = wrapped;
        self.fill(Cell::null(erasing));
    }

    /// All cells, up to the last that is not null.
    pub(crate) fn cells(&self) -> Cow<'_, [Cell]> {
        if self.rest != Cell::NULL {
            return (0..self.len).map(|index| self.get(index)).collect();
        }
        let last = self.cells.iter().rposition(|cell| *cell != Cell::NULL);
        Cow::Borrowed(&self.cells[..last.map_or(0, |last| last + 1)])
    }

    /// The cells that were written one by one.
    pub(crate) fn written_mut(&mut self) -> &mut [Cell] {
        &mut self.cells
    }

    pub(crate) fn get(&self, index: usize) -> Cell {
        match self.cells.get(index) {
            Some(cell) => *cell,
            None if index < self.len => self.rest,
            None => Cell { content: 0, ..Cell::NULL },
        }
    }

    pub(crate) fn width(&self, index: usize) -> u32 {
        self.get(index).width()
    }

    pub(crate) fn set(&mut self, index: usize, cell: Cell) {
        if let Some(place) = self.cells.get_mut(index) {
            *place = cell;
        } else if index < self.len && cell != self.rest {
            if self.cells.len() < index {
                self.cells.resize(index, self.rest);
            }
            self.cells.push(cell);
        }
    }

    /// Writes one character of any width.
    pub(crate) fn put(&mut self, index: usize, code: u32, width: u32, pen: Pen) {
        let cell = Cell::new(code, width, pen);
        let half = Cell { content: 0, ..cell };
        if index == self.cells.len() && index + 1 < self.len {
            self.cells.push(cell);
            if width == 2 {
                self.cells.push(half);
            }
            return;
        }
        self.set(index, cell);
        if width == 2 {
            self.set(index + 1, half);
        }
    }

    /// Writes narrow ASCII; it must fit.
    pub(crate) fn write(&mut self, index: usize, text: &[u8], pen: Pen) {
        let end = index + text.len();
        if self.cells.len() < index {
            self.cells.resize(index, self.rest);
        }
        let template = Cell::new(0, 1, pen);
        let cell = |byte: &u8| Cell { content: template.content | u32::from(*byte), ..template };
        let over = self.cells.len().min(end) - index;
        for (place, byte) in self.cells[index..index + over].iter_mut().zip(text) {
            *place = cell(byte);
        }
        self.cells.extend(text[over..].iter().map(cell));
    }

    pub(crate) fn fill(&mut self, cell: Cell) {
        self.cells.clear();
        self.rest = cell;
    }

    /// Fills what is not protected.
    pub(crate) fn fill_unprotected(&mut self, cell: Cell) {
        for index in 0..self.len {
            if !self.get(index).is_protected() {
                self.set(index, cell);
            }
        }
    }

    /// Moves cells to the right from `at` on.
    pub(crate) fn insert(&mut self, at: usize, count: usize, fill: Cell) {
        let at = at % self.len.max(1);
        if at > 0 && self.width(at - 1) == 2 {
            self.set(at - 1, Cell { content: Cell::NULL.content, ..fill });
        }
        self.cells.resize(self.len, self.rest);
        let count = count.min(self.len - at);
        self.cells.copy_within(at..self.len - count, at + count);
        self.cells[at..at + count].fill(fill);
        if self.width(self.len - 1) == 2 {
            self.set(self.len - 1, Cell { content: Cell::NULL.content, ..fill });
        }
    }

    /// Moves cells to the left onto `at`.
    pub(crate) fn delete(&mut self, at: usize, count: usize, fill: Cell) {
        let at = at % self.len.max(1);
        self.cells.resize(self.len, self.rest);
        let count = count.min(self.len - at);
        self.cells.copy_within(at + count.., at);
        self.cells[self.len - count..].fill(fill);
        let half = Cell { content: Cell::NULL.content, ..fill };
        if at > 0 && self.width(at - 1) == 2 {
            self.set(at - 1, half);
        }
        if self.get(at).is_spacer() {
            self.set(at, half);
        }
    }

    /// Erases from `start` to before `end`.
    pub(crate) fn replace(&mut self, start: usize, end: usize, fill: Cell) {
        let half = Cell { content: Cell::NULL.content, ..fill };
        if start > 0 && self.width(start - 1) == 2 {
            self.set(start - 1, half);
        }
        if end < self.len && end > 0 && self.width(end - 1) == 2 {
            self.set(end, half);
        }
        let end = end.min(self.len);
        if end == self.len {
            self.cells.resize(start.min(end), self.rest);
            self.rest = fill;
        } else if start < end {
            if self.cells.len() < end {
                self.cells.resize(end, self.rest);
            }
            self.cells[start..end].fill(fill);
        }
    }

    /// As [`Self::replace`], sparing what is protected.
    pub(crate) fn replace_unprotected(&mut self, start: usize, end: usize, fill: Cell) {
        let half = Cell { content: Cell::NULL.content, ..fill };
        if start > 0 && self.width(start - 1) == 2 && !self.get(start - 1).is_protected() {
            self.set(start - 1, half);
        }
        if end < self.len && end > 0 && self.width(end - 1) == 2 && !self.get(end).is_protected() {
            self.set(end, half);
        }
        for index in start..end.min(self.len) {
            if !self.get(index).is_protected() {
                self.set(index, fill);
            }
        }
    }

    /// Cuts or lengthens it.
    pub(crate) fn resize(&mut self, len: usize) {
        if len > self.len && self.rest != Cell::NULL {
            self.cells.resize(self.len, self.rest);
            self.rest = Cell::NULL;
        }
        self.cells.truncate(len);
        let shorter = len < self.len;
        self.len = len;
        if shorter && len > 0 && self.width(len - 1) == 2 {
            self.set(len - 1, Cell::NULL);
        }
    }

    /// Cells up to the last with content.
    pub(crate) fn trimmed_len(&self) -> usize {
        if self.rest.has_content() && self.cells.len() < self.len {
            return self.len;
        }
        let last = self.cells.iter().rposition(|cell| cell.has_content());
        last.map_or(0, |index| index + self.cells[index].width() as usize)
    }
}
