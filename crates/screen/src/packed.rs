//! A line of history in few bytes: about one for each character of plain text.
//!
//! Stands on its own: clusters and links are in it, not in the pool, so that the pool need not know the
//! history. The marks below are C0 controls, which no cell can hold; all other bytes are UTF-8 of cells.

use std::sync::Arc;

use crate::{
    cell::{CLUSTER, CODE, Cell, EXTENDED, Pen, WIDTH_SHIFT},
    line::Line,
    pool::{Ext, Link, Pool},
};

/// `count`: null cells.
const NULLS: u8 = 0;
/// `fg bg`, and `style colour link` if `bg` is extended: the pen from here on.
const PEN: u8 = 1;
/// `content`: a cell that nothing else says.
const CELL: u8 = 2;
/// UTF-8 of one code point, two columns wide; its second half follows by itself.
const WIDE: u8 = 3;
/// `width length`, and so many bytes of UTF-8.
const CLUSTERED: u8 = 4;

/// A line that is not on the screen any more.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    bytes: Box<[u8]>,
    links: Option<Box<[Arc<Link>]>>,
    pub(crate) wrapped: bool,
}

impl Packed {
    /// Packs a line.
    pub(crate) fn new(line: &Line, pool: &Pool, room: &mut Vec<u8>) -> Self {
        room.clear();
        let mut packer = Packer { out: room, pool, links: Vec::new(), pen: Pen::default() };
        packer.cells(&line.cells());
        let links = (!packer.links.is_empty()).then(|| packer.links.into_boxed_slice());
        Self { bytes: room.as_slice().into(), links, wrapped: line.wrapped }
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let links = self.links.iter().flatten().map(|link| link.bytes()).sum::<usize>();
        size_of::<Self>() + 16 + self.bytes.len() + links
    }

    /// The line again, `len` cells long.
    pub(crate) fn unpack(&self, len: usize, pool: &mut Pool) -> Line {
        let mut line = Line::blank(len, Pen::default(), self.wrapped);
        let mut reader = Reader { rest: &self.bytes };
        let mut pen = Pen::default();
        let mut at = 0;
        while let Some(mark) = reader.byte() {
            match mark {
                NULLS => {
                    for _ in 0..reader.number() {
                        line.set(at, Cell::null(pen));
                        at += 1;
                    }
                }
                PEN => pen = self.pen(&mut reader, pool),
                CELL => {
                    line.set(at, Cell { content: reader.number(), ..Cell::null(pen) });
                    at += 1;
                }
                WIDE => {
                    let first = reader.byte().unwrap_or(b' ');
                    line.set(at, Cell::new(reader.code(first), 2, pen));
                    line.set(at + 1, Cell::new(0, 0, pen));
                    at += 2;
                }
                CLUSTERED => {
                    let width = reader.number();
                    let text = reader.text();
                    let content = match pool.cluster_id(text) {
                        Some(id) => CLUSTER | id,
                        None => text.chars().next().map_or(0, u32::from),
                    };
                    line.set(at, Cell { content: content | width << WIDTH_SHIFT, ..Cell::null(pen) });
                    at += 1;
                }
                first => {
                    line.set(at, Cell::new(reader.code(first), 1, pen));
                    at += 1;
                }
            }
        }
        line
    }

    fn pen(&self, reader: &mut Reader<'_>, pool: &mut Pool) -> Pen {
        let (fg, bg) = (reader.number(), reader.number());
        if bg & EXTENDED == 0 {
            return Pen { fg, bg, ext: 0 };
        }
        let style = reader.byte().unwrap_or(0);
        let colour = reader.number();
        let link = (reader.number() as usize).checked_sub(1);
        let link = link.and_then(|index| self.links.as_ref()?.get(index).cloned());
        Pen { fg, bg, ext: pool.ext_id(&Ext { style, colour, link }) }
    }
}

struct Packer<'a> {
    out: &'a mut Vec<u8>,
    pool: &'a Pool,
    links: Vec<Arc<Link>>,
    pen: Pen,
}

impl Packer<'_> {
    fn cells(&mut self, cells: &[Cell]) {
        let mut at = 0;
        while let Some(cell) = cells.get(at) {
            if cell.pen() != self.pen {
                self.change_pen(cell.pen());
            }
            let plain = self.plain(&cells[at..]);
            at += if plain > 0 { plain } else { self.cell(*cell, &cells[at..]) };
        }
    }

    /// Packs narrow ASCII in the same colours, as most cells are; returns how many.
    fn plain(&mut self, cells: &[Cell]) -> usize {
        let pen = self.pen;
        let ascii = |cell: &Cell| {
            let byte = cell.content.wrapping_sub(1 << WIDTH_SHIFT);
            (cell.pen() == pen && (0x20..0x7F).contains(&byte)).then_some(byte as u8)
        };
        let before = self.out.len();
        self.out.extend(cells.iter().map_while(ascii));
        self.out.len() - before
    }

    /// Packs the first of these cells, and what goes with it; returns how many it was.
    fn cell(&mut self, cell: Cell, cells: &[Cell]) -> usize {
        if let Some(id) = cell.cluster() {
            let text = self.pool.cluster(id);
            self.out.push(CLUSTERED);
            self.number(cell.width());
            self.number(u32::try_from(text.len()).unwrap_or(0));
            self.out.extend_from_slice(text.as_bytes());
            return 1;
        }
        match (char::from_u32(cell.content & CODE), cell.width()) {
            (Some(shown @ ' '..), 1) => self.character(shown),
            (Some(shown @ ' '..), 2) if cells.get(1) == Some(&Cell::new(0, 0, self.pen)) => {
                self.out.push(WIDE);
                self.character(shown);
                return 2;
            }
            (Some('\0'), 1) => {
                let count = cells.iter().take_while(|next| **next == cell).count();
                self.out.push(NULLS);
                self.number(u32::try_from(count).unwrap_or(0));
                return count;
            }
            _ => {
                self.out.push(CELL);
                self.number(cell.content);
            }
        }
        1
    }

    fn character(&mut self, shown: char) {
        if shown.is_ascii() {
            self.out.push(shown as u8);
        } else {
            self.out.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn change_pen(&mut self, pen: Pen) {
        self.pen = pen;
        self.out.push(PEN);
        self.number(pen.fg);
        self.number(pen.bg);
        if pen.bg & EXTENDED == 0 {
            return;
        }
        let ext = self.pool.ext(pen.ext);
        self.out.push(ext.style);
        self.number(ext.colour);
        let index = ext.link.map_or(0, |link| {
            let known = self.links.iter().position(|known| Arc::ptr_eq(known, &link));
            known.unwrap_or_else(|| {
                self.links.push(link);
                self.links.len() - 1
            }) + 1
        });
        self.number(u32::try_from(index).unwrap_or(0));
    }

    /// Seven bits a byte, the low ones first.
    fn number(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn number(&mut self) -> u32 {
        let mut number = 0;
        let mut shift = 0;
        while let Some(byte) = self.byte() {
            number |= u32::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                break;
            }
            shift += 7;
        }
        number
    }

    fn text(&mut self) -> &'a str {
        let length = (self.number() as usize).min(self.rest.len());
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        str::from_utf8(text).unwrap_or("")
    }

    /// The code point whose first byte was read.
    fn code(&mut self, first: u8) -> u32 {
        let (more, mut code) = match first {
            0..=0x7F => return u32::from(first),
            0x80..=0xDF => (1, u32::from(first & 0x1F)),
            0xE0..=0xEF => (2, u32::from(first & 0x0F)),
            _ => (3, u32::from(first & 0x07)),
        };
        for _ in 0..more {
            code = code << 6 | u32::from(self.byte().unwrap_or(0) & 0x3F);
        }
        code
    }
}
