//! The screen mirror: what an xterm.js that was given the same bytes shows, kept beside the session.
//!
//! Must know nothing of sessions, sockets or time: bytes in, escape sequences out.

use bytes::Bytes;

/// A terminal's screen, its history and its modes.
#[derive(Debug)]
pub struct Screen {
    size: (u16, u16),
}

impl Screen {
    /// An empty screen.
    #[must_use]
    pub fn new(cols: u16, rows: u16) -> Self {
        Self { size: (cols, rows) }
    }

    /// Feeds output, in order.
    pub fn feed(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// The same as feeding each piece; what cannot show any more is skipped cheaply.
    pub fn feed_run(&mut self, pieces: &[Bytes]) {
        for piece in pieces {
            self.feed(piece);
        }
    }

    /// Changes the size as xterm.js does, long lines flowing anew.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        self.size = (cols, rows);
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        self.size
    }

    /// Escape sequences that make exactly this state on an xterm.js of this size that was just reset.
    pub fn snapshot(&mut self) -> Vec<u8> {
        Vec::new()
    }
}
