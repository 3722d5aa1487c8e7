//! The terminal itself: what each control does, as xterm.js does it.
//!
//! Answers nothing: what a program asks for, the browser's terminal answers.

mod csi;
mod cursor;
mod edit;
mod modes;
mod osc;
mod print;
mod sgr;

use crate::{
    buffer::Buffer,
    cell::{Cell, Pen, WIDTH_SHIFT},
    charset::{self, Charsets},
    graphemes::{Graphemes, Join},
    history::History,
    modes::{Keyboard, Modes, Mouse, MouseEncoding},
    palette::Palette,
    parser::{Params, Perform},
    pool::Pool,
    reflow,
};

/// Everything that output can change.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub(crate) cols: usize,
    pub(crate) rows: usize,
    pub(crate) primary: Buffer,
    pub(crate) alternate: Buffer,
    pub(crate) on_alternate: bool,
    pub(crate) pen: Pen,
    pub(crate) pool: Pool,
    pub(crate) charsets: Charsets,
    pub(crate) modes: Modes,
    pub(crate) keyboard: Keyboard,
    pub(crate) mouse: Mouse,
    pub(crate) mouse_encoding: MouseEncoding,
    /// LNM: a line feed is also a carriage return. Survives a reset, as in xterm.js.
    pub(crate) newline: bool,
    /// Survives a reset too.
    pub(crate) is_cursor_hidden: bool,
    pub(crate) title: Option<Box<str>>,
    pub(crate) palette: Palette,
    /// What a combining character would go to; none after anything but a character.
    pub(crate) join: Option<Join>,
    pub(crate) graphemes: Graphemes,
    /// Characters were printed, and nothing else since.
    is_printing: bool,
}

impl Terminal {
    pub(crate) fn new(cols: usize, rows: usize) -> Self {
        let mut primary = Buffer::new(cols, rows, Some(History::default()));
        primary.fill(cols, rows, Pen::default());
        Self {
            cols,
            rows,
            primary,
            alternate: Buffer::new(cols, rows, None),
            on_alternate: false,
            pen: Pen::default(),
            pool: Pool::default(),
            charsets: Charsets::default(),
            modes: Modes::default(),
            keyboard: Keyboard::default(),
            mouse: Mouse::default(),
            mouse_encoding: MouseEncoding::default(),
            newline: false,
            is_cursor_hidden: false,
            title: None,
            palette: Palette::default(),
            join: None,
            graphemes: Graphemes::default(),
            is_printing: false,
        }
    }

    pub(crate) fn resize(&mut self, cols: usize, rows: usize) {
        let (old, new) = ((self.cols, self.rows), (cols, rows));
        if old == new {
            return;
        }
        reflow::resize(&mut self.primary, old, new, &mut self.pool);
        reflow::resize(&mut self.alternate, old, new, &mut self.pool);
        self.primary.tabs.widen(cols);
        self.alternate.tabs.widen(cols);
        self.cols = cols;
        self.rows = rows;
    }

    /// The screen that is shown.
    pub(crate) fn buffer(&self) -> &Buffer {
        if self.on_alternate { &self.alternate } else { &self.primary }
    }

    pub(crate) fn buffer_mut(&mut self) -> &mut Buffer {
        if self.on_alternate { &mut self.alternate } else { &mut self.primary }
    }

    /// The background's colour and nothing else.
    pub(crate) fn erasing(&self) -> Pen {
        self.pen.erasing()
    }

    /// RIS.
    fn reset(&mut self) {
        let kept = Self {
            newline: self.newline,
            is_cursor_hidden: self.is_cursor_hidden,
            title: self.title.take(),
            palette: std::mem::take(&mut self.palette),
            ..Self::new(self.cols, self.rows)
        };
        *self = kept;
    }

    /// DECSTR.
    fn soft_reset(&mut self) {
        self.is_cursor_hidden = false;
        self.pen = Pen::default();
        self.modes = Modes::default();
        self.keyboard = Keyboard::default();
        self.charsets = Charsets::default();
        let rows = self.rows;
        let buffer = self.buffer_mut();
        buffer.top = 0;
        buffer.bottom = rows - 1;
        buffer.saved.x = 0;
        buffer.saved.page_y = buffer.page_base();
        buffer.saved.pen = Pen::default();
    }

    fn line_feed(&mut self) {
        let (cols, rows, newline) = (self.cols, self.rows, self.newline);
        let buffer = self.buffer_mut();
        if newline {
            buffer.x = 0;
        }
        buffer.y += 1;
        if buffer.y == buffer.bottom + 1 {
            buffer.y -= 1;
            self.scroll(false);
        } else if buffer.y >= rows {
            buffer.y = rows - 1;
        } else {
            let y = buffer.y;
            buffer.set_wrapped(y, false);
        }
        let buffer = self.buffer_mut();
        if buffer.x >= cols {
            buffer.x -= 1;
        }
    }

    /// Whether simple text does nothing but scroll, however much of it there is. While the page's history
    /// is not full yet, how much of it there is counts.
    pub(crate) fn only_scrolls(&self) -> bool {
        let buffer = self.buffer();
        let is_full = buffer.history.as_ref().is_none_or(History::is_page_full);
        is_full && buffer.has_full_margins() && !self.modes.reverse_wraparound
    }

    /// Goes on as after text that ended in a line break and is not worth printing: everything it left is
    /// about to be scrolled away.
    pub(crate) fn skip_text(&mut self) {
        let (cols, rows, erasing) = (self.cols, self.rows, self.erasing());
        self.join = None;
        self.is_printing = false;
        let buffer = self.buffer_mut();
        buffer.x = 0;
        buffer.y = rows - 1;
        if let Some(last) = buffer.line(rows - 1) {
            last.renew(cols, erasing, false);
        }
    }

    fn scroll(&mut self, wrapped: bool) {
        let (cols, erasing) = (self.cols, self.erasing());
        let buffer = if self.on_alternate { &mut self.alternate } else { &mut self.primary };
        buffer.scroll(cols, erasing, wrapped, &self.pool);
    }

    /// IND.
    fn index(&mut self) {
        let (cols, rows) = (self.cols, self.rows);
        self.restrict_cursor(cols - 1);
        let buffer = self.buffer_mut();
        buffer.y += 1;
        if buffer.y == buffer.bottom + 1 {
            buffer.y -= 1;
            self.scroll(false);
        } else {
            buffer.y = buffer.y.min(rows - 1);
        }
        self.restrict_cursor(cols - 1);
    }

    /// RI.
    fn reverse_index(&mut self) {
        let (cols, erasing) = (self.cols, self.erasing());
        self.restrict_cursor(cols - 1);
        let buffer = self.buffer_mut();
        if buffer.y == buffer.top {
            let (top, bottom) = (buffer.top, buffer.bottom);
            buffer.rotate(bottom, top, 1, cols, erasing);
        } else {
            buffer.y = buffer.y.saturating_sub(1);
            self.restrict_cursor(cols - 1);
        }
    }

    /// DECALN.
    fn fill_with_e(&mut self) {
        // Not the extended attributes: xterm.js makes a cell without them that claims to have some.
        let pen = Pen { ext: 0, ..self.pen };
        let cell = Cell { content: u32::from('E') | 1 << WIDTH_SHIFT, ..Cell::null(pen) };
        self.set_cursor(0, 0);
        let rows = self.rows;
        let buffer = self.buffer_mut();
        let first = buffer.y;
        for line in buffer.lines.range_mut(first.min(rows)..) {
            line.wrapped = false;
            line.fill(cell);
        }
        self.set_cursor(0, 0);
    }

    /// Drops clusters, underlines and links that are not on the screen any more, now and then.
    fn sweep(&mut self) {
        if self.pool.is_due() {
            let cells = self.primary.cells_mut().chain(self.alternate.cells_mut());
            self.pool.sweep(cells, &mut [&mut self.pen.ext]);
        }
    }
}

impl Perform for Terminal {
    fn print_ascii(&mut self, text: &[u8]) {
        self.put_ascii(text);
    }

    fn print(&mut self, code: u32) {
        self.put(code);
    }

    fn end_print(&mut self) {
        self.end_printing();
    }

    fn pause(&mut self) {
        self.sweep();
    }

    fn execute(&mut self, code: u32) {
        match code {
            0x08 => self.backspace(),
            0x09 => self.tab(),
            0x0A..=0x0C => self.line_feed(),
            0x0D => self.buffer_mut().x = 0,
            0x0E => self.charsets.level = 1,
            0x0F => self.charsets.level = 0,
            0x84 => self.index(),
            0x85 => {
                self.buffer_mut().x = 0;
                self.index();
            }
            0x88 => self.set_tab(),
            _ => {}
        }
    }

    fn csi(&mut self, identifier: u32, params: &Params) {
        self.control(identifier, params);
        self.sweep();
    }

    fn esc(&mut self, identifier: u32) {
        let [_, _, intermediate, last] = identifier.to_be_bytes();
        match (intermediate, last) {
            _ if identifier > 0xFFFF => {}
            (0, b'7') => self.save_cursor(),
            (0, b'8') => self.restore_cursor(),
            (0, b'D') => self.index(),
            (0, b'E') => {
                self.buffer_mut().x = 0;
                self.index();
            }
            (0, b'H') => self.set_tab(),
            (0, b'M') => self.reverse_index(),
            (0, b'=') => self.modes.app_keypad = true,
            (0, b'>') => self.modes.app_keypad = false,
            (0, b'c') => self.reset(),
            (0, b'n' | b'}') => self.charsets.level = 2,
            (0, b'o' | b'|') => self.charsets.level = 3,
            (0, b'~') => self.charsets.level = 1,
            (b'#', b'8') => self.fill_with_e(),
            (b'%', b'@' | b'G') => {
                self.charsets.level = 0;
                self.charsets.designate(0, None);
            }
            (b'(', name) if charset::is_set(name) => self.charsets.designate(0, Some(name)),
            (b')' | b'-', name) if charset::is_set(name) => self.charsets.designate(1, Some(name)),
            (b'*' | b'.', name) if charset::is_set(name) => self.charsets.designate(2, Some(name)),
            (b'+', name) if charset::is_set(name) => self.charsets.designate(3, Some(name)),
            _ => {}
        }
    }

    fn osc(&mut self, text: &str) {
        self.command(text);
        self.sweep();
    }

    fn end_cluster(&mut self) {
        self.join = None;
    }
}
