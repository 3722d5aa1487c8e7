//! The bytes of a session: from the shell to whoever is attached, from the browser to the shell.
//!
//! Output goes to the outbox and on while there is credit. Without credit the shell is not read; what
//! is sent to it passes all the same, and so does the news that the target is gone.

use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;

use super::{
    backlog::CHUNK,
    live::{Live, Phase, Presence},
    mirror::{Finished, Mirrored},
};
use crate::{
    client::Notice,
    dial::{ShellEvent, ShellGone},
    options::DetachedOutput,
    reason::CloseReason,
};

/// The largest piece of input that is written at once, in bytes.
const WRITE: usize = 32 * 1024;

impl Live {
    /// Whether the shell may be read now. What a target left that is gone is read in any case: it is
    /// less than a megabyte, and the reason is behind it.
    pub(super) fn reads(&self) -> bool {
        let behind = self.mirror.as_ref().is_some_and(|mirror| mirror.is_behind(self.outbox.end()));
        let paused = self.excess() > 0 && self.gone.is_some();
        matches!(self.phase, Phase::Running) && !behind && !paused
    }

    /// Bytes of output that somebody should take before more is read; while there are some, the
    /// session is paused.
    pub(super) fn excess(&self) -> usize {
        match (&self.presence, self.options.detached_output) {
            (Presence::Attached(_), _) => self.outbox.waiting(),
            (_, DetachedOutput::Latest) => 0,
            (_, DetachedOutput::Keep) => self.outbox.unseen().saturating_sub(self.options.backlog),
        }
    }

    /// A shell that is gone says why through its events.
    pub(super) fn on_written(&mut self, result: Result<(), ShellGone>) {
        if result.is_ok() {
            self.input_taken += self.write_length;
            if self.input_taken - self.input_told >= self.outbox.tell_input_every() {
                self.input_told = self.input_taken;
                self.outbox.push_notice(Notice::InputTaken(self.input_told));
                self.flush();
            }
            self.send_input();
        }
    }

    /// Takes what the shell has ready, at most about a chunk, and hands it on in one go: a lone
    /// echo leaves at once, and a flood of small messages coalesces by itself.
    pub(super) fn on_shell(&mut self, event: Option<ShellEvent>) {
        let begins = self.outbox.end();
        self.on_message(event);
        while self.is_running() && self.outbox.end() - begins < CHUNK as u64 {
            let Some(next) = self.events.next().now_or_never() else { break };
            self.on_message(next);
        }
        self.flush();
        if let Some(mirror) = &mut self.mirror {
            mirror.feed(self.outbox.backlog());
        }
        self.trim();
    }

    fn on_message(&mut self, event: Option<ShellEvent>) {
        match event {
            Some(ShellEvent::Output(bytes) | ShellEvent::Error(bytes)) => self.outbox.push(&bytes),
            Some(ShellEvent::Exit(exit)) => self.exit = Some(exit),
            Some(ShellEvent::LinkLost) => self.end_as(CloseReason::LinkLost),
            Some(ShellEvent::JumpLost(hop)) => self.end_as(CloseReason::JumpLost(hop)),
            None => self.end_as(CloseReason::TargetClosed),
        }
    }

    fn end_as(&mut self, otherwise: CloseReason) {
        let reason = self.exit.take().map_or(otherwise, CloseReason::Exited);
        self.end(reason);
    }

    pub(super) fn on_mirrored(&mut self, finished: Finished) {
        let Some(mirror) = &mut self.mirror else { return };
        match mirror.settle(finished, self.outbox.backlog()) {
            Mirrored::Further => {}
            Mirrored::Snapshot(snapshot) => self.on_screen(snapshot),
            Mirrored::Lost => self.on_screen_lost(),
        }
        self.trim();
    }

    /// Gives whoever is attached all it takes now.
    pub(super) fn flush(&mut self) {
        if let Presence::Attached(seat) = &self.presence {
            self.outbox.flush(&*seat.client);
        }
    }

    /// Forgets output that nobody needs any more.
    pub(super) fn trim(&mut self) {
        let Some(mirror) = &self.mirror else { return self.outbox.trim_sent() };
        let drops = matches!(self.presence, Presence::Detached(_) | Presence::Joining(..))
            && self.options.detached_output == DetachedOutput::Latest;
        let seen = if drops { u64::MAX } else { self.outbox.acked() };
        self.outbox.trim(mirror.fed().min(seen));
    }

    /// Notes when a pause begins: from then on the client has its time.
    pub(super) fn note_pause(&mut self) {
        let paused = self.excess() > 0;
        if paused && !self.paused {
            self.progress = Instant::now();
        }
        self.paused = paused;
    }

    pub(super) fn send_size(&mut self) {
        if self.is_running()
            && self.resize.is_none()
            && let Some(size) = self.size.take()
        {
            self.terminal_size = size;
            self.resize = Some(Arc::clone(&self.shell).resize(size));
            if let Some(mirror) = &mut self.mirror {
                mirror.resize(self.outbox.end(), size);
            }
        }
    }

    pub(super) fn send_input(&mut self) {
        if self.is_running()
            && self.write.is_none()
            && let Some(bytes) = self.mailbox.take_input(WRITE)
        {
            self.write_length = bytes.len() as u64;
            self.write = Some(Arc::clone(&self.shell).write(bytes));
        }
    }
}
