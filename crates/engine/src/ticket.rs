//! Tickets: single-use rights to start one session. (stub)

use std::fmt;

use uuid::Uuid;

/// A right to start one session once: a UUIDv4. It prints nothing of itself to logs.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Ticket(Uuid);

impl Ticket {
    /// Reads a ticket; `None` for what is not a UUID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// The text to hand to the caller, and to nobody else.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}
