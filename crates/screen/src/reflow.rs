//! A change of size, with long lines flowing anew, in the order in which xterm.js does it.
//!
//! Exact for the lines that are kept. The page has up to ten times as many; a line that goes on from one
//! that was dropped here flows as if it began here.

use crate::{
    buffer::Buffer,
    cell::{Cell, Pen},
    history::{History, PAGE_LINES},
    line::Line,
    pool::Pool,
};

/// A screen and its history as one list of lines, while its size changes.
struct Resizing {
    lines: Vec<Line>,
    /// Lines of the page before the first in `lines`.
    dropped: usize,
    /// The first line on the screen.
    base: usize,
    y: usize,
    /// Counted from the first in `lines`; before it, negative.
    saved_y: isize,
    old_cols: usize,
    cols: usize,
    rows: usize,
    has_history: bool,
    /// Lines at the end that are gone. As in xterm.js, those that are on their way to be flowed still are.
    popped: usize,
}

/// Changes the size of a screen.
pub(crate) fn resize(buffer: &mut Buffer, old: (usize, usize), new: (usize, usize), pool: &mut Pool) {
    let (cols, rows) = new;
    if !buffer.lines.is_empty() {
        let mut resizing = Resizing::begin(buffer, old, new, pool);
        if old.0 < cols {
            resizing.set_len_of_all();
        }
        resizing.change_rows(old.1);
        buffer.x = buffer.x.min(cols - 1);
        buffer.saved.x = buffer.saved.x.min(cols - 1);
        if resizing.has_history {
            if old.0 < cols {
                resizing.widen();
            } else if old.0 > cols {
                resizing.narrow();
                resizing.set_len_of_all();
            }
        }
        resizing.end(buffer, pool);
    }
    buffer.top = 0;
    buffer.bottom = rows - 1;
}

impl Resizing {
    fn begin(buffer: &mut Buffer, old: (usize, usize), new: (usize, usize), pool: &mut Pool) -> Self {
        let dropped = buffer.history.as_ref().map_or(0, History::dropped);
        let mut lines = buffer.history.as_mut().map_or_else(Vec::new, |history| history.take(old.0, pool));
        let base = lines.len();
        lines.extend(buffer.lines.drain(..));
        Self {
            lines,
            dropped,
            base,
            y: buffer.y,
            saved_y: buffer.saved.page_y.cast_signed() - dropped.cast_signed(),
            old_cols: old.0,
            cols: new.0,
            rows: new.1,
            has_history: buffer.history.is_some(),
            popped: 0,
        }
    }

    fn end(mut self, buffer: &mut Buffer, pool: &Pool) {
        let last = self.lines.len().saturating_sub(self.base + 1);
        buffer.y = self.y.min(last);
        let mut screen = self.lines.split_off(self.base.min(self.lines.len()));
        screen.resize_with(self.rows, || Line::blank(self.cols, Pen::default(), false));
        buffer.lines = screen.into();
        buffer.saved.page_y = (self.saved_y + self.dropped.cast_signed()).max(0).cast_unsigned();
        if let Some(history) = &mut buffer.history {
            history.set_dropped(self.dropped);
            for line in &self.lines {
                history.push(line, pool);
            }
        }
    }

    fn set_len_of_all(&mut self) {
        for line in &mut self.lines {
            line.resize(self.cols);
        }
    }

    fn len(&self) -> usize {
        self.lines.len().saturating_sub(self.popped)
    }

    /// The most lines there may be.
    fn limit(&self) -> usize {
        let history = if self.has_history { PAGE_LINES } else { 0 };
        (self.rows + history).saturating_sub(self.dropped)
    }

    fn blank(&self, wrapped: bool) -> Line {
        Line::blank(self.cols, Pen::default(), wrapped)
    }

    fn change_rows(&mut self, old_rows: usize) {
        let mut gained = 0;
        for _ in old_rows..self.rows {
            if self.lines.len() >= self.rows + self.base {
                continue;
            }
            if self.base > 0 && self.lines.len() <= self.base + self.y + gained + 1 {
                self.base -= 1;
                gained += 1;
            } else {
                self.lines.push(self.blank(false));
            }
        }
        for _ in self.rows..old_rows {
            if self.lines.len() > self.rows + self.base {
                if self.lines.len() > self.base + self.y + 1 {
                    self.lines.pop();
                } else {
                    self.base += 1;
                }
            }
        }
        self.trim(self.lines.len().saturating_sub(self.limit()));
        self.y = self.y.min(self.rows - 1) + gained;
    }

    /// Drops lines at the beginning, those first that only the page has.
    fn trim(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        let far = count.min(self.dropped);
        let near = (count - far).min(self.lines.len());
        self.dropped -= far;
        self.lines.drain(..near);
        self.base = self.base.saturating_sub(near);
        let zero = -self.dropped.cast_signed();
        self.saved_y = (self.saved_y - near.cast_signed()).max(zero);
    }

    /// The lines from `first` on that are one.
    fn group_end(&self, first: usize) -> usize {
        let more = self.lines[first + 1..].iter().take_while(|line| line.wrapped).count();
        first + 1 + more
    }

    /// The line with the cursor stays: its program draws it again.
    fn has_cursor(&self, first: usize, end: usize) -> bool {
        (first..end).contains(&(self.base + self.y))
    }

    fn widen(&mut self) {
        let mut removed = vec![false; self.lines.len()];
        let mut first = 0;
        while first + 1 < self.lines.len() {
            let end = self.group_end(first);
            if end > first + 1 && !self.has_cursor(first, end) {
                let keep = self.join(first, end);
                removed[first + keep..end].fill(true);
            }
            first = end;
        }
        let count = removed.iter().filter(|removed| **removed).count();
        let mut removed = removed.into_iter();
        self.lines.retain(|_| !removed.next().unwrap_or(false));
        for _ in 0..count {
            if self.base > 0 {
                self.base -= 1;
                continue;
            }
            self.y = self.y.saturating_sub(1);
            if self.lines.len() < self.rows {
                self.lines.push(self.blank(false));
            }
        }
        let zero = -self.dropped.cast_signed();
        self.saved_y = (self.saved_y - count.cast_signed()).max(zero);
    }

    /// Moves the cells of wrapped lines forward; returns how many lines are still needed.
    fn join(&mut self, first: usize, end: usize) -> usize {
        let old_cols = self.old_cols;
        let cols = self.cols;
        let group = &mut self.lines[first..end];
        let (mut to, mut to_col) = (0, flowing_len(group, 0, old_cols));
        let (mut from, mut from_col) = (1, 0);
        while from < group.len() {
            let from_len = flowing_len(group, from, old_cols);
            let count = from_len.saturating_sub(from_col).min(cols - to_col);
            copy(group, (from, from_col), (to, to_col), count);
            to_col += count;
            if to_col == cols {
                to += 1;
                to_col = 0;
            }
            from_col += count;
            if from_col >= from_len {
                from += 1;
                from_col = 0;
            }
            if to_col == 0 && to != 0 && to < group.len() && group[to - 1].width(cols - 1) == 2 {
                copy(group, (to - 1, cols - 1), (to, 0), 1);
                to_col = 1;
                group[to - 1].set(cols - 1, Cell::NULL);
            }
        }
        if let Some(line) = group.get_mut(to) {
            line.replace(to_col, cols, Cell::NULL);
        }
        let mut keep = group.len();
        while keep > 1 && (keep - 1 > to || group[keep - 1].trimmed_len() == 0) {
            keep -= 1;
        }
        keep
    }

    fn narrow(&mut self) {
        // Pairs of a line and what comes after it, from the bottom up.
        let mut inserts: Vec<(usize, Vec<Line>)> = Vec::new();
        let mut inserted = 0;
        let mut y = self.lines.len();
        while y > 0 {
            y -= 1;
            if !self.lines[y].wrapped && self.lines[y].trimmed_len() <= self.cols {
                continue;
            }
            let end = y + 1;
            while self.lines[y].wrapped && y > 0 {
                y -= 1;
            }
            if self.has_cursor(y, end) {
                continue;
            }
            let (new_lines, added) = self.split(y, end);
            let is_first = self.base == 0 && self.y + 1 != self.len();
            let before = if is_first { self.y } else { self.len() };
            let trimmed = (before + added.max(0).cast_unsigned()).saturating_sub(self.limit());
            inserted += new_lines.len();
            if !new_lines.is_empty() {
                inserts.push((end - 1, new_lines));
            }
            self.make_room(added - trimmed.cast_signed(), inserted);
            let lowest = (self.base + self.rows).cast_signed() - 1;
            self.saved_y = (self.saved_y + added).min(lowest);
        }
        self.insert(inserts);
    }

    /// Moves the screen down over lines that were added above.
    fn make_room(&mut self, count: isize, inserted: usize) {
        for _ in 0..count.max(0) {
            if self.base > 0 {
                let most = self.limit().min(self.len() + inserted).saturating_sub(self.rows);
                if self.base < most {
                    self.base += 1;
                }
            } else if self.y + 1 < self.rows {
                self.y += 1;
                self.popped += 1;
            } else {
                self.base += 1;
            }
        }
    }

    /// Flows wrapped lines into narrower ones; returns those that come after them, and how many more
    /// there are now than before.
    fn split(&mut self, first: usize, end: usize) -> (Vec<Line>, isize) {
        let mut group: Vec<Line> = self.lines[first..end].iter_mut().map(std::mem::take).collect();
        let count = group.len();
        let last_len = group[count - 1].trimmed_len();
        let lengths = new_lengths(&group, self.old_cols, self.cols);
        let added = lengths.len().cast_signed() - count.cast_signed();
        group.resize_with(count.max(lengths.len()), || self.blank(true));
        if !lengths.is_empty() {
            move_back(&mut group, count, last_len, &lengths, self.old_cols);
        }
        for (line, length) in group.iter_mut().zip(&lengths) {
            if *length < self.cols {
                line.set(*length, Cell::NULL);
            }
        }
        let new_lines = group.split_off(count);
        for (place, line) in self.lines[first..end].iter_mut().zip(group) {
            *place = line;
        }
        (new_lines, added)
    }

    fn insert(&mut self, inserts: Vec<(usize, Vec<Line>)>) {
        self.lines.truncate(self.len());
        if inserts.is_empty() {
            return;
        }
        let count: usize = inserts.iter().map(|(_, lines)| lines.len()).sum();
        let mut from_bottom: Vec<Line> = Vec::with_capacity(self.lines.len() + count);
        let mut inserts = inserts.into_iter().peekable();
        let old = std::mem::take(&mut self.lines);
        for (index, line) in old.into_iter().enumerate().rev() {
            while let Some((_, lines)) = inserts.next_if(|(after, _)| *after >= index) {
                from_bottom.extend(lines.into_iter().rev());
            }
            from_bottom.push(line);
        }
        from_bottom.reverse();
        self.lines = from_bottom;
        // The base was moved for the lines that stay.
        let over = self.lines.len().saturating_sub(self.limit());
        let far = over.min(self.dropped);
        self.dropped -= far;
        self.lines.drain(..over - far);
    }
}

/// How many cells of one of several wrapped lines flow on.
fn flowing_len(group: &[Line], index: usize, cols: usize) -> usize {
    let line = &group[index];
    let Some(next) = group.get(index + 1) else { return line.trimmed_len() };
    let last = line.get(cols - 1);
    let ends_in_null = !last.has_content() && last.width() == 1;
    if ends_in_null && next.width(0) == 2 { cols - 1 } else { cols }
}

/// The lengths of the lines that a wrapped line needs on a narrower screen.
fn new_lengths(group: &[Line], old_cols: usize, cols: usize) -> Vec<usize> {
    let needed: usize = (0..group.len()).map(|index| flowing_len(group, index, old_cols)).sum();
    let mut lengths = Vec::new();
    let (mut line, mut col, mut available) = (0, 0, 0);
    while available < needed {
        if needed - available < cols {
            lengths.push(needed - available);
            break;
        }
        col += cols;
        if line < group.len() {
            let length = flowing_len(group, line, old_cols);
            if col > length {
                col -= length;
                line += 1;
            }
        }
        let ends_wide = group.get(line).is_some_and(|line| line.width(col - 1) == 2);
        let length = if ends_wide { cols - 1 } else { cols };
        if ends_wide {
            col -= 1;
        }
        lengths.push(length);
        available += length;
    }
    lengths
}

/// Moves cells to where they belong, from the last to the first.
fn move_back(group: &mut [Line], count: usize, last_len: usize, lengths: &[usize], old_cols: usize) {
    let mut to = lengths.len();
    let mut to_col = 0;
    let (mut from, mut from_col) = (count - 1, last_len);
    loop {
        while to_col == 0 {
            let Some(before) = to.checked_sub(1) else { return };
            to = before;
            to_col = lengths[to];
        }
        let cells = from_col.min(to_col);
        // Backwards: from and to may be the same line.
        for cell in (0..cells).rev() {
            let moved = group[from].get(from_col - cells + cell);
            group[to].set(to_col - cells + cell, moved);
        }
        to_col -= cells;
        from_col -= cells;
        if from_col == 0 {
            let Some(before) = from.checked_sub(1) else { return };
            from = before;
            from_col = flowing_len(group, from, old_cols);
        }
    }
}

fn copy(group: &mut [Line], from: (usize, usize), to: (usize, usize), count: usize) {
    for cell in 0..count {
        let moved = group[from.0].get(from.1 + cell);
        if let Some(line) = group.get_mut(to.0) {
            line.set(to.1 + cell, moved);
        }
    }
}
