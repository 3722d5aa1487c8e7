//! Colours and flags as SGR, and the ways to those that no SGR makes.

use super::Writer;
use crate::{
    cell::{
        BLINK, BOLD, COLOUR, COLOUR_MODE, Cell, DIM, EXTENDED, INVERSE, INVISIBLE, ITALIC, OVERLINE,
        PALETTE_16, PALETTE_256, PROTECTED, Pen, RGB, STRIKETHROUGH, UNDERLINE,
    },
    pool::{Ext, Link},
};

impl Writer<'_> {
    /// The pen that would write a cell.
    pub(super) fn pen_of(&self, cell: Cell) -> Pen {
        if self.detail.attributes { cell.pen() } else { Pen::default() }
    }

    /// Whether SGR and OSC 8 alone make this pen.
    pub(super) fn is_plain(&self, pen: Pen) -> bool {
        let is_usual = pen.ext == 0 && pen.fg & UNDERLINE == 0 && pen.bg & EXTENDED == 0;
        is_usual || is_plain(pen, &self.pool.ext(pen.ext))
    }

    pub(super) fn set_pen(&mut self, pen: Pen) {
        if pen == self.pen {
            return;
        }
        let ext = self.pool.ext(pen.ext);
        if is_plain(pen, &ext) || !self.may_save {
            self.set_plain(pen, &ext);
        } else {
            self.set_odd(pen, &ext);
        }
        self.pen = pen;
    }

    pub(super) fn set_plain(&mut self, pen: Pen, ext: &Ext) {
        self.graphic_rendition(pen, ext);
        self.set_link(ext.link.as_deref());
        self.ext = ext.clone();
    }

    /// A pen that DECRC has made: it brings back flags, and not what they are about. So does this.
    pub(super) fn set_odd(&mut self, pen: Pen, ext: &Ext) {
        let flags = (pen.fg & UNDERLINE != 0, pen.bg & EXTENDED != 0);
        let plain = Pen { fg: pen.fg & !UNDERLINE, ..pen };
        let underlined = Ext { style: 1, ..Ext::default() };
        match flags {
            (false, false) => self.set_plain(plain, &Ext::default()),
            (true, true) => self.set_plain(pen, &underlined),
            (false, true) => {
                self.set_plain(plain, &Ext::default());
                self.set_link(Some(&Link { id: None, uri: "x".into() }));
            }
            (true, false) => {
                self.set_plain(pen, &underlined);
                self.say("\x1B7\x1B[m\x1B8\x1B]8;;\x1B\\");
            }
        }
        self.has_saved = true;
        self.say("\x1B7");
        self.set_plain(Pen { fg: if ext.style == 0 { 0 } else { UNDERLINE }, bg: 0, ext: 0 }, ext);
        self.say("\x1B8");
        // What was on its way is not there any more, whatever the next pen is.
        self.ext = ext.clone();
    }

    /// Whether restoring a cursor with the saved pen leads to a pen that no SGR makes.
    pub(super) fn can_restore(&self, pen: Pen, saved: Pen) -> bool {
        let claims = |pen: Pen| pen.bg & EXTENDED != 0;
        let is_true = claims(pen) != self.pool.ext(pen.ext).is_empty();
        (pen.fg ^ saved.fg) & UNDERLINE == 0 && (is_true || claims(pen) == claims(saved))
    }

    /// A pen that no SGR makes, where restoring the saved cursor can: that brings flags, and the rest is
    /// there already. Moves the cursor. Says whether it can.
    pub(super) fn set_by_restoring(&mut self, pen: Pen, saved: Pen) -> bool {
        if !self.can_restore(pen, saved) {
            return false;
        }
        let ext = self.pool.ext(pen.ext);
        let is_true = (pen.bg & EXTENDED != 0) != ext.is_empty();
        self.set_plain(Pen { fg: if ext.style == 0 { 0 } else { UNDERLINE }, bg: 0, ext: 0 }, &ext);
        self.say("\x1B8");
        if is_true {
            // Said again, it makes the claim true.
            self.say_link(ext.link.as_deref());
        }
        self.csi(&format!("22;23;25;27;28;29;39;49;55{}m", flags_and_colours(pen)));
        self.csi(if pen.bg & PROTECTED == 0 { "0\"q" } else { "1\"q" });
        self.pen = pen;
        true
    }

    /// Everything but the link, from nothing.
    fn graphic_rendition(&mut self, pen: Pen, ext: &Ext) {
        let mut text = format!("0{}", flags_and_colours(pen));
        match ext.style {
            0 => {}
            1 => text.push_str(";4"),
            style => text.push_str(&format!(";4:{style}")),
        }
        text.push_str(&colour(ext.colour, 0, 58));
        text.push('m');
        self.csi(&text);
        if pen.bg & PROTECTED != 0 {
            self.csi("1\"q");
        }
    }

    fn set_link(&mut self, link: Option<&Link>) {
        if self.ext.link.as_deref() == link {
            return;
        }
        self.say_link(link);
        self.ext.link = link.map(|link| Link { id: link.id.clone(), uri: link.uri.clone() }.into());
    }

    fn say_link(&mut self, link: Option<&Link>) {
        match link {
            None => self.say("\x1B]8;;\x1B\\"),
            Some(Link { id, uri }) => {
                let id = id.as_ref().map_or(String::new(), |id| format!("id={id}"));
                self.say(&format!("\x1B]8;{id};{uri}\x1B\\"));
            }
        }
    }
}

fn is_plain(pen: Pen, ext: &Ext) -> bool {
    (pen.bg & EXTENDED != 0) != ext.is_empty() && (pen.fg & UNDERLINE != 0) == (ext.style != 0)
}

/// What SGR can say without touching underlines.
fn flags_and_colours(pen: Pen) -> String {
    let flags = [
        (pen.fg & BOLD, ";1"),
        (pen.bg & DIM, ";2"),
        (pen.bg & ITALIC, ";3"),
        (pen.fg & BLINK, ";5"),
        (pen.fg & INVERSE, ";7"),
        (pen.fg & INVISIBLE, ";8"),
        (pen.fg & STRIKETHROUGH, ";9"),
        (pen.bg & OVERLINE, ";53"),
    ];
    let mut text: String = flags.iter().filter(|(flag, _)| *flag != 0).map(|(_, number)| *number).collect();
    text.push_str(&colour(pen.fg, 30, 38));
    text.push_str(&colour(pen.bg, 40, 48));
    text
}

/// A colour's parameters: its base for the first eight colours, and its number for all others.
fn colour(attributes: u32, base: u32, number: u32) -> String {
    let value = attributes & COLOUR & !COLOUR_MODE;
    match attributes & COLOUR_MODE {
        PALETTE_16 if value < 8 => format!(";{}", base + value),
        PALETTE_16 => format!(";{}", base + 60 + (value & 7)),
        PALETTE_256 => format!(";{number};5;{value}"),
        RGB => format!(";{number};2;{};{};{}", value >> 16, value >> 8 & 0xFF, value & 0xFF),
        _ => String::new(),
    }
}
