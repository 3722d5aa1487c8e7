//! Erasing, inserting and deleting.

use super::Terminal;
use crate::{
    cell::{Cell, PROTECTED, Pen},
    line::Line,
};

impl Terminal {
    fn erased(&self) -> Cell {
        Cell::null(self.erasing())
    }

    /// DECSCA.
    pub(super) fn set_protected(&mut self, how: i32) {
        match how {
            1 => self.pen.bg |= PROTECTED,
            0 | 2 => self.pen.bg &= !PROTECTED,
            _ => {}
        }
    }

    fn erase_in_line(&mut self, y: usize, start: usize, end: usize, unwrap: bool, selective: bool) {
        let erased = self.erased();
        let Some(line) = self.buffer_mut().line(y) else { return };
        if selective {
            line.replace_unprotected(start, end, erased);
        } else {
            line.replace(start, end, erased);
        }
        if unwrap {
            line.wrapped = false;
        }
    }

    fn erase_whole_line(&mut self, y: usize, selective: bool) {
        let erased = self.erased();
        let Some(line) = self.buffer_mut().line(y) else { return };
        if selective {
            line.fill_unprotected(erased);
        } else {
            line.fill(erased);
        }
        line.wrapped = false;
    }

    /// ED and DECSED.
    pub(super) fn erase_display(&mut self, which: i32, selective: bool) {
        let (cols, rows) = (self.cols, self.rows);
        self.restrict_cursor(cols);
        let (x, y) = (self.buffer().x, self.buffer().y);
        match which {
            0 => {
                self.erase_in_line(y, x, cols, x == 0, selective);
                (y + 1..rows).for_each(|y| self.erase_whole_line(y, selective));
            }
            1 => {
                self.erase_in_line(y, 0, x + 1, true, selective);
                if x + 1 >= cols {
                    // As xterm.js does: it counts from the first line of the history.
                    self.buffer_mut().set_page_wrapped(y + 1, false);
                }
                (0..y).for_each(|y| self.erase_whole_line(y, selective));
            }
            2 => (0..rows).for_each(|y| self.erase_whole_line(y, selective)),
            3 => {
                if let Some(history) = &mut self.buffer_mut().history {
                    history.clear();
                }
            }
            _ => {}
        }
    }

    /// EL and DECSEL.
    pub(super) fn erase_line(&mut self, which: i32, selective: bool) {
        let cols = self.cols;
        self.restrict_cursor(cols);
        let (x, y) = (self.buffer().x, self.buffer().y);
        match which {
            0 => self.erase_in_line(y, x, cols, x == 0, selective),
            1 => self.erase_in_line(y, 0, x + 1, false, selective),
            2 => self.erase_in_line(y, 0, cols, true, selective),
            _ => {}
        }
    }

    /// What changes the line with the cursor, which is first brought back onto the screen.
    fn edit_line(&mut self, edit: impl FnOnce(&mut Line, usize, Cell)) {
        self.restrict_cursor(self.cols - 1);
        let erased = self.erased();
        let buffer = self.buffer_mut();
        let (x, y) = (buffer.x, buffer.y);
        if let Some(line) = buffer.line(y) {
            edit(line, x, erased);
        }
    }

    pub(super) fn erase_chars(&mut self, count: usize) {
        self.edit_line(|line, x, erased| line.replace(x, x.saturating_add(count), erased));
    }

    pub(super) fn insert_chars(&mut self, count: usize) {
        self.edit_line(|line, x, erased| line.insert(x, count, erased));
    }

    pub(super) fn delete_chars(&mut self, count: usize) {
        self.edit_line(|line, x, erased| line.delete(x, count, erased));
    }

    /// Lines between the margins move; nothing where the cursor is outside of them.
    fn move_lines(&mut self, down: bool, count: usize) {
        let (cols, erasing) = (self.cols, self.erasing());
        self.restrict_cursor(cols - 1);
        let buffer = self.buffer_mut();
        let (y, bottom) = (buffer.y, buffer.bottom);
        if (buffer.top..=bottom).contains(&y) {
            let (from, to) = if down { (bottom, y) } else { (y, bottom) };
            buffer.rotate(from, to, count, cols, erasing);
            buffer.x = 0;
        }
    }

    pub(super) fn insert_lines(&mut self, count: usize) {
        self.move_lines(true, count);
    }

    pub(super) fn delete_lines(&mut self, count: usize) {
        self.move_lines(false, count);
    }

    pub(super) fn scroll_up(&mut self, count: usize) {
        let (cols, erasing) = (self.cols, self.erasing());
        let buffer = self.buffer_mut();
        buffer.rotate(buffer.top, buffer.bottom, count, cols, erasing);
    }

    /// Without the background's colour, as in xterm.js.
    pub(super) fn scroll_down(&mut self, count: usize) {
        let cols = self.cols;
        let buffer = self.buffer_mut();
        buffer.rotate(buffer.bottom, buffer.top, count, cols, Pen::default());
    }

    /// Every line between the margins, if the cursor is there too.
    fn edit_margins(&mut self, edit: impl Fn(&mut Line, Cell)) {
        let erased = self.erased();
        let buffer = self.buffer_mut();
        if !(buffer.top..=buffer.bottom).contains(&buffer.y) {
            return;
        }
        for y in buffer.top..=buffer.bottom {
            if let Some(line) = buffer.line(y) {
                edit(line, erased);
                line.wrapped = false;
            }
        }
    }

    pub(super) fn insert_in_margins(&mut self, at: usize, count: usize) {
        self.edit_margins(|line, erased| line.insert(at, count, erased));
    }

    pub(super) fn delete_in_margins(&mut self, at: usize, count: usize) {
        self.edit_margins(|line, erased| line.delete(at, count, erased));
    }
}
