//! One browser's hold on a session: what it can say to it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio_util::sync::CancellationToken;

use super::mailbox::{Generation, InputRefused, Mailbox};
use crate::{
    question::{Answer, AnswerRefused, Unanswered},
    reason::CloseReason,
    sessions::{SessionId, Sessions},
    target::TermSize,
};

/// A cloneable hold on a session. Its calls never wait; once another browser has the session, or
/// it is over, they do nothing.
#[derive(Clone)]
pub struct Attachment {
    mailbox: Arc<Mailbox>,
    generation: Generation,
    over: CancellationToken,
    sessions: Arc<Sessions>,
    id: SessionId,
    token_kept: Arc<AtomicBool>,
}

impl Attachment {
    pub(crate) fn new(
        mailbox: Arc<Mailbox>,
        generation: Generation,
        over: CancellationToken,
        sessions: Arc<Sessions>,
        id: SessionId,
    ) -> Self {
        Self { mailbox, generation, over, sessions, id, token_kept: Arc::default() }
    }

    /// Sends input to the shell, behind all input before it. With the offset of its first byte,
    /// what was taken before is dropped.
    ///
    /// # Errors
    /// [`InputRefused::Full`]: nothing of `bytes` was taken, and the session ends with
    /// [`CloseReason::InputOverflow`]. [`InputRefused::Gap`]: nothing was taken, and nothing ended.
    pub fn input(&self, offset: Option<u64>, bytes: &[u8]) -> Result<(), InputRefused> {
        // Whoever types was told that it is attached, and got its token with that.
        self.token_kept();
        self.mailbox.input(self.generation, offset, bytes)
    }

    /// Answers the question of this number, which the client was told.
    ///
    /// # Errors
    /// It does not stand any more, or stands on because the answer does not fit it.
    pub fn answer(&self, id: u64, answer: Result<Answer, Unanswered>) -> Result<(), AnswerRefused> {
        self.mailbox.question.answer(id, answer)
    }

    /// The terminal has another size.
    pub fn resize(&self, size: TermSize) {
        self.mailbox.post(self.generation, |post| post.size = Some(size));
    }

    /// The browser has processed all output before `offset`.
    pub fn ack(&self, offset: u64) {
        self.mailbox.post(self.generation, |post| post.acked = post.acked.max(Some(offset)));
    }

    /// The browser has all of its first screen before `offset`.
    pub fn ack_screen(&self, offset: u64) {
        self.mailbox.post(self.generation, |post| post.screen_acked = post.screen_acked.max(Some(offset)));
    }

    /// The browser keeps the token that it got: every one before is void.
    pub fn token_kept(&self) {
        if !self.token_kept.load(Ordering::Relaxed) && self.sessions.token_kept(self.id, self.generation) {
            self.token_kept.store(true, Ordering::Relaxed);
        }
    }

    /// The browser knows why the session is over.
    pub fn end_heard(&self) {
        self.mailbox.post(self.generation, |post| post.heard = true);
    }

    /// The user is there, as if something had been typed.
    pub fn stay(&self) {
        self.mailbox.post(self.generation, |post| post.active = true);
    }

    /// A client that refused something may take it now.
    pub fn client_has_room(&self) {
        self.mailbox.wake();
    }

    /// The browser's socket is gone: the session waits for it to come back, or ends if it cannot.
    pub fn gone(&self) {
        self.mailbox.post(self.generation, |post| post.gone = true);
    }

    /// Ends the session; the first reason stands.
    pub fn close(&self, reason: CloseReason) {
        self.mailbox.post(self.generation, |post| {
            post.close.get_or_insert(reason);
        });
    }

    /// Resolves when this browser hears nothing more: the session is over, another browser has
    /// it, or this one took nothing for too long.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }
}
