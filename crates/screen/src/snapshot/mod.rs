//! A terminal's state as the escape sequences that make it on an xterm.js that was just reset.
//!
//! Reads a terminal and changes nothing. Never says anything that a terminal would answer.

mod pen;
mod rows;
mod state;

use crate::{
    cell::Pen,
    charset::Charsets,
    graphemes::{Graphemes, Join},
    history::LINES,
    line::Line,
    parser::Parser,
    pool::{Ext, Pool},
    terminal::Terminal,
};

/// The longest snapshot. What does not fit goes in this order: history, attributes, characters.
const MOST_BYTES: usize = 4 << 20;

/// What is left out of a snapshot that would be too long.
#[derive(Clone, Copy, Debug)]
struct Detail {
    history: usize,
    attributes: bool,
    lines: bool,
}

/// From all to nothing but the state.
const DETAILS: [Detail; 5] = [
    Detail { history: LINES, attributes: true, lines: true },
    Detail { history: LINES / 4, attributes: true, lines: true },
    Detail { history: 0, attributes: true, lines: true },
    Detail { history: 0, attributes: false, lines: true },
    Detail { history: 0, attributes: false, lines: false },
];

/// Writes a snapshot.
pub(crate) fn snapshot(terminal: &mut Terminal, parser: &Parser) -> Vec<u8> {
    let mut bytes = Vec::new();
    for detail in DETAILS {
        let history = unpack_history(terminal, detail.history);
        bytes = Writer::new(terminal, detail).write(&history, parser);
        if bytes.len() <= MOST_BYTES {
            break;
        }
    }
    bytes
}

fn unpack_history(terminal: &mut Terminal, most: usize) -> Vec<Line> {
    let Some(history) = &terminal.primary.history else { return Vec::new() };
    let lines = history.iter().rev().take(most).map(|line| line.unpack(terminal.cols, &mut terminal.pool));
    let mut lines: Vec<Line> = lines.collect();
    lines.reverse();
    lines
}

/// What is written, and what the terminal that reads it has come to.
struct Writer<'a> {
    out: Vec<u8>,
    terminal: &'a Terminal,
    pool: &'a Pool,
    detail: Detail,
    graphemes: Graphemes,
    /// The reader's column; as many as there are columns: the next character wraps.
    x: usize,
    pen: Pen,
    ext: Ext,
    join: Option<Join>,
    charsets: Charsets,
    /// Whether DECSC may be used on the way.
    may_save: bool,
    /// Whether it was.
    has_saved: bool,
    /// Whether the cursor that is to be saved is already.
    is_saved: bool,
}

impl<'a> Writer<'a> {
    fn new(terminal: &'a Terminal, detail: Detail) -> Self {
        Self {
            out: Vec::new(),
            terminal,
            pool: &terminal.pool,
            detail,
            graphemes: Graphemes::default(),
            x: 0,
            pen: Pen::default(),
            ext: Ext::default(),
            join: None,
            charsets: Charsets::default(),
            may_save: true,
            has_saved: false,
            is_saved: false,
        }
    }

    fn write(mut self, history: &[Line], parser: &Parser) -> Vec<u8> {
        self.clean_up();
        let is_first = self.alternate_is_first();
        if is_first {
            self.hidden_alternate();
        }
        let primary = &self.terminal.primary;
        self.tab_stops(primary);
        let lines = || history.iter().chain(&primary.lines);
        // Odd pens need the saved cursor themselves.
        let saved_in =
            self.saved_above(primary, history.len()).filter(|_| !lines().any(|line| self.is_odd(line)));
        self.lines(lines(), saved_in);
        self.screen_state(primary);
        if self.terminal.on_alternate {
            self.enter_alternate();
            let alternate = &self.terminal.alternate;
            self.tab_stops(alternate);
            self.lines(alternate.lines.iter(), None);
            self.is_saved = is_first;
            self.screen_state(alternate);
        } else if !is_first {
            self.hidden_alternate();
        }
        self.final_state();
        self.out.extend_from_slice(&parser.unfinished());
        self.out
    }

    /// An escape sequence, or anything else after which characters do not join.
    fn say(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.join = None;
    }

    /// A control sequence without its introducer.
    fn csi(&mut self, text: &str) {
        self.say("\x1B[");
        self.say(text);
    }

    /// To a column of the line that the cursor is in; not while margins are the origin.
    fn move_to_column(&mut self, column: usize) {
        if self.x != column {
            self.csi(&format!("{}G", column + 1));
            self.x = column;
        }
    }
}
