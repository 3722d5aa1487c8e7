//! What the browser's side has for a session and the owner task has not taken yet.
//!
//! A mailbox instead of a queue of commands: input is one run of bytes and keeps its order, of
//! everything else only the newest counts, so its bound is one of bytes and posting never waits.
//! Whoever was attached before posts into nothing.

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use super::{asking::OpenQuestion, seat::Newcomer};
use crate::{reason::CloseReason, target::TermSize};

/// The most input that may wait for the target, in bytes: more ends the session.
pub const MAX_WAITING_INPUT: usize = 4 * 1024 * 1024;

/// Why input was not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InputRefused {
    /// [`MAX_WAITING_INPUT`] bytes wait already.
    #[error("more input waits than the target takes")]
    Full,
    /// It begins behind the end of what was taken.
    #[error("something is missing before this input")]
    Gap,
}

/// Which attachment posts: the first is 1, and every newcomer has the next number.
pub(crate) type Generation = u64;

#[derive(Default)]
pub(crate) struct Mailbox {
    mail: Mutex<Mail>,
    posted: Notify,
    /// What the person at the client is asked.
    pub(crate) question: OpenQuestion,
}

#[derive(Default)]
struct Mail {
    input: BytesMut,
    /// The offset behind all input that was taken.
    input_end: u64,
    /// Whose post counts.
    attached: Generation,
    post: Post,
}

/// What was posted besides input.
#[derive(Default)]
pub(crate) struct Post {
    pub(crate) newcomer: Option<Newcomer>,
    pub(crate) size: Option<TermSize>,
    pub(crate) acked: Option<u64>,
    /// The same for the screen that it began with.
    pub(crate) screen_acked: Option<u64>,
    /// The user is there.
    pub(crate) active: bool,
    /// The browser was told why the session is over.
    pub(crate) heard: bool,
    /// The browser's socket is gone.
    pub(crate) gone: bool,
    /// The gateway goes down at this time.
    pub(crate) drain: Option<Instant>,
    pub(crate) close: Option<CloseReason>,
}

impl Mailbox {
    /// Somebody takes the session: from now on its post counts, and nobody else's. Gives the one
    /// before that the session has not turned to.
    pub(crate) fn attach(&self, newcomer: Newcomer) -> (Generation, Option<Newcomer>) {
        let mut mail = self.mail.lock();
        mail.attached += 1;
        mail.post.acked = None;
        mail.post.screen_acked = None;
        mail.post.heard = false;
        mail.post.gone = false;
        let attached = (mail.attached, mail.post.newcomer.replace(newcomer));
        drop(mail);
        self.posted.notify_one();
        attached
    }

    /// The first attachment, which the owner task knows from its start.
    pub(crate) fn attach_first(&self) -> Generation {
        let mut mail = self.mail.lock();
        mail.attached += 1;
        mail.attached
    }

    /// Adds input behind what waits; what was taken before is dropped.
    pub(crate) fn input(
        &self,
        from: Generation,
        offset: Option<u64>,
        bytes: &[u8],
    ) -> Result<(), InputRefused> {
        let mut mail = self.mail.lock();
        if mail.attached != from {
            return Ok(());
        }
        let taken = mail.input_end.checked_sub(offset.unwrap_or(mail.input_end)).ok_or(InputRefused::Gap)?;
        let new = usize::try_from(taken).ok().and_then(|taken| bytes.get(taken..)).unwrap_or_default();
        if mail.input.len() + new.len() > MAX_WAITING_INPUT {
            mail.post.close.get_or_insert(CloseReason::InputOverflow);
            drop(mail);
            self.posted.notify_one();
            return Err(InputRefused::Full);
        }
        mail.input.extend_from_slice(new);
        mail.input_end += new.len() as u64;
        mail.post.active = true;
        drop(mail);
        self.posted.notify_one();
        Ok(())
    }

    /// Posts as an attachment does: it counts if nobody has come after it.
    pub(crate) fn post(&self, from: Generation, write: impl FnOnce(&mut Post)) {
        let mut mail = self.mail.lock();
        if mail.attached == from {
            write(&mut mail.post);
            drop(mail);
            self.posted.notify_one();
        }
    }

    /// The gateway goes down at this time.
    pub(crate) fn drain(&self, at: Instant) {
        self.mail.lock().post.drain = Some(at);
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

    /// Everything but input.
    pub(crate) fn take_post(&self) -> Post {
        std::mem::take(&mut self.mail.lock().post)
    }

    /// The reason to close and whether the browser is gone; everything else stays for later.
    pub(crate) fn take_end(&self) -> Option<CloseReason> {
        let mut mail = self.mail.lock();
        let gone = mail.post.gone.then_some(CloseReason::BrowserGone);
        mail.post.close.take().or(gone)
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

    /// The offset behind all input that was taken.
    pub(crate) fn input_end(&self) -> u64 {
        self.mail.lock().input_end
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn input_keeps_its_order_over_any_takes() {
        let mailbox = Mailbox::default();
        let me = mailbox.attach_first();
        let mut taken = Vec::new();
        for number in 0..1000_u32 {
            mailbox.input(me, None, format!("{number},").as_bytes()).unwrap();
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
        let me = mailbox.attach_first();
        mailbox.input(me, None, &vec![b'x'; MAX_WAITING_INPUT - 1]).unwrap();
        assert_eq!(mailbox.input(me, None, b"yz"), Err(InputRefused::Full));
        mailbox.input(me, None, b"y").unwrap();
        assert_eq!(mailbox.take_input(usize::MAX).unwrap().len(), MAX_WAITING_INPUT);
        assert_eq!(mailbox.take_input(usize::MAX), None);
        assert_eq!(mailbox.take_post().close, Some(CloseReason::InputOverflow));
    }

    #[test]
    fn a_gap_is_refused_and_changes_nothing() {
        let mailbox = Mailbox::default();
        let me = mailbox.attach_first();
        mailbox.input(me, Some(0), b"abc").unwrap();
        assert_eq!(mailbox.input(me, Some(4), b"e"), Err(InputRefused::Gap));
        assert_eq!(mailbox.input_end(), 3);
        assert_eq!(mailbox.take_post().close, None);
    }

    #[test]
    fn only_whoever_is_attached_counts() {
        let mailbox = Mailbox::default();
        let before = mailbox.attach_first();
        mailbox.post(before, |post| post.size = Some(TermSize::clamped(10, 10)));
        let now = mailbox.attach_first();
        mailbox.input(before, None, b"late").unwrap();
        mailbox.post(before, |post| post.gone = true);
        mailbox.post(now, |post| post.acked = Some(7));
        let post = mailbox.take_post();
        assert_eq!(mailbox.take_input(64), None);
        assert_eq!((post.size, post.gone, post.acked), (Some(TermSize::clamped(10, 10)), false, Some(7)));
    }

    proptest! {
        /// A browser that sends again whatever was not acknowledged: every byte arrives once.
        #[test]
        fn what_is_sent_again_arrives_once(
            pieces in prop::collection::vec((1_usize..50, 0_usize..200), 1..60)
        ) {
            let mailbox = Mailbox::default();
            let me = mailbox.attach_first();
            let mut typed: Vec<u8> = Vec::new();
            for (length, again) in pieces {
                let from = typed.len().saturating_sub(again);
                let end = typed.len();
                typed.extend((end..end + length).map(|offset| offset as u8));
                mailbox.input(me, Some(from as u64), &typed[from..]).unwrap();
            }
            prop_assert_eq!(mailbox.take_input(usize::MAX).unwrap().to_vec(), typed);
        }
    }
}
