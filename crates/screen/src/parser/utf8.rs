//! UTF-8 as xterm.js decodes it: what is invalid is dropped without a replacement, a byte order mark too.

/// The bytes of a character of which more are to come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decoder {
    begun: [u8; 3],
    len: u8,
}

/// What the next bytes are.
pub(super) enum Decoded {
    Code(u32),
    /// Nothing: dropped.
    Invalid,
    /// The bytes end in a character; the decoder keeps its beginning.
    Unfinished,
}

impl Decoder {
    /// The bytes of an unfinished character.
    pub(crate) fn begun(&self) -> &[u8] {
        &self.begun[..usize::from(self.len)]
    }

    pub(crate) fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Decodes one character of `bytes`, which are not empty, and moves them on.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Decoded {
        if self.len == 0 {
            // Most of those that are not ASCII have three bytes, and are whole.
            if let [first @ 0xE1..=0xEC, second @ 0x80..=0xBF, third @ 0x80..=0xBF, rest @ ..] = bytes {
                let lead = u32::from(first & 0x0F) << 12 | u32::from(second & 0x3F) << 6;
                let code = lead | u32::from(third & 0x3F);
                *bytes = rest;
                return Decoded::Code(code);
            }
            let Some((first, rest)) = bytes.split_first() else { return Decoded::Unfinished };
            *bytes = rest;
            match first {
                0x00..=0x7F => return Decoded::Code(u32::from(*first)),
                0xC0..=0xF7 => self.keep(*first),
                _ => return Decoded::Invalid,
            }
        }
        let length = match self.begun[0] {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            _ => 4,
        };
        loop {
            let Some((next, rest)) = bytes.split_first() else { return Decoded::Unfinished };
            if next & 0xC0 != 0x80 {
                self.len = 0;
                return Decoded::Invalid;
            }
            *bytes = rest;
            if usize::from(self.len) + 1 == length {
                let code = self.code(*next);
                self.len = 0;
                return code;
            }
            self.keep(*next);
        }
    }

    fn keep(&mut self, byte: u8) {
        self.begun[usize::from(self.len)] = byte;
        self.len += 1;
    }

    fn code(self, last: u8) -> Decoded {
        let begun = self.begun();
        let (mask, least) = match begun.len() {
            1 => (0x1F, 0x80),
            2 => (0x0F, 0x800),
            _ => (0x07, 0x1_0000),
        };
        let lead = u32::from(begun[0]) & mask;
        let more = begun[1..].iter().chain([&last]);
        let code = more.fold(lead, |code, byte| code << 6 | u32::from(byte & 0x3F));
        let is_mark = code == 0xFEFF;
        if code < least || is_mark || char::from_u32(code).is_none() {
            return Decoded::Invalid;
        }
        Decoded::Code(code)
    }
}
