//! What a server saw of its clients, for tests to wait for and to compare.

use tokio::sync::watch;

/// The most entries that each list keeps: a demo may run for days.
const KEPT: usize = 10_000;

/// What a server saw since it started.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Connections that were accepted.
    pub connections: usize,
    /// Connections that are over.
    pub disconnections: usize,
    /// Logins, in order, right and wrong.
    pub logins: Vec<Attempt>,
    /// The last pty that was asked for.
    pub terminal: Option<Terminal>,
    /// Environment variables that were asked for.
    pub environment: Vec<(String, String)>,
    /// Sizes of window-change requests: columns, rows.
    pub window_changes: Vec<(u32, u32)>,
    /// Signals that were to be sent to a program, without `SIG`.
    pub signals: Vec<String>,
    /// Bytes of input that arrived.
    pub input_bytes: u64,
    /// Shells that are over.
    pub shells_ended: usize,
    /// Channels that this server tried to open, and whether the client let it.
    pub opened: Vec<(&'static str, bool)>,
}

/// One try to log in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// The method: `none`, `password` or `publickey`.
    pub method: &'static str,
    /// The account's name.
    pub username: String,
    /// Whether it was let in.
    pub accepted: bool,
}

/// A pty request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Terminal {
    /// `TERM`.
    pub term: String,
    /// Columns, in cells.
    pub cols: u32,
    /// Rows, in cells.
    pub rows: u32,
}

/// The writing side of a record.
#[derive(Clone)]
pub(crate) struct Recorder(watch::Sender<Record>);

impl Recorder {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Record::default()))
    }

    pub(crate) fn note(&self, change: impl FnOnce(&mut Record)) {
        self.0.send_modify(|record| {
            change(record);
            record.logins.truncate(KEPT);
            record.environment.truncate(KEPT);
            record.window_changes.truncate(KEPT);
            record.signals.truncate(KEPT);
        });
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Record> {
        self.0.subscribe()
    }
}
