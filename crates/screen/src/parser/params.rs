//! The numbers of a CSI sequence, with xterm.js's bounds: 32 of them, 32 numbers after colons.

const MOST: usize = 32;

/// Parameters and their sub-parameters. A sub-parameter that was left out is -1.
#[derive(Clone, Debug)]
pub(crate) struct Params {
    values: [i32; MOST],
    len: usize,
    subs: [i32; MOST],
    sub_len: usize,
    /// Where the sub-parameters of each begin; they end where the next one's begin.
    sub_start: [u8; MOST],
    rejects: bool,
    rejects_subs: bool,
    in_sub: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            values: [0; MOST],
            len: 1,
            subs: [0; MOST],
            sub_len: 0,
            sub_start: [0; MOST],
            rejects: false,
            rejects_subs: false,
            in_sub: false,
        }
    }
}

impl Params {
    /// One parameter, 0.
    pub(super) fn reset(&mut self) {
        self.values[0] = 0;
        self.len = 1;
        self.sub_len = 0;
        self.sub_start[0] = 0;
        self.rejects = false;
        self.rejects_subs = false;
        self.in_sub = false;
    }

    /// Takes a digit, `;` or `:`.
    pub(super) fn take(&mut self, byte: u8) {
        match byte {
            b';' => self.next(),
            b':' => self.next_sub(),
            _ => self.digit(i32::from(byte) - i32::from(b'0')),
        }
    }

    fn next(&mut self) {
        self.in_sub = false;
        if self.len >= MOST {
            self.rejects = true;
            return;
        }
        self.values[self.len] = 0;
        self.sub_start[self.len] = u8::try_from(self.sub_len).unwrap_or(0);
        self.len += 1;
    }

    fn next_sub(&mut self) {
        self.in_sub = true;
        if self.rejects || self.sub_len >= MOST {
            self.rejects_subs = true;
            return;
        }
        self.subs[self.sub_len] = -1;
        self.sub_len += 1;
    }

    fn digit(&mut self, digit: i32) {
        if self.rejects || self.in_sub && (self.rejects_subs || self.sub_len == 0) {
            return;
        }
        let place =
            if self.in_sub { &mut self.subs[self.sub_len - 1] } else { &mut self.values[self.len - 1] };
        *place = if *place < 0 { digit } else { place.saturating_mul(10).saturating_add(digit) };
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// A parameter; 0 where there is none.
    pub(crate) fn get(&self, index: usize) -> i32 {
        if index < self.len { self.values[index] } else { 0 }
    }

    /// A count: 1 where there is none or 0.
    pub(crate) fn count(&self, index: usize) -> usize {
        usize::try_from(self.get(index)).unwrap_or(0).max(1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i32> {
        self.values[..self.len].iter().copied()
    }

    /// The sub-parameters of a parameter.
    pub(crate) fn subs(&self, index: usize) -> &[i32] {
        if index >= self.len {
            return &[];
        }
        let start = usize::from(self.sub_start[index]);
        let end = if index + 1 < self.len { usize::from(self.sub_start[index + 1]) } else { self.sub_len };
        self.subs.get(start..end).unwrap_or(&[])
    }

    /// Text that gives these parameters to a parser that just reset its own.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for index in 0..self.len {
            if index > 0 {
                text.push(';');
            }
            text.push_str(&self.values[index].to_string());
            for sub in self.subs(index) {
                text.push(':');
                if *sub >= 0 {
                    text.push_str(&sub.to_string());
                }
            }
        }
        if self.rejects {
            text.push(';');
        }
        if self.rejects_subs {
            text.push(':');
        }
        text
    }
}
