//! Setting and resetting modes.

use super::Terminal;
use crate::modes::{Mouse, MouseEncoding};

impl Terminal {
    /// SM and RM.
    pub(super) fn set_mode(&mut self, mode: i32, on: bool) {
        match mode {
            4 => self.modes.insert = on,
            20 => self.newline = on,
            _ => {}
        }
    }

    /// DECSET.
    pub(super) fn set_private_mode(&mut self, mode: i32) {
        match mode {
            2 => (0..4).for_each(|level| self.charsets.designate(level, None)),
            6 => {
                self.modes.origin = true;
                self.set_cursor(0, 0);
            }
            9 => self.mouse = Mouse::Press,
            1000 => self.mouse = Mouse::Click,
            1002 => self.mouse = Mouse::Drag,
            1003 => self.mouse = Mouse::Any,
            1006 => self.mouse_encoding = MouseEncoding::Sgr,
            1016 => self.mouse_encoding = MouseEncoding::SgrPixels,
            1048 => self.save_cursor(),
            1049 => {
                self.save_cursor();
                self.enter_alternate();
            }
            47 | 1047 => self.enter_alternate(),
            _ => self.switch_private_mode(mode, true),
        }
    }

    /// DECRST.
    pub(super) fn reset_private_mode(&mut self, mode: i32) {
        match mode {
            6 => {
                self.modes.origin = false;
                self.set_cursor(0, 0);
            }
            9 | 1000 | 1002 | 1003 => self.mouse = Mouse::Off,
            1006 | 1016 => self.mouse_encoding = MouseEncoding::Legacy,
            1048 => self.restore_cursor(),
            1049 => {
                self.leave_alternate();
                self.restore_cursor();
            }
            47 | 1047 => self.leave_alternate(),
            _ => self.switch_private_mode(mode, false),
        }
    }

    fn switch_private_mode(&mut self, mode: i32, on: bool) {
        match mode {
            1 => self.modes.app_cursor = on,
            7 => self.modes.wraparound = on,
            25 => self.is_cursor_hidden = !on,
            45 => self.modes.reverse_wraparound = on,
            66 => self.modes.app_keypad = on,
            1004 => self.modes.focus = on,
            2004 => self.modes.bracketed_paste = on,
            2026 => self.modes.synchronized = on,
            2031 => self.modes.colour_scheme = on,
            _ => {}
        }
    }

    fn enter_alternate(&mut self) {
        self.keyboard.enter_alternate();
        if self.on_alternate {
            return;
        }
        let erasing = self.erasing();
        self.alternate.fill(self.cols, self.rows, erasing);
        self.alternate.x = self.primary.x;
        self.alternate.y = self.primary.y;
        self.on_alternate = true;
    }

    fn leave_alternate(&mut self) {
        self.keyboard.leave_alternate();
        if !self.on_alternate {
            return;
        }
        self.primary.x = self.alternate.x;
        self.primary.y = self.alternate.y;
        self.alternate.clear(self.cols, self.rows);
        self.on_alternate = false;
    }

    /// DECSCUSR.
    pub(super) fn set_cursor_style(&mut self, style: i32) {
        if style == 0 {
            self.modes.cursor_style = None;
            self.modes.cursor_blink = None;
            return;
        }
        match style {
            1 | 2 => self.modes.cursor_style = Some(1),
            3 | 4 => self.modes.cursor_style = Some(2),
            5 | 6 => self.modes.cursor_style = Some(3),
            _ => {}
        }
        self.modes.cursor_blink = Some(style % 2 == 1);
    }
}
