//! What the program says to whoever started it: plain lines, beside the logs.

use std::{
    fmt::Display,
    io::{self, Write},
};

/// A line on stdout; that nobody can read it changes nothing else.
pub(crate) fn say(line: impl Display) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// A line on stderr about why the program ends.
pub(crate) fn complain(error: &dyn Display) {
    let _ = writeln!(io::stderr(), "alfresco-ssh: {error}");
}

/// The system's words, without the number behind them.
pub(crate) fn cause(error: &io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or_default().to_lowercase()
}
