//! Control sequences: which does what.

use super::Terminal;
use crate::parser::Params;

/// The most characters that one REP repeats. xterm.js has no bound and fails at some hundred millions.
const MOST_REPEATED: usize = 16_384;

/// An identifier as text: `?$p` is prefix, intermediate and final byte.
const fn id(text: &[u8]) -> u32 {
    let mut identifier = 0;
    let mut at = 0;
    while at < text.len() {
        identifier = identifier << 8 | text[at] as u32;
        at += 1;
    }
    identifier
}

const SCROLL_LEFT: u32 = id(b" @");
const SCROLL_RIGHT: u32 = id(b" A");
const INSERT_COLUMNS: u32 = id(b"'}");
const DELETE_COLUMNS: u32 = id(b"'~");
const PROTECT: u32 = id(b"\"q");
const CURSOR_STYLE: u32 = id(b" q");
const SOFT_RESET: u32 = id(b"!p");
const SELECTIVE_ERASE_DISPLAY: u32 = id(b"?J");
const SELECTIVE_ERASE_LINE: u32 = id(b"?K");
const SET_PRIVATE: u32 = id(b"?h");
const RESET_PRIVATE: u32 = id(b"?l");
const KEYBOARD_SET: u32 = id(b"=u");
const KEYBOARD_PUSH: u32 = id(b">u");
const KEYBOARD_POP: u32 = id(b"<u");

impl Terminal {
    pub(super) fn control(&mut self, identifier: u32, params: &Params) {
        match identifier {
            0x40..=0x7E => self.plain_control(identifier.to_be_bytes()[3], params),
            SCROLL_LEFT => self.delete_in_margins(0, params.count(0)),
            SCROLL_RIGHT => self.insert_in_margins(0, params.count(0)),
            INSERT_COLUMNS => self.insert_in_margins(self.buffer().x, params.count(0)),
            DELETE_COLUMNS => self.delete_in_margins(self.buffer().x, params.count(0)),
            PROTECT => self.set_protected(params.get(0)),
            CURSOR_STYLE => self.set_cursor_style(params.get(0)),
            SOFT_RESET => self.soft_reset(),
            SELECTIVE_ERASE_DISPLAY => self.erase_display(params.get(0), true),
            SELECTIVE_ERASE_LINE => self.erase_line(params.get(0), true),
            SET_PRIVATE => params.iter().for_each(|mode| self.set_private_mode(mode)),
            RESET_PRIVATE => params.iter().for_each(|mode| self.reset_private_mode(mode)),
            KEYBOARD_SET => {
                let how = if params.get(1) == 0 { 1 } else { params.get(1) };
                self.keyboard.set(params.get(0), how);
            }
            KEYBOARD_PUSH => self.keyboard.push(params.get(0), self.on_alternate),
            KEYBOARD_POP => self.keyboard.pop(params.count(0), self.on_alternate),
            _ => {}
        }
    }

    fn plain_control(&mut self, last: u8, params: &Params) {
        let count = params.count(0);
        let most = isize::try_from(count).unwrap_or(isize::MAX);
        match last {
            b'@' => self.insert_chars(count),
            b'A' => self.cursor_up(count),
            b'B' => self.cursor_down(count),
            b'C' | b'a' => self.move_cursor(most, 0),
            b'D' => self.move_cursor(-most, 0),
            b'E' => {
                self.cursor_down(count);
                self.buffer_mut().x = 0;
            }
            b'F' => {
                self.cursor_up(count);
                self.buffer_mut().x = 0;
            }
            b'G' | b'`' => self.set_cursor(count - 1, self.buffer().y),
            b'H' | b'f' => self.set_cursor(params.count(1) - 1, count - 1),
            b'I' => self.tab_forward(count),
            b'J' => self.erase_display(params.get(0), false),
            b'K' => self.erase_line(params.get(0), false),
            b'L' => self.insert_lines(count),
            b'M' => self.delete_lines(count),
            b'P' => self.delete_chars(count),
            b'S' => self.scroll_up(count),
            b'T' | b'^' => self.scroll_down(count),
            b'X' => self.erase_chars(count),
            b'Z' => self.tab_backward(count),
            b'b' => self.repeat(count),
            b'd' => self.set_cursor(self.buffer().x, count - 1),
            b'e' => self.move_cursor(0, most),
            b'g' => self.clear_tab(params.get(0)),
            b'h' => params.iter().for_each(|mode| self.set_mode(mode, true)),
            b'l' => params.iter().for_each(|mode| self.set_mode(mode, false)),
            b'm' => self.select_graphic_rendition(params),
            b'r' => self.set_margins(params),
            b's' => self.save_cursor(),
            b'u' => self.restore_cursor(),
            _ => {}
        }
    }

    fn cursor_up(&mut self, count: usize) {
        let buffer = self.buffer();
        let count = buffer.y.checked_sub(buffer.top).map_or(count, |room| room.min(count));
        self.move_cursor(0, -isize::try_from(count).unwrap_or(isize::MAX));
    }

    fn cursor_down(&mut self, count: usize) {
        let buffer = self.buffer();
        let count = buffer.bottom.checked_sub(buffer.y).map_or(count, |room| room.min(count));
        self.move_cursor(0, isize::try_from(count).unwrap_or(isize::MAX));
    }

    fn tab_forward(&mut self, count: usize) {
        let cols = self.cols;
        let buffer = self.buffer_mut();
        if buffer.x < cols {
            for _ in 0..count.min(cols) {
                buffer.x = buffer.tabs.next(buffer.x, cols);
            }
        }
    }

    fn tab_backward(&mut self, count: usize) {
        let cols = self.cols;
        let buffer = self.buffer_mut();
        if buffer.x < cols {
            for _ in 0..count.min(cols) {
                buffer.x = buffer.tabs.previous(buffer.x, cols);
            }
        }
    }

    fn clear_tab(&mut self, which: i32) {
        let buffer = self.buffer_mut();
        match which {
            0 => buffer.tabs.clear(buffer.x),
            3 => buffer.tabs.clear_all(),
            _ => {}
        }
    }

    fn set_margins(&mut self, params: &Params) {
        let rows = self.rows;
        let top = params.count(0);
        let bottom = match usize::try_from(params.get(1)) {
            Ok(bottom) if params.len() >= 2 && (1..=rows).contains(&bottom) => bottom,
            _ => rows,
        };
        if bottom > top {
            let buffer = self.buffer_mut();
            buffer.top = top - 1;
            buffer.bottom = bottom - 1;
            self.set_cursor(0, 0);
        }
    }

    /// REP: the cell before the cursor again.
    fn repeat(&mut self, count: usize) {
        let Some(join) = self.join else { return };
        let buffer = self.buffer();
        let Some(x) = buffer.x.checked_sub(join.width as usize) else { return };
        let Some(line) = buffer.lines.get(buffer.y) else { return };
        let cell = line.get(x);
        let text: Vec<u32> = match cell.cluster() {
            Some(id) => self.pool.cluster(id).chars().map(u32::from).collect(),
            None if cell.has_content() => vec![cell.content & crate::cell::CODE],
            None => return,
        };
        for _ in 0..count.min(MOST_REPEATED) {
            for code in &text {
                self.put(*code);
            }
        }
        self.end_printing();
    }
}
