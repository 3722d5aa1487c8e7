//! Everything but the cells: cursors, margins, tab stops, modes, charsets, colours.

use super::Writer;
use crate::{
    buffer::{Buffer, Saved},
    cell::{Cell, EXTENDED, Pen, UNDERLINE},
    charset::{self, Charsets},
    graphemes::{Graphemes, Join},
    modes::{Keyboard, Modes, Mouse, MouseEncoding},
    palette::FOREGROUND,
    pool::Ext,
};

const DESIGNATORS: [char; 4] = ['(', ')', '*', '+'];

impl Writer<'_> {
    /// What a reset leaves: an unfinished sequence, the cursor hidden, LNM, colours; and an alternate screen
    /// that got smaller while nobody saw it, which would have a history until it is left.
    pub(super) fn clean_up(&mut self) {
        self.say(
            "\x18\x1B[?47h\x1B[?47l\x1B[?25h\x1B[20l\x1B]104\x1B\\\x1B]110\x1B\\\x1B]111\x1B\\\x1B]112\x1B\\",
        );
        if let Some(title) = &self.terminal.title {
            self.say(&format!("\x1B]2;{title}\x1B\\"));
        }
        for (index, [red, green, blue]) in self.terminal.palette.iter() {
            let colour = format!("#{red:02x}{green:02x}{blue:02x}");
            match index.checked_sub(FOREGROUND) {
                None => self.say(&format!("\x1B]4;{index};{colour}\x1B\\")),
                Some(special) => self.say(&format!("\x1B]{};{colour}\x1B\\", special + 10)),
            }
        }
    }

    /// Whether the alternate screen's saved cursor comes before the primary one's: DECSC saves as many
    /// charsets as were ever designated, and there is no way back to fewer.
    pub(super) fn alternate_is_first(&self) -> bool {
        let known = |buffer: &Buffer| buffer.saved.charsets.known;
        known(&self.terminal.alternate) <= known(&self.terminal.primary)
    }

    /// The cursor that DECSC has saved on the alternate screen, while that is not shown.
    pub(super) fn hidden_alternate(&mut self) {
        if self.terminal.alternate.saved != Saved::default() {
            self.csi("?47h");
            self.saved_cursor(&self.terminal.alternate);
            self.csi("?47l\x1B[H");
            self.x = 0;
        }
    }

    /// From the primary screen, with its cursor where it was and its keyboard flags.
    pub(super) fn enter_alternate(&mut self) {
        let keyboard = &self.terminal.keyboard;
        if *keyboard != Keyboard::default() {
            self.keyboard_stack(&keyboard.primary, keyboard.primary_flags);
            self.csi("?47h");
            self.csi(&format!("={}u", keyboard.alternate_flags));
            self.csi("?47l");
        }
        let primary = &self.terminal.primary;
        self.csi(&format!("{};{}H", primary.y + 1, primary.x.min(self.terminal.cols - 1) + 1));
        self.csi("?47h\x1B[H");
        self.may_save = true;
        self.x = 0;
    }

    /// Tab stops, while the first line is empty. All of them: a reset may have left others beyond the last
    /// column. One may be beyond the last column, where a cursor was that
    /// was about to wrap; it counts once the screen is wider.
    pub(super) fn tab_stops(&mut self, buffer: &Buffer) {
        let cols = self.terminal.cols;
        self.csi("3g");
        for column in (0..cols).filter(|column| buffer.tabs.has(*column)) {
            self.csi(&format!("{}G\x1BH", column + 1));
        }
        if buffer.tabs.has(cols) {
            self.csi(&format!("{cols}Gx\x1BH\x1B[{cols}G\x1B[X"));
        }
        self.say("\r");
    }

    /// What else each screen has for itself. The cursor is somewhere after it.
    pub(super) fn screen_state(&mut self, buffer: &Buffer) {
        if !std::mem::take(&mut self.is_saved) || self.has_saved {
            self.saved_cursor(buffer);
        }
        self.may_save = false;
        if buffer.top != 0 || buffer.bottom + 1 != self.terminal.rows {
            self.csi(&format!("{};{}r", buffer.top + 1, buffer.bottom + 1));
        }
    }

    /// The line with the saved cursor, counted from the first that is written, if it has scrolled off. It
    /// is saved there: how far it is off counts when the screen gets higher.
    pub(super) fn saved_above(&self, buffer: &Buffer, history: usize) -> Option<usize> {
        let above = buffer.page_base().checked_sub(buffer.saved.page_y).filter(|above| *above > 0)?;
        (buffer.saved != Saved::default()).then(|| history.saturating_sub(above))
    }

    fn saved_cursor(&mut self, buffer: &Buffer) {
        let y = buffer.saved.page_y.saturating_sub(buffer.page_base()).min(self.terminal.rows - 1);
        // One that comes back to the first cell is what a reset leaves.
        let is_first = buffer.saved.page_y == 0 || buffer.page_base() == 0 && y == 0;
        let is_usual = is_first && Saved { page_y: 0, ..buffer.saved } == Saved::default();
        if !is_usual || self.has_saved {
            self.save_cursor_at(buffer, y);
        }
    }

    /// Saves what a screen has saved, with the cursor in this row.
    pub(super) fn save_cursor_at(&mut self, buffer: &Buffer, y: usize) {
        let saved = buffer.saved;
        for level in 0..saved.charsets.known {
            self.designate(level, saved.charsets);
        }
        self.shift(saved.charsets.level);
        self.set_flags(saved.pen);
        if !saved.wraparound {
            self.csi("?7l");
        }
        if saved.origin {
            self.csi("?6h");
        }
        let x = saved.x.min(self.terminal.cols - 1);
        self.csi(&format!("{};{}H", y + 1, x + 1));
        if saved.x > x && std::ptr::eq(buffer, &self.terminal.primary) {
            self.beyond_last_column(y);
        }
        self.say(&format!("\x1B7\x1B[?6l\x1B[?7h\x1B[{};{}H", y + 1, x + 1));
        self.x = x;
        self.has_saved = false;
        self.shift(0);
        if self.charsets.sets[0].is_some() {
            self.designate(0, Charsets::default());
        }
        self.set_pen(Pen::default());
    }

    /// A pen of which only the colours and flags count.
    fn set_flags(&mut self, pen: Pen) {
        let underline = pen.fg & UNDERLINE != 0;
        if underline == (pen.bg & EXTENDED != 0) {
            let style = u8::from(underline);
            self.set_plain(pen, &Ext { style, ..Ext::default() });
        } else {
            self.set_odd(pen, &Ext::default());
        }
        // Nothing compares equal to it: the next pen is written whole.
        self.pen = Pen { ext: u32::MAX, ..pen };
    }

    fn designate(&mut self, level: usize, charsets: Charsets) {
        let name = char::from(charsets.sets[level].unwrap_or(b'B'));
        self.say(&format!("\x1B{}{name}", DESIGNATORS[level]));
        self.charsets.designate(level, charsets.sets[level]);
    }

    fn shift(&mut self, level: usize) {
        if self.charsets.level != level {
            self.say(["\x0F", "\x0E", "\x1Bn", "\x1Bo"][level & 3]);
            self.charsets.level = level;
        }
    }

    /// The screen that is shown: cursor, pen, modes. Ends with the last character again if another one
    /// could join it.
    pub(super) fn final_state(&mut self) {
        let last = self.last_character();
        self.odd_pen();
        if self.terminal.modes.origin {
            self.csi("?6h");
        }
        self.place_cursor(last);
        self.keyboard();
        self.modes();
        for level in 0..4 {
            let wanted = &self.terminal.charsets;
            let is_new = level >= self.charsets.known && level < wanted.known;
            if is_new || self.charsets.sets[level] != wanted.sets[level] {
                self.designate(level, self.terminal.charsets);
            }
        }
        self.shift(self.terminal.charsets.level);
        self.set_pen(self.terminal.pen);
        if self.join.is_some() {
            self.say("\0");
        }
        match last {
            Some((_, cell)) => self.write_again(cell),
            None => self.write_lost(),
        }
    }

    /// A wide character that was lost, as it did not fit and nothing wraps: another one, to be lost too.
    fn write_lost(&mut self) {
        let terminal = self.terminal;
        let buffer = terminal.buffer();
        let last = terminal.cols - 1;
        let splits_none = buffer.lines.get(buffer.y).is_some_and(|line| line.width(last - 1) != 2);
        let lost = terminal.join.and_then(Join::wide_example);
        if let Some(lost) = lost.filter(|_| !terminal.modes.wraparound && buffer.x == last && splits_none) {
            self.out.extend_from_slice(lost.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// The character that the next code point may join, and from which column to write it again.
    fn last_character(&self) -> Option<(usize, Cell)> {
        let terminal = self.terminal;
        let join = terminal.join?;
        let buffer = terminal.buffer();
        let column = buffer.x.checked_sub(join.width as usize)?;
        let cell = buffer.lines.get(buffer.y)?.get(column);
        let mut graphemes = Graphemes::default();
        let text = self.text(cell);
        let again = text.chars().fold(None, |join, code| Some(graphemes.place(u32::from(code), join).join));
        let pen = Cell::null(terminal.pen).pen();
        let is_it =
            cell.has_content() && cell.pen() == pen && cell.width() == join.width && again == Some(join);
        // Writing there would take the first half of a wide one away; without wrapping, writing beyond the
        // last column does not.
        let splits = column > 0 && buffer.lines.get(buffer.y)?.width(column - 1) == 2;
        let begin = if splits { buffer.x } else { column };
        (is_it && (!splits || !terminal.modes.wraparound && begin == terminal.cols)).then_some((begin, cell))
    }

    fn place_cursor(&mut self, last: Option<(usize, Cell)>) {
        let buffer = self.terminal.buffer();
        let cols = self.terminal.cols;
        let x = last.map_or(buffer.x, |(column, _)| column);
        let y = if self.terminal.modes.origin { buffer.y.saturating_sub(buffer.top) } else { buffer.y };
        if x < cols {
            self.csi(&format!("{};{}H", y + 1, x + 1));
        } else if self.terminal.on_alternate {
            self.place_beyond(y);
        } else {
            self.beyond_last_column(buffer.y);
        }
        self.x = x;
    }

    /// Beyond the last column of the primary screen: both share the cursor, and on the other one anything
    /// may be written.
    fn beyond_last_column(&mut self, y: usize) {
        let cols = self.terminal.cols;
        self.csi(&format!("?47h\x1B[{};{cols}Hx\x1B[?47l", y + 1));
    }

    /// Beyond the last column of the alternate screen: where a character there has left the cursor.
    fn place_beyond(&mut self, y: usize) {
        let cols = self.terminal.cols;
        let buffer = self.terminal.buffer();
        let Some(line) = buffer.lines.get(buffer.y) else { return };
        let end = line.get(cols - 1);
        let column = if end.is_spacer() { cols - 2 } else { cols - 1 };
        self.csi(&format!("{};{}H", y + 1, column + 1));
        if end.has_content() || end.is_spacer() {
            self.cell(line.get(column));
        } else if (0..cols).all(|column| line.get(column) == end) && end == Cell::null(end.pen().erasing()) {
            self.say("x");
            self.set_pen(end.pen());
            self.csi("1K");
        }
    }

    /// Makes a pen that no SGR makes, if restoring the saved cursor does, or that of the alternate screen.
    fn odd_pen(&mut self) {
        let terminal = self.terminal;
        if self.is_plain(terminal.pen) {
            return;
        }
        let here = terminal.buffer().saved;
        let mut restored = None;
        if self.set_by_restoring(terminal.pen, here.pen) {
            restored = Some(here);
        } else if !terminal.on_alternate && self.can_restore(terminal.pen, terminal.alternate.saved.pen) {
            self.csi("?47h");
            self.set_by_restoring(terminal.pen, terminal.alternate.saved.pen);
            self.csi("?47l");
            restored = Some(terminal.alternate.saved);
        }
        let Some(saved) = restored else { return };
        self.charsets.level = saved.charsets.level;
        let known = saved.charsets.known;
        self.charsets.sets[..known].copy_from_slice(&saved.charsets.sets[..known]);
        self.csi("?6l\x1B[?7h");
    }

    /// Writes the last character again, over itself.
    fn write_again(&mut self, cell: Cell) {
        let text = self.text(cell);
        if self.terminal.modes.insert {
            // What its first code point inserts; the others take from what is there.
            let first = text.chars().next().map_or(0x20, u32::from);
            let inserted = self.graphemes.place(first, None).width;
            self.csi(&format!("{inserted}P"));
        }
        let name = self.terminal.charsets.active();
        let ascii = text.bytes().next().filter(|byte| text.len() == 1 && byte.is_ascii());
        let source = name.zip(ascii).and_then(|(name, wanted)| {
            (0x20..0x7F_u8).find(|byte| u32::from(charset::shown(name, *byte)) == u32::from(wanted))
        });
        match source {
            Some(byte) => self.out.push(byte),
            None => self.out.extend_from_slice(text.as_bytes()),
        }
    }

    fn keyboard(&mut self) {
        let keyboard = &self.terminal.keyboard;
        if *keyboard == Keyboard::default() {
            return;
        }
        if self.terminal.on_alternate {
            self.keyboard_stack(&keyboard.alternate, keyboard.flags);
            return;
        }
        self.csi(&format!("={}u\x1B[?47h", keyboard.primary_flags));
        self.keyboard_stack(&keyboard.alternate, keyboard.alternate_flags);
        self.csi("?47l");
        self.keyboard_stack(&keyboard.primary, keyboard.flags);
    }

    /// A stack of flags, and the flags in use.
    fn keyboard_stack(&mut self, stack: &[i32], flags: i32) {
        for (index, flags) in stack.iter().chain([&flags]).enumerate() {
            let how = if index == 0 { '=' } else { '>' };
            self.csi(&format!("{how}{flags}u"));
        }
    }

    fn modes(&mut self) {
        let terminal = self.terminal;
        let (modes, usual) = (terminal.modes, Modes::default());
        let switches = [
            (modes.insert, "4h"),
            (terminal.newline, "20h"),
            (modes.app_cursor, "?1h"),
            (modes.app_keypad, "?66h"),
            (modes.bracketed_paste, "?2004h"),
            (modes.colour_scheme, "?2031h"),
            (modes.reverse_wraparound, "?45h"),
            (modes.focus, "?1004h"),
            (modes.wraparound != usual.wraparound, "?7l"),
            (terminal.is_cursor_hidden, "?25l"),
            (terminal.mouse == Mouse::Press, "?9h"),
            (terminal.mouse == Mouse::Click, "?1000h"),
            (terminal.mouse == Mouse::Drag, "?1002h"),
            (terminal.mouse == Mouse::Any, "?1003h"),
            (terminal.mouse_encoding == MouseEncoding::Sgr, "?1006h"),
            (terminal.mouse_encoding == MouseEncoding::SgrPixels, "?1016h"),
            (modes.synchronized, "?2026h"),
        ];
        for (on, text) in switches {
            if on {
                self.csi(text);
            }
        }
        let Some(blink) = modes.cursor_blink else { return };
        // Seven and eight change the blinking only.
        let steady = modes.cursor_style.map_or(8, |style| style * 2);
        self.csi(&format!("{} q", steady - u8::from(blink)));
    }
}
