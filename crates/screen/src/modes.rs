//! The modes that a program has set, as far as xterm.js has them.

/// Which mouse events are reported.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Mouse {
    #[default]
    Off,
    Press,
    Click,
    Drag,
    Any,
}

/// How they are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum MouseEncoding {
    #[default]
    Legacy,
    Sgr,
    SgrPixels,
}

/// Modes that DECSTR resets, and the cursor's looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Modes {
    pub(crate) insert: bool,
    pub(crate) app_cursor: bool,
    pub(crate) app_keypad: bool,
    pub(crate) bracketed_paste: bool,
    pub(crate) colour_scheme: bool,
    pub(crate) origin: bool,
    pub(crate) reverse_wraparound: bool,
    pub(crate) focus: bool,
    pub(crate) synchronized: bool,
    pub(crate) wraparound: bool,
    /// 1 block, 2 underline, 3 bar.
    pub(crate) cursor_style: Option<u8>,
    pub(crate) cursor_blink: Option<bool>,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            insert: false,
            app_cursor: false,
            app_keypad: false,
            bracketed_paste: false,
            colour_scheme: false,
            origin: false,
            reverse_wraparound: false,
            focus: false,
            synchronized: false,
            wraparound: true,
            cursor_style: None,
            cursor_blink: None,
        }
    }
}

/// The deepest stack of keyboard flags.
const KEYBOARD_STACK: usize = 16;

/// Kitty's keyboard protocol: flags and a stack of them for each screen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Keyboard {
    pub(crate) flags: i32,
    /// What the primary screen had when the alternate one was last asked for.
    pub(crate) primary_flags: i32,
    /// What the alternate screen had when it was last left.
    pub(crate) alternate_flags: i32,
    pub(crate) primary: Vec<i32>,
    pub(crate) alternate: Vec<i32>,
}

impl Keyboard {
    fn stack(&mut self, on_alternate: bool) -> &mut Vec<i32> {
        if on_alternate { &mut self.alternate } else { &mut self.primary }
    }

    pub(crate) fn set(&mut self, flags: i32, how: i32) {
        match how {
            1 => self.flags = flags,
            2 => self.flags |= flags,
            3 => self.flags &= !flags,
            _ => {}
        }
    }

    pub(crate) fn push(&mut self, flags: i32, on_alternate: bool) {
        let before = self.flags;
        let stack = self.stack(on_alternate);
        if stack.len() >= KEYBOARD_STACK {
            stack.remove(0);
        }
        stack.push(before);
        self.flags = flags;
    }

    pub(crate) fn pop(&mut self, count: usize, on_alternate: bool) {
        for _ in 0..count.min(KEYBOARD_STACK) {
            let Some(flags) = self.stack(on_alternate).pop() else { break };
            self.flags = flags;
        }
        if self.stack(on_alternate).is_empty() {
            self.flags = 0;
        }
    }

    pub(crate) fn enter_alternate(&mut self) {
        self.primary_flags = self.flags;
        self.flags = self.alternate_flags;
    }

    pub(crate) fn leave_alternate(&mut self) {
        self.alternate_flags = self.flags;
        self.flags = self.primary_flags;
    }
}
