//! The screen mirror: what an xterm.js that was given the same bytes shows, kept beside a session, and
//! written down as escape sequences for one that was not.
//!
//! It must know nothing of sessions, sockets or time: bytes in, escape sequences out. The judge of what it
//! does is xterm.js, with the options and addons of `web/src/terminal.ts`.
//!
//! # What is not reproduced
//!
//! - History has 1,000 lines and 1 MiB, the page's 10,000 lines. A line that goes on from one that was
//!   dropped flows as if it began here. In xterm.js a saved cursor moves up with the text until the history
//!   is full: with a restored one it does so for longer.
//! - Links without an `id` that are the same become one; a link of several lines becomes one for each line.
//! - The history that xterm.js gives an alternate screen that got smaller while it was hidden.
//! - Cells beyond the right edge that an alternate screen keeps when it gets narrower.
//! - A wide character that wraps on an alternate screen of one row.
//! - A half of a wide character that was moved away from the other half, unless nothing is before it; the
//!   cursor beyond the last column of the alternate screen where nothing is in that column; a pen that DECRC
//!   has brought into contradiction with itself, if it was changed since or the cursor is there too. The
//!   nearest that can be written is.
//! - Tab stops beyond what is now the right edge, and a saved cursor below what is now the last line.
//! - What a combining character joins that comes right after a change of size.
//! - Where nothing wraps: what combines with a wide character that did not fit and was lost.
//! - A control between `CSI` and `?`, of which xterm.js makes this or that, as output happens to be cut.
//! - Icon names, which xterm.js keeps and never shows.
//! - What is bounded here and not there: 16 KiB of an OSC, 4 KiB of a title, 8 KiB of a link, 128 bytes of
//!   a cluster, 1 MiB of links and clusters on the screen, 16,384 repeats of one REP, 1000 columns, 500 rows.
//! - A snapshot has at most 4 MiB. One that would have more loses history first, then colours, then text.

mod buffer;
mod cell;
mod charset;
mod graphemes;
mod history;
mod line;
mod modes;
mod packed;
mod palette;
mod parser;
mod pool;
mod reflow;
mod skim;
mod snapshot;
mod tabs;
mod terminal;

use std::cell::RefCell;

use bytes::Bytes;
use parser::{Parser, Perform as _};
use terminal::Terminal;

/// The fewest columns that xterm.js has.
const LEAST_COLS: u16 = 2;
const MOST_COLS: u16 = 1000;
const MOST_ROWS: u16 = 500;
/// How far a run is fed before it is looked at again.
const STEP: usize = 64;

thread_local! {
    /// Where the pieces of a run are joined: once for a thread that feeds many screens, rather than
    /// once for each of them.
    static JOINED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A terminal's screen, its history and its modes.
#[derive(Debug)]
pub struct Screen {
    parser: Parser,
    terminal: Terminal,
}

impl Screen {
    /// An empty screen. It has 2 to 1000 columns and 1 to 500 rows, whatever is asked for.
    #[must_use]
    pub fn new(cols: u16, rows: u16) -> Self {
        let (cols, rows) = clamped(cols, rows);
        Self { parser: Parser::default(), terminal: Terminal::new(cols, rows) }
    }

    /// Feeds output, in order. It may be cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.parser.parse(bytes, &mut self.terminal);
    }

    /// The same as feeding each piece; what cannot show any more, neither on the screen nor in the history,
    /// is skipped cheaply.
    pub fn feed_run(&mut self, pieces: &[Bytes]) {
        self.skim_run(pieces, 0);
    }

    /// Feeds the beginning of a run and returns how long it was: at most `most_left` bytes at the end,
    /// which output after them may make as needless to print, are left for the next run.
    pub fn skim_run(&mut self, pieces: &[Bytes], most_left: usize) -> usize {
        match pieces {
            [only] => self.skim_whole_run(only, most_left),
            _ => JOINED.with_borrow_mut(|joined| {
                joined.clear();
                joined.reserve_exact(pieces.iter().map(Bytes::len).sum());
                pieces.iter().for_each(|piece| joined.extend_from_slice(piece));
                self.skim_whole_run(joined, most_left)
            }),
        }
    }

    fn skim_whole_run(&mut self, run: &[u8], most_left: usize) -> usize {
        let mut fed = 0;
        while fed < run.len() {
            let length = self.skim_some(&run[fed..], most_left);
            if length == 0 {
                break;
            }
            fed += length;
        }
        fed
    }

    /// Feeds the beginning of a run, or skips it; returns how much, 0 where the rest may be left.
    fn skim_some(&mut self, run: &[u8], most_left: usize) -> usize {
        if !self.parser.is_at_rest() || !self.terminal.only_scrolls() {
            let len = run.len().min(STEP);
            self.feed(&run[..len]);
            return len;
        }
        let simple = skim::simple(run);
        // With what is not simple, and a little more.
        let end = run.len().min(simple.len + STEP);
        let rows = self.terminal.rows;
        let keep = history::LINES + 2 * rows + 2;
        if let Some(cut) = skim::cut(run, simple, keep, rows) {
            for rendition in skim::renditions(&run[..cut]) {
                self.feed(rendition);
            }
            self.terminal.skip_text();
            return cut;
        }
        if end == run.len() && end <= most_left {
            return 0;
        }
        self.feed(&run[..end]);
        end
    }

    /// Changes the size as xterm.js does, long lines flowing anew.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        let (cols, rows) = clamped(cols, rows);
        self.terminal.end_print();
        self.terminal.resize(cols, rows);
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        let number = |size: usize| u16::try_from(size).unwrap_or(u16::MAX);
        (number(self.terminal.cols), number(self.terminal.rows))
    }

    /// Escape sequences that make exactly this state on an xterm.js of this size that was just reset, as of
    /// the last byte fed: an unfinished sequence or character is begun. At most 4 MiB.
    pub fn snapshot(&mut self) -> Vec<u8> {
        self.terminal.end_print();
        snapshot::snapshot(&mut self.terminal, &self.parser)
    }
}

fn clamped(cols: u16, rows: u16) -> (usize, usize) {
    (usize::from(cols.clamp(LEAST_COLS, MOST_COLS)), usize::from(rows.clamp(1, MOST_ROWS)))
}
