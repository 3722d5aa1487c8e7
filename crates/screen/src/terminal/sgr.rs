//! SGR: the pen.

use super::Terminal;
use crate::{
    cell::{
        BLINK, BOLD, COLOUR, COLOUR_MODE, DIM, EXTENDED, INVERSE, INVISIBLE, ITALIC, OVERLINE, PALETTE_16,
        PALETTE_256, RGB, STRIKETHROUGH, UNDERLINE,
    },
    parser::Params,
    pool::Ext,
};

const VALUE: u32 = COLOUR & !COLOUR_MODE;

impl Terminal {
    pub(super) fn select_graphic_rendition(&mut self, params: &Params) {
        let mut index = 0;
        while index < params.len() {
            let value = params.get(index);
            match value {
                38 | 48 | 58 => index += self.select_colour(params, index),
                4 => self.underline(params.subs(index).first().copied().unwrap_or(1)),
                _ => self.select(value),
            }
            index += 1;
        }
    }

    fn select(&mut self, value: i32) {
        let pen = &mut self.pen;
        match value {
            0 => self.select_none(),
            1 => pen.fg |= BOLD,
            2 => pen.bg |= DIM,
            3 => pen.bg |= ITALIC,
            5 => pen.fg |= BLINK,
            7 => pen.fg |= INVERSE,
            8 => pen.fg |= INVISIBLE,
            9 => pen.fg |= STRIKETHROUGH,
            21 => self.underline(2),
            22 => {
                pen.fg &= !BOLD;
                pen.bg &= !DIM;
            }
            23 => pen.bg &= !ITALIC,
            24 => self.underline(0),
            25 => pen.fg &= !BLINK,
            27 => pen.fg &= !INVERSE,
            28 => pen.fg &= !INVISIBLE,
            29 => pen.fg &= !STRIKETHROUGH,
            53 => pen.bg |= OVERLINE,
            55 => pen.bg &= !OVERLINE,
            // As xterm.js stores "none": every bit of a colour.
            59 => self.change_ext(|ext| ext.colour = COLOUR),
            221 => pen.fg &= !BOLD,
            222 => pen.bg &= !DIM,
            _ => self.select_simple_colour(value),
        }
    }

    fn select_simple_colour(&mut self, value: i32) {
        let pen = &mut self.pen;
        let base = u32::try_from(value).unwrap_or(0);
        match base {
            30..=37 => pen.fg = pen.fg & !COLOUR | PALETTE_16 | (base - 30),
            39 => pen.fg &= !COLOUR,
            40..=47 => pen.bg = pen.bg & !COLOUR | PALETTE_16 | (base - 40),
            49 => pen.bg &= !COLOUR,
            90..=97 => pen.fg = pen.fg & !COLOUR | PALETTE_16 | (base - 90) | 8,
            100..=107 => pen.bg = pen.bg & !COLOUR | PALETTE_16 | (base - 100) | 8,
            _ => {}
        }
    }

    /// A link stays.
    fn select_none(&mut self) {
        self.pen.fg = 0;
        self.pen.bg = 0;
        self.change_ext(|ext| {
            ext.style = 0;
            ext.colour = 0;
        });
    }

    fn underline(&mut self, style: i32) {
        let style = u8::try_from(style).ok().filter(|style| *style <= 5).unwrap_or(1);
        if style == 0 {
            self.pen.fg &= !UNDERLINE;
        } else {
            self.pen.fg |= UNDERLINE;
        }
        self.change_ext(|ext| ext.style = style);
    }

    /// Changes extended attributes, and says in `bg` whether there are any.
    pub(super) fn change_ext(&mut self, change: impl FnOnce(&mut Ext)) {
        let is_empty = self.set_ext(change);
        if is_empty {
            self.pen.bg &= !EXTENDED;
        } else {
            self.pen.bg |= EXTENDED;
        }
    }

    fn set_ext(&mut self, change: impl FnOnce(&mut Ext)) -> bool {
        if self.pen.ext == 0 {
            let mut ext = Ext::default();
            change(&mut ext);
            self.pen.ext = self.pool.ext_id(&ext);
            return ext.is_empty();
        }
        let mut ext = self.pool.ext(self.pen.ext);
        change(&mut ext);
        self.pen.ext = self.pool.ext_id(&ext);
        ext.is_empty()
    }

    /// 38, 48 and 58 with what follows them, separated by semicolons, colons, or both, with a colour space
    /// or without; returns how many parameters followed.
    fn select_colour(&mut self, params: &Params, first: usize) -> usize {
        // What it is, the kind, the colour space, and three values.
        let mut parts = [0, 0, -1, 0, 0, 0];
        let mut space = 0;
        let mut advance = 0;
        loop {
            parts[advance + space] = params.get(first + advance);
            let subs = params.subs(first + advance);
            if !subs.is_empty() {
                for (index, sub) in subs.iter().enumerate() {
                    if parts[1] == 5 {
                        space = 1;
                    }
                    if let Some(part) = parts.get_mut(advance + index + 1 + space) {
                        *part = *sub;
                    }
                    if index + 1 + advance + 1 + space >= parts.len() {
                        break;
                    }
                }
                break;
            }
            if parts[1] == 5 && advance + space >= 2 || parts[1] == 2 && advance + space >= 5 {
                break;
            }
            if parts[1] != 0 {
                space = 1;
            }
            advance += 1;
            if first + advance >= params.len() || advance + space >= parts.len() {
                break;
            }
        }
        let byte = |index: usize| if parts[index] < 0 { 0 } else { parts[index].cast_unsigned() & 0xFF };
        let values = [byte(3), byte(4), byte(5)];
        match parts[0] {
            38 => self.pen.fg = with_colour(self.pen.fg, parts[1], values),
            48 => self.pen.bg = with_colour(self.pen.bg, parts[1], values),
            // Alone it is nothing to see: `bg` is not told.
            58 => {
                self.set_ext(|ext| ext.colour = with_colour(ext.colour, parts[1], values));
            }
            _ => {}
        }
        advance
    }
}

fn with_colour(attributes: u32, kind: i32, [first, second, third]: [u32; 3]) -> u32 {
    match kind {
        2 => (attributes | RGB) & !VALUE | first << 16 | second << 8 | third,
        5 => attributes & !COLOUR | PALETTE_256 | first,
        _ => attributes,
    }
}
