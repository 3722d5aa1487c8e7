//! Characters onto the screen: wrapping, wide ones, and those that join the cell before.

use super::Terminal;
use crate::{
    cell::{CLUSTER, CODE, CONTENT, Cell, WIDTH_SHIFT},
    charset,
    graphemes::Join,
};

/// Invisible, and ignored by xterm.js.
const SOFT_HYPHEN: u32 = 0xAD;

impl Terminal {
    /// The first character of a run takes a wide one's second half: its first goes too.
    fn go_on(&mut self) {
        if std::mem::replace(&mut self.is_printing, true) {
            return;
        }
        let null = Cell::null(self.pen);
        let buffer = self.buffer_mut();
        let (x, y) = (buffer.x, buffer.y);
        if let Some(line) = buffer.line(y)
            && x > 0
            && line.width(x - 1) == 2
        {
            line.set(x - 1, null);
        }
    }

    /// The last one took a wide one's first half: its second goes too.
    pub(super) fn end_printing(&mut self) {
        if std::mem::take(&mut self.is_printing) {
            let (null, cols) = (Cell::null(self.pen), self.cols);
            let buffer = self.buffer_mut();
            let (x, y) = (buffer.x, buffer.y);
            if let Some(line) = buffer.line(y)
                && x < cols
                && line.get(x).is_spacer()
            {
                line.set(x, null);
            }
        }
    }

    /// Printable ASCII: in one go where nothing is special.
    pub(super) fn put_ascii(&mut self, mut text: &[u8]) {
        if !Join::leaves_ascii_alone(self.join)
            || self.modes.insert
            || !self.modes.wraparound
            || self.charsets.active().is_some()
        {
            for byte in text {
                self.put(u32::from(*byte));
            }
            return;
        }
        self.go_on();
        let (cols, pen) = (self.cols, self.pen);
        while !text.is_empty() {
            if self.buffer().x >= cols {
                self.wrap();
                self.buffer_mut().x = 0;
            }
            let buffer = self.buffer_mut();
            let (x, y) = (buffer.x, buffer.y);
            let (now, later) = text.split_at(text.len().min(cols - x));
            if let Some(line) = buffer.line(y) {
                line.write(x, now, pen);
            }
            buffer.x += now.len();
            text = later;
        }
        self.join = Some(Join::ASCII);
    }

    /// To the next line, which goes on from this one.
    fn wrap(&mut self) {
        let rows = self.rows;
        let buffer = self.buffer_mut();
        buffer.y += 1;
        if buffer.y == buffer.bottom + 1 {
            buffer.y -= 1;
            self.scroll(true);
        } else {
            buffer.y = buffer.y.min(rows - 1);
            let y = buffer.y;
            buffer.set_wrapped(y, true);
        }
    }

    /// One character.
    pub(super) fn put(&mut self, mut code: u32) {
        self.go_on();
        if code == SOFT_HYPHEN {
            return;
        }
        if let (Some(name), Ok(ascii @ 0..=0x7E)) = (self.charsets.active(), u8::try_from(code)) {
            code = u32::from(charset::shown(name, ascii));
        }
        let placed = self.graphemes.place(code, self.join);
        let width = placed.width as usize;
        let old_width = if placed.joins { self.join.map_or(0, |join| join.width as usize) } else { 0 };
        self.join = Some(placed.join);

        let cols = self.cols;
        if self.buffer().x + width - old_width > cols {
            if self.modes.wraparound {
                self.wrap_for(old_width);
            } else {
                self.buffer_mut().x = cols - 1;
                if width == 2 {
                    return;
                }
            }
        }
        if placed.joins && self.buffer().x > 0 {
            self.join_before(code, placed.width, width - old_width);
        } else {
            self.place(code, placed.width, width - old_width);
        }
    }

    /// Wraps before a character that does not fit. One that has become too wide by what joined it is
    /// taken along, and what it leaves is cleared.
    fn wrap_for(&mut self, old_width: usize) {
        let (cols, null) = (self.cols, Cell::null(self.pen));
        let buffer = self.buffer_mut();
        let y = buffer.y;
        let left = buffer.x.saturating_sub(old_width);
        let Some(line) = buffer.line(y) else { return };
        let taken: [Cell; 2] = [line.get(left), line.get(left + 1)];
        // Before it is scrolled out of reach.
        for column in left..cols {
            line.set(column, null);
        }
        self.wrap();
        let buffer = self.buffer_mut();
        buffer.x = old_width;
        let y = buffer.y;
        if let Some(line) = buffer.line(y) {
            for (column, cell) in taken.into_iter().take(old_width).enumerate() {
                line.set(column, cell);
            }
        }
    }

    /// Adds a code point to the cell before the cursor.
    fn join_before(&mut self, code: u32, width: u32, wider: usize) {
        let spacer = Cell::new(0, 0, self.pen);
        let buffer = if self.on_alternate { &mut self.alternate } else { &mut self.primary };
        let (x, y) = (buffer.x, buffer.y);
        let Some(line) = buffer.lines.get_mut(y) else { return };
        let offset = if line.width(x - 1) > 0 { 1 } else { 2 };
        if let Some(at) = x.checked_sub(offset) {
            let cell = line.get(at);
            let text = match cell.cluster() {
                Some(id) => Some(self.pool.cluster(id).to_owned()),
                None => char::from_u32(cell.content & CODE).filter(|_| cell.has_content()).map(String::from),
            };
            let content = match (text, char::from_u32(code)) {
                (Some(mut text), Some(more)) => {
                    text.push(more);
                    self.pool.cluster_id(&text).map_or(cell.content & CONTENT, |id| id | CLUSTER)
                }
                _ => code,
            };
            line.set(at, Cell { content: content | width << WIDTH_SHIFT, ..cell });
        }
        for column in x..x + wider {
            line.set(column, spacer);
        }
        buffer.x += wider;
    }

    /// Writes a cell of its own.
    fn place(&mut self, code: u32, width: u32, inserted: usize) {
        let (pen, cols, insert) = (self.pen, self.cols, self.modes.insert);
        let null = Cell::null(pen);
        let buffer = self.buffer_mut();
        let (x, y) = (buffer.x, buffer.y);
        let Some(line) = buffer.line(y) else { return };
        if insert {
            line.insert(x, inserted, null);
            if line.width(cols - 1) == 2 {
                line.set(cols - 1, null);
            }
        }
        line.put(x, code, width, pen);
        buffer.x += width as usize;
    }
}
