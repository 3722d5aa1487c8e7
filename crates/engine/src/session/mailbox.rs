//! What the browser's side has for a session and the owner task has not taken yet.
//!
//! A mailbox instead of a queue of commands: input is one run of bytes and keeps its order, of
//! sizes and acknowledgements only the newest counts, so its bound is one of bytes and posting
//! never waits.

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{reason::CloseReason, target::TermSize};

/// The most input that may wait for the target, in bytes: more ends the session.
pub const MAX_WAITING_INPUT: usize = 4 * 1024 * 1024;

/// The session takes no more input.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("more input waits than the target takes")]
pub struct InputFull;

#[derive(Default)]
pub(crate) struct Mailbox {
    mail: Mutex<Mail>,
    posted: Notify,
}

#[derive(Default)]
struct Mail {
    input: BytesMut,
    size: Option<TermSize>,
    acked: Option<u64>,
    close: Option<CloseReason>,
}

impl Mailbox {
    /// Adds input behind what waits.
    pub(crate) fn input(&self, bytes: &[u8]) -> Result<(), InputFull> {
        let mut mail = self.mail.lock();
        if mail.input.len() + bytes.len() > MAX_WAITING_INPUT {
            return Err(InputFull);
        }
        mail.input.extend_from_slice(bytes);
        drop(mail);
        self.posted.notify_one();
        Ok(())
    }

    /// The terminal has this size now.
    pub(crate) fn size(&self, size: TermSize) {
        self.mail.lock().size = Some(size);
        self.posted.notify_one();
    }

    /// All output before `offset` was processed.
    pub(crate) fn ack(&self, offset: u64) {
        let mut mail = self.mail.lock();
        mail.acked = mail.acked.max(Some(offset));
        drop(mail);
        self.posted.notify_one();
    }

    /// The session shall end; the first reason stands.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.mail.lock().close.get_or_insert(reason);
        self.posted.notify_one();
    }

    /// Nothing was posted, but there is reason to look again.
    pub(crate) fn wake(&self) {
        self.posted.notify_one();
    }

    /// Resolves when something was posted since it resolved last.
    pub(crate) async fn posted(&self) {
        self.posted.notified().await;
    }

    /// At most `limit` bytes of the input that waits.
    pub(crate) fn take_input(&self, limit: usize) -> Option<Bytes> {
        let mut mail = self.mail.lock();
        if mail.input.len() > limit {
            return Some(mail.input.split_to(limit).freeze());
        }
        // Taken whole, so that an idle session keeps no buffer.
        Some(std::mem::take(&mut mail.input).freeze()).filter(|input| !input.is_empty())
    }

    pub(crate) fn take_size(&self) -> Option<TermSize> {
        self.mail.lock().size.take()
    }

    pub(crate) fn take_ack(&self) -> Option<u64> {
        self.mail.lock().acked.take()
    }

    pub(crate) fn take_close(&self) -> Option<CloseReason> {
        self.mail.lock().close.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_keeps_its_order_over_any_takes() {
        let mailbox = Mailbox::default();
        let mut taken = Vec::new();
        for number in 0..1000_u32 {
            mailbox.input(format!("{number},").as_bytes()).unwrap();
            if number % 7 == 0 {
                taken.extend(mailbox.take_input(5).unwrap());
            }
        }
        while let Some(bytes) = mailbox.take_input(64) {
            taken.extend(bytes);
        }
        let expected: String = (0..1000).map(|number| format!("{number},")).collect();
        assert_eq!(String::from_utf8(taken).unwrap(), expected);
    }

    #[test]
    fn its_bound_is_exact_and_a_refused_piece_leaves_nothing() {
        let mailbox = Mailbox::default();
        mailbox.input(&vec![b'x'; MAX_WAITING_INPUT - 1]).unwrap();
        assert_eq!(mailbox.input(b"yz"), Err(InputFull));
        mailbox.input(b"y").unwrap();
        assert_eq!(mailbox.take_input(usize::MAX).unwrap().len(), MAX_WAITING_INPUT);
        assert_eq!(mailbox.take_input(usize::MAX), None);
    }

    #[test]
    fn the_newest_size_and_ack_and_the_first_reason_count() {
        let mailbox = Mailbox::default();
        mailbox.size(TermSize::clamped(10, 10));
        mailbox.size(TermSize::clamped(20, 20));
        mailbox.ack(7);
        mailbox.ack(5);
        mailbox.close(CloseReason::TimedOut);
        mailbox.close(CloseReason::Shutdown);
        assert_eq!(mailbox.take_size(), Some(TermSize::clamped(20, 20)));
        assert_eq!(mailbox.take_ack(), Some(7));
        assert_eq!(mailbox.take_close(), Some(CloseReason::TimedOut));
    }
}
