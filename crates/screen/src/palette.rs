//! Colours that a program has redefined: OSC 4, 10, 11, 12 and their resets.

use std::collections::BTreeMap;

/// The text's colour; background and cursor follow.
pub(crate) const FOREGROUND: u16 = 256;
const SPECIAL: u16 = 3;

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

/// Redefined colours by index, the special ones from [`FOREGROUND`] on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Palette {
    colours: BTreeMap<u16, Colour>,
}

impl Palette {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, Colour)> {
        self.colours.iter().map(|(index, colour)| (*index, *colour))
    }

    /// OSC 4: pairs of an index and a colour.
    pub(crate) fn set_indexed(&mut self, text: &str) {
        let mut slots = text.split(';');
        while let (Some(index), Some(colour)) = (slots.next(), slots.next()) {
            if let (Some(index), Some(colour)) = (index_of(index), parse(colour)) {
                self.colours.insert(index, colour);
            }
        }
    }

    /// OSC 10 to 12: colours of this and the following special ones.
    pub(crate) fn set_special(&mut self, text: &str, first: u16) {
        for (index, colour) in (FOREGROUND + first..FOREGROUND + SPECIAL).zip(text.split(';')) {
            if let Some(colour) = parse(colour) {
                self.colours.insert(index, colour);
            }
        }
    }

    /// OSC 104: all of the 256, or those named.
    pub(crate) fn reset_indexed(&mut self, text: &str) {
        if text.is_empty() {
            self.colours.retain(|index, _| *index >= FOREGROUND);
        }
        for index in text.split(';').filter_map(index_of) {
            self.colours.remove(&index);
        }
    }

    /// OSC 110 to 112.
    pub(crate) fn reset_special(&mut self, index: u16) {
        self.colours.remove(&(FOREGROUND + index));
    }
}

fn index_of(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?.filter(|index| *index < FOREGROUND)
}

/// `rgb:r/g/b` and `#rgb` with one to four digits for each.
fn parse(text: &str) -> Option<Colour> {
    let text = text.to_lowercase();
    if let Some(parts) = text.strip_prefix("rgb:") {
        let parts: Vec<&str> = parts.split('/').collect();
        let [red, green, blue] = parts.as_slice() else { return None };
        if red.len() != green.len() || green.len() != blue.len() {
            return None;
        }
        return Some([scaled(red)?, scaled(green)?, scaled(blue)?]);
    }
    let digits = text.strip_prefix('#')?;
    if !matches!(digits.len(), 3 | 6 | 9 | 12) || !digits.is_ascii() {
        return None;
    }
    let each = digits.len() / 3;
    let part = |index: usize| {
        let value = hex(&digits[index * each..(index + 1) * each])?;
        let byte = match each {
            1 => value << 4,
            2 => value,
            3 => value >> 4,
            _ => value >> 8,
        };
        u8::try_from(byte).ok()
    };
    Some([part(0)?, part(1)?, part(2)?])
}

/// A fraction of as many digits as there are.
fn scaled(text: &str) -> Option<u8> {
    if !(1..=4).contains(&text.len()) {
        return None;
    }
    let most = (1_u32 << (4 * text.len())) - 1;
    u8::try_from((hex(text)? * 255 + most / 2) / most).ok()
}

fn hex(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u32::from_str_radix(text, 16).ok())?
}
