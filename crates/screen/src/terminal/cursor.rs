//! Where the cursor is: kept on the screen, moved, saved and restored.

use super::Terminal;
use crate::cell::Pen;

impl Terminal {
    /// Keeps the cursor on the screen, within the margins if they are its origin. `most` is the last
    /// column it may have.
    pub(super) fn restrict_cursor(&mut self, most: usize) {
        let (origin, rows) = (self.modes.origin, self.rows);
        let buffer = self.buffer_mut();
        buffer.x = buffer.x.min(most);
        buffer.y = if origin { buffer.y.max(buffer.top).min(buffer.bottom) } else { buffer.y.min(rows - 1) };
    }

    pub(super) fn set_cursor(&mut self, x: usize, y: usize) {
        let origin = self.modes.origin;
        let cols = self.cols;
        let buffer = self.buffer_mut();
        buffer.x = x;
        buffer.y = if origin { buffer.top.saturating_add(y) } else { y };
        self.restrict_cursor(cols - 1);
    }

    /// As xterm.js moves: with the margins as origin, a step down starts from the upper margin twice.
    pub(super) fn move_cursor(&mut self, x: isize, y: isize) {
        let cols = self.cols;
        self.restrict_cursor(cols - 1);
        let origin = self.modes.origin;
        let buffer = self.buffer_mut();
        let offset = if origin { buffer.top } else { 0 };
        buffer.x = buffer.x.saturating_add_signed(x);
        buffer.y = (buffer.y + offset).saturating_add_signed(y);
        self.restrict_cursor(cols - 1);
    }

    pub(super) fn backspace(&mut self) {
        let cols = self.cols;
        if !self.modes.reverse_wraparound {
            self.restrict_cursor(cols - 1);
            let buffer = self.buffer_mut();
            buffer.x = buffer.x.saturating_sub(1);
            return;
        }
        self.restrict_cursor(cols);
        let buffer = self.buffer_mut();
        let y = buffer.y;
        if buffer.x > 0 {
            buffer.x -= 1;
        } else if y > buffer.top && y <= buffer.bottom && buffer.lines[y].wrapped {
            buffer.set_wrapped(y, false);
            buffer.y -= 1;
            buffer.x = cols - 1;
            let last = buffer.lines[y - 1].get(cols - 1);
            if last.width() > 0 && !last.has_content() {
                buffer.x -= 1;
            }
        }
        self.restrict_cursor(cols - 1);
    }

    pub(super) fn tab(&mut self) {
        let cols = self.cols;
        let buffer = self.buffer_mut();
        if buffer.x < cols {
            buffer.x = buffer.tabs.next(buffer.x, cols);
        }
    }

    pub(super) fn set_tab(&mut self) {
        let buffer = self.buffer_mut();
        buffer.tabs.set(buffer.x);
    }

    pub(super) fn save_cursor(&mut self) {
        let (pen, charsets, modes) = (self.pen, self.charsets, self.modes);
        let buffer = self.buffer_mut();
        buffer.saved.x = buffer.x;
        buffer.saved.page_y = buffer.page_base() + buffer.y;
        buffer.saved.pen = Pen { ext: 0, ..pen };
        buffer.saved.charsets = charsets;
        buffer.saved.origin = modes.origin;
        buffer.saved.wraparound = modes.wraparound;
    }

    pub(super) fn restore_cursor(&mut self) {
        let cols = self.cols;
        let buffer = self.buffer_mut();
        let saved = buffer.saved;
        buffer.x = saved.x;
        buffer.y = saved.page_y.saturating_sub(buffer.page_base());
        self.pen.fg = saved.pen.fg;
        self.pen.bg = saved.pen.bg;
        self.charsets.known = self.charsets.known.max(saved.charsets.known);
        self.charsets.sets[..saved.charsets.known]
            .copy_from_slice(&saved.charsets.sets[..saved.charsets.known]);
        self.charsets.level = saved.charsets.level;
        self.modes.origin = saved.origin;
        self.modes.wraparound = saved.wraparound;
        self.restrict_cursor(cols - 1);
    }
}
