//! Lines: characters in their colours, what was erased, and which line goes on from the one before.

use super::Writer;
use crate::{
    cell::{CODE, COLOUR, Cell, Pen},
    line::Line,
};

/// Two columns wide: at a line's end it leaves the last cell empty, in the pen's colours.
const WIDE: &str = "中";

impl Writer<'_> {
    /// Writes lines from the top of an empty screen; those that do not fit scroll out of it.
    /// In the line `saved_in` the primary screen's cursor is saved.
    pub(super) fn lines<'b>(&mut self, lines: impl Iterator<Item = &'b Line>, saved_in: Option<usize>) {
        if !self.detail.lines {
            return;
        }
        let mut before: Option<&Line> = None;
        let mut lines = lines.enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let is_last = lines.peek().is_none();
            match before {
                Some(before) => self.next_line(before, line, is_last),
                None if line.wrapped => self.begin_wrapped(),
                None => {}
            }
            self.line(line, is_last);
            if saved_in == Some(index) {
                self.save_cursor_at(&self.terminal.primary, index.min(self.terminal.rows - 1));
                self.is_saved = true;
            }
            before = Some(line);
        }
        self.set_pen(Pen::default());
    }

    /// Whether a line has pens that SGR does not make.
    pub(super) fn is_odd(&self, line: &Line) -> bool {
        line.cells().iter().any(|cell| !self.is_plain(self.pen_of(*cell)))
    }

    fn cols(&self) -> usize {
        self.terminal.cols
    }

    /// The first line goes on from one that is not there: makes one, and lets it go.
    fn begin_wrapped(&mut self) {
        let line = "x".repeat(self.cols() + 1);
        self.filler(&line);
        if self.terminal.rows == 1 {
            self.csi("3J\r");
        } else {
            self.csi("S\x1B[H");
        }
        self.csi("X");
        self.x = 0;
    }

    /// To the next line, in the way that leads there from this one.
    fn next_line(&mut self, before: &Line, line: &Line, is_last: bool) {
        let last = self.cols() - 1;
        if line.wrapped {
            let begins_at_end = is_last && self.odd_end(line).is_some();
            if begins_at_end || !self.wraps_by_itself(before, line) {
                self.wrap(before);
            }
        } else if let Some(end) = self.odd_end(before) {
            self.wrap_by_wide(end);
            self.csi("2K\r");
        } else {
            if self.pen.bg & COLOUR != 0 {
                self.set_pen(Pen::default());
            }
            self.say("\r\n");
        }
        if !(line.wrapped && self.x >= last) {
            self.x = 0;
        }
    }

    /// Whether writing the line's first character at the end of the one before does it.
    fn wraps_by_itself(&self, before: &Line, line: &Line) -> bool {
        let first = line.get(0);
        let pen = self.pen_of(first);
        let end = before.get(self.cols() - 1);
        let plain = first.has_content() && pen.bg & COLOUR == 0 && self.is_plain(pen);
        let is_left_empty = first.width() == 2 && end == Cell::null(pen) && self.x + 1 == self.cols();
        plain && (self.x == self.cols() || is_left_empty)
    }

    /// Wraps, and leaves an empty line that goes on from this one.
    fn wrap(&mut self, before: &Line) {
        let last = self.cols() - 1;
        let end = before.get(last);
        let is_wide = end.is_spacer() && before.width(last - 1) == 2;
        if !end.has_content() && !is_wide {
            self.wrap_by_wide(end);
            return;
        }
        if self.x != self.cols() {
            let column = if is_wide { last - 1 } else { last };
            self.move_to_column(column);
            self.cell(before.get(column));
        }
        self.set_pen(Pen::default());
        self.filler("x\r\x1B[X");
        self.x = 0;
    }

    /// As [`Self::wrap`], after a line whose last cell is empty.
    fn wrap_by_wide(&mut self, end: Cell) {
        self.move_to_column(self.cols() - 1);
        self.set_pen(self.pen_of(end));
        self.filler(WIDE);
        self.set_pen(Pen::default());
        let cols = self.cols();
        self.csi(&format!("G\x1B[{cols}X"));
        self.x = 0;
    }

    /// One line, from its first column, or from the end of the one before if it wraps by itself.
    fn line(&mut self, line: &Line, is_last: bool) {
        let cols = self.cols();
        let cells = line.cells();
        let cells = &cells[..cells.len().min(cols)];
        if is_last {
            self.begin_with_end(line);
        }
        let wrapping = self.x + 1 >= cols;
        let mut at = 0;
        // The cell after an odd one was written over.
        let mut is_dirty = false;
        while let Some(cell) = cells.get(at) {
            if !(wrapping && at == 0) && (cell.has_content() || is_dirty || *cell != Cell::NULL) {
                self.move_to_column(at);
            }
            if cell.has_content() {
                self.cell(*cell);
                let width = cell.width().max(1) as usize;
                self.x = at + width;
                at += width;
                is_dirty = false;
                if width == 2 && self.x == cols {
                    self.half(line.get(cols - 1), *cell);
                }
            } else if is_odd_null(*cell, self.pen_of(*cell)) && at + 1 < cols {
                self.odd_null(*cell);
                at += 1;
                is_dirty = true;
            } else if is_odd_null(*cell, self.pen_of(*cell)) {
                // On the way to the next line.
                at += 1;
            } else if cell.is_spacer() {
                at += 1;
            } else {
                is_dirty |= self.lone_half(&cells[at..], at);
                if is_dirty {
                    self.move_to_column(at);
                }
                at += self.nulls(&cells[at..], is_dirty);
                is_dirty = false;
            }
        }
        if is_dirty && at < cols {
            self.move_to_column(at);
            self.nulls(&[Cell::NULL], true);
        }
    }

    /// What is in the last column instead of the second half of a wide character, of which the first half
    /// stayed: where nothing wraps, another character, or nothing after a wide one that was lost.
    fn half(&mut self, half: Cell, first: Cell) {
        if half.has_content() && self.is_plain(self.pen_of(half)) {
            self.csi("?7l");
            self.cell(half);
            self.csi("?7h");
        } else if half == Cell::null(first.pen()) {
            self.csi(&format!("?7l\x1B[{}G", self.cols() - 1));
            self.cell(first);
            self.say(WIDE);
            self.csi("?7h");
            self.x = self.cols() - 1;
        }
    }

    /// The second half of a wide character that was moved away from the first. Inserting between them does
    /// that; then the first half is gone. Says whether there is one after these empty cells.
    fn lone_half(&mut self, cells: &[Cell], at: usize) -> bool {
        let count = cells.iter().take_while(|cell| **cell == cells[0]).count();
        let Some(half) = cells.get(count).filter(|half| count > 1 && half.is_spacer()) else { return false };
        self.move_to_column(at + count - 2);
        self.set_pen(self.pen_of(*half));
        self.filler(WIDE);
        self.x = at + count - 1;
        self.csi(&format!("{}G\x1B[@", self.x + 1));
        true
    }

    /// Characters that are only there for what they do to others, and join none.
    fn filler(&mut self, text: &str) {
        if self.join.is_some() {
            self.say("\0");
        }
        self.say(text);
    }

    /// Cells without characters that only have a background; returns how many.
    fn nulls(&mut self, cells: &[Cell], is_dirty: bool) -> usize {
        let first = cells[0];
        let count = cells.iter().take_while(|cell| **cell == first).count();
        let pen = self.pen_of(first).erasing();
        if pen != Pen::default() || is_dirty {
            self.set_pen(pen);
            self.csi(&format!("{count}X"));
        }
        count
    }

    /// An empty cell with more than a background: what is left of a wide character whose second half is
    /// written over.
    fn odd_null(&mut self, cell: Cell) {
        self.set_pen(self.pen_of(cell));
        self.filler(WIDE);
        self.csi(&format!("{}Gx", self.x + 2));
        self.x += 2;
    }

    /// The last cell of a line, if it is an odd one that is not made together with the one before.
    fn odd_end(&self, line: &Line) -> Option<Cell> {
        let last = self.cols() - 1;
        let end = line.get(last);
        (is_odd_null(end, self.pen_of(end)) && line.width(last - 1) != 2).then_some(end)
    }

    /// On the last line, an odd cell at the end is made before the others, and moved there.
    fn begin_with_end(&mut self, line: &Line) {
        let cols = self.cols();
        let Some(end) = self.odd_end(line).filter(|_| self.x + 1 < cols) else { return };
        self.move_to_column(cols - 2);
        self.odd_null(end);
        self.set_pen(Pen::default());
        self.csi(&format!("{}G\x1B[@", cols - 1));
        self.x = cols - 2;
    }

    /// A cell's character.
    pub(super) fn cell(&mut self, cell: Cell) {
        self.set_pen(self.pen_of(cell));
        let text = self.text(cell);
        let first = text.chars().next().map_or(0x20, u32::from);
        if self.graphemes.place(first, self.join).joins {
            self.say("\0");
        }
        self.out.extend_from_slice(text.as_bytes());
        for code in text.chars() {
            self.join = Some(self.graphemes.place(u32::from(code), self.join).join);
        }
    }

    pub(super) fn text(&self, cell: Cell) -> String {
        match cell.cluster() {
            Some(id) if self.detail.attributes => self.pool.cluster(id).to_owned(),
            Some(id) => self.pool.cluster(id).chars().take(1).collect(),
            None => char::from_u32(cell.content & CODE).unwrap_or(' ').to_string(),
        }
    }
}

/// Whether erasing does not make this cell.
fn is_odd_null(cell: Cell, pen: Pen) -> bool {
    !cell.has_content() && cell.width() == 1 && pen != pen.erasing()
}
