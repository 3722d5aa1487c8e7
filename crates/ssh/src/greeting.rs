//! What a server says in the clear, kept until the keys are exchanged: for sentences, should that fail.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::kexinit::{self, Opening};

/// How much is kept, in bytes: no packet that every implementation must take is larger.
const LIMIT: usize = 35_000;

/// The first bytes that came from a server; they outlive the connection.
#[derive(Clone, Default)]
pub(crate) struct Greeting(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    said: Vec<u8>,
    /// Nobody wants to know any more.
    over: bool,
}

impl Greeting {
    /// These bytes came.
    pub(crate) fn hear(&self, bytes: &[u8]) {
        let mut kept = self.0.lock();
        if !kept.over {
            let room = LIMIT.saturating_sub(kept.said.len());
            kept.said.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// What came first, if it is no greeting of SSH's: up to 256 bytes of it.
    pub(crate) fn of_another_protocol(&self) -> Option<Vec<u8>> {
        let kept = self.0.lock();
        let first = &kept.said[..kept.said.len().min(256)];
        let is_ssh = first.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"SSH-"));
        (!first.is_empty() && !is_ssh).then(|| first.to_vec())
    }

    /// What the server said of itself.
    pub(crate) fn opening(&self) -> Opening {
        kexinit::read(&self.0.lock().said)
    }

    /// The keys are there: forgets all and keeps nothing from now on.
    pub(crate) fn end(&self) {
        *self.0.lock() = Kept { said: Vec::new(), over: true };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_given_up_at_the_end() {
        let greeting = Greeting::default();
        for _ in 0..10 {
            greeting.hear(&[b'x'; 5_000]);
        }
        assert_eq!(greeting.0.lock().said.len(), LIMIT);
        assert_eq!(greeting.of_another_protocol().unwrap().len(), 256);
        greeting.end();
        greeting.hear(b"SSH-2.0-x\r\n");
        assert_eq!(greeting.opening(), Opening::default());
        assert_eq!(greeting.0.lock().said.capacity(), 0);
    }
}
