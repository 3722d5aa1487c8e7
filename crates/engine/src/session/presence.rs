//! Who has the session: browsers that come, go and come back, and what each is told, to the last word.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    live::{FAREWELL_LIMIT, Live, Phase, Presence, STALL_LIMIT},
    mirror::{Mirror, Snapshot},
    seat::{Newcomer, Seat, Welcome},
};
use crate::{
    client::{EndingCause, Notice, ScreenSize},
    reason::CloseReason,
    sessions::Standing,
};

impl Live {
    /// Somebody takes the session.
    pub(super) fn on_newcomer(&mut self, newcomer: Newcomer) {
        let Newcomer { seat, have, welcome } = newcomer;
        // Who was told the last word hears nothing more.
        let is_told = match self.phase {
            Phase::Telling { .. } => self.outbox.is_empty(),
            Phase::Over(_) => true,
            Phase::Running | Phase::Draining { .. } => false,
        };
        if let Phase::Telling { reason, .. } | Phase::Over(reason) = &self.phase {
            // The shell is still being closed: time enough to hear why.
            let limit = if self.stopped { FAREWELL_LIMIT } else { STALL_LIMIT };
            self.phase = Phase::Draining { reason: reason.clone(), limit };
        }
        if let Presence::Attached(before) | Presence::Joining(before, _) = &self.presence
            && !is_told
        {
            before.tell_taken_over(self.membership.take_back());
        }
        match (have.filter(|have| self.outbox.continues_from(*have)), &mut self.mirror) {
            (Some(have), _) => self.join(seat, welcome, have, None),
            (None, Some(mirror)) if !mirror.is_lost() => {
                mirror.want(self.outbox.backlog());
                self.presence = Presence::Joining(seat, welcome);
            }
            (None, _) => self.join_without_screen(seat, welcome),
        }
    }

    /// The screen as of where the mirror is, for whoever waits for it.
    pub(super) fn on_screen(&mut self, snapshot: Snapshot) {
        let offset = self.mirror.as_ref().map_or(0, Mirror::fed);
        if let Some((seat, welcome)) = self.take_joining() {
            self.join(seat, welcome, offset, Some(snapshot));
        }
    }

    /// There is no screen: whoever waits for it goes on without.
    pub(super) fn on_screen_lost(&mut self) {
        if let Some((seat, welcome)) = self.take_joining() {
            self.join_without_screen(seat, welcome);
        }
    }

    /// Whoever waits for the screen, if somebody does.
    fn take_joining(&mut self) -> Option<(Seat, Welcome)> {
        match self.leave_presence() {
            Presence::Joining(seat, welcome) => Some((seat, welcome)),
            other => {
                self.presence = other;
                None
            }
        }
    }

    fn join_without_screen(&mut self, seat: Seat, welcome: Welcome) {
        let empty = Snapshot { size: self.terminal_size, bytes: Bytes::new() };
        let end = self.outbox.end();
        self.join(seat, welcome, end, Some(empty));
        self.outbox.push_notice(Notice::ScreenLost);
        self.flush();
    }

    /// From now on output goes to this client, from `offset` on.
    fn join(&mut self, seat: Seat, welcome: Welcome, offset: u64, screen: Option<Snapshot>) {
        let announced =
            screen.as_ref().map(|screen| ScreenSize { size: screen.size, length: screen.bytes.len() as u64 });
        self.outbox.attach(seat.client.limits(), offset, screen.map(|screen| screen.bytes));
        self.presence = Presence::Attached(seat);
        let input_offset = self.mailbox.input_end();
        self.outbox.push_notice(Notice::Attached {
            token: welcome.token,
            offset,
            input_offset,
            screen: announced,
        });
        self.outbox.push_notice(Notice::Details(Arc::clone(&self.facts)));
        if welcome.starts {
            self.outbox.push_notice(Notice::Ready);
        }
        for (cause, ends) in self.clock.warnings() {
            self.warn(cause, ends);
        }
        self.progress = Instant::now();
        self.membership.stands(Standing::Attached);
        self.flush();
    }

    /// The session will end at that time.
    pub(super) fn warn(&mut self, cause: EndingCause, ends: Instant) {
        let left = ends.saturating_duration_since(Instant::now());
        self.outbox.push_notice(Notice::Ending { cause, left });
        self.flush();
    }

    /// The browser's socket is gone.
    pub(super) fn on_gone(&mut self) {
        if self.mirror.is_some() {
            self.detach();
        } else {
            self.end(CloseReason::BrowserGone);
            self.hurry(Duration::ZERO);
        }
    }

    /// The browser knows why the session is over, so nobody has to come back for it.
    pub(super) fn on_heard(&mut self) {
        if let Phase::Telling { reason, .. } = &self.phase {
            self.phase = Phase::Over(reason.clone());
        }
    }

    /// The browser takes no output. One that can come back does so on a new socket.
    pub(super) fn give_up_client(&mut self) {
        if self.mirror.is_some() {
            tracing::info!("a browser took no output for too long and was let go");
            self.detach();
        } else {
            self.end(CloseReason::BrowserStalled);
        }
    }

    fn detach(&mut self) {
        drop(self.leave_presence());
        if let Some(mirror) = &mut self.mirror {
            mirror.want_no_more();
        }
        self.membership.stands(Standing::Detached);
        self.trim();
    }

    /// Nobody has the session from now on; gives who had it.
    fn leave_presence(&mut self) -> Presence {
        let detached = Presence::Detached(Instant::now() + self.options.detach_grace);
        std::mem::replace(&mut self.presence, detached)
    }

    /// The gateway ends: what is said now is the last.
    pub(super) fn on_stop(&mut self) {
        self.stopped = true;
        self.end(CloseReason::Shutdown);
        self.hurry(FAREWELL_LIMIT);
    }

    /// What is still to be heard may take no longer than this.
    fn hurry(&mut self, most: Duration) {
        match &mut self.phase {
            Phase::Draining { limit, .. } => *limit = most.min(*limit),
            Phase::Telling { until, .. } => *until = (Instant::now() + most).min(*until),
            Phase::Running | Phase::Over(_) => {}
        }
    }

    /// Moves a session that has ended on, as far as it goes now.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(next) = self.next_phase(now) {
            self.phase = next;
            self.flush();
        }
    }

    fn next_phase(&mut self, now: Instant) -> Option<Phase> {
        match (&self.phase, &self.presence) {
            (Phase::Running | Phase::Over(_), _) | (_, Presence::Joining(..)) => None,
            (Phase::Draining { reason, limit }, Presence::Attached(_)) => {
                let late = now >= self.progress + *limit;
                if late && *limit == STALL_LIMIT && self.mirror.is_some() {
                    self.give_up_client();
                    return self.next_phase(now);
                }
                let reason = reason.clone();
                // What a dead socket took is not heard: who can come back acknowledges it all.
                let waits = *limit == STALL_LIMIT && self.mirror.is_some() && self.outbox.unseen() > 0;
                let heard = self.outbox.is_empty() && !waits;
                (late || heard).then(|| self.tell(reason, now))
            }
            (Phase::Telling { reason, until }, Presence::Attached(_)) => {
                // Who can come back says that it heard: a dead socket takes any word.
                let told = self.outbox.is_empty() && self.mirror.is_none();
                (told || now >= *until).then(|| Phase::Over(reason.clone()))
            }
            (Phase::Draining { reason, .. } | Phase::Telling { reason, .. }, Presence::Detached(until)) => {
                if !self.is_awaited(reason, *until, now) {
                    return Some(Phase::Over(reason.clone()));
                }
                // Whoever comes back hears it all.
                matches!(self.phase, Phase::Telling { .. })
                    .then(|| Phase::Draining { reason: reason.clone(), limit: STALL_LIMIT })
            }
        }
    }

    /// Whether somebody may still come to hear why it ended.
    fn is_awaited(&self, reason: &CloseReason, until: Instant, now: Instant) -> bool {
        let worth = !matches!(reason, CloseReason::NobodyCameBack | CloseReason::BrowserGone);
        worth && now < until && !self.stopped && self.mirror.is_some()
    }

    /// Says the last word; output that was not taken by now never will be.
    fn tell(&mut self, reason: CloseReason, now: Instant) -> Phase {
        let lasted = Some(self.lasted);
        self.outbox.close(Notice::Closed { reason: reason.clone(), retry: false, lasted });
        let limit = match reason {
            CloseReason::BrowserGone | CloseReason::BrowserStalled => Duration::ZERO,
            _ if self.mirror.is_some() && !self.stopped => STALL_LIMIT,
            _ => FAREWELL_LIMIT,
        };
        Phase::Telling { reason, until: now + limit }
    }

    /// Nobody can come back any more; whoever came too late is told.
    pub(super) fn leave(self, reason: &CloseReason) {
        let Self { membership, mailbox, lasted, .. } = self;
        drop(membership);
        if let Some(newcomer) = mailbox.take_post().newcomer {
            let closed = Notice::Closed { reason: reason.clone(), retry: false, lasted: Some(lasted) };
            if newcomer.seat.client.notice(&closed).is_err() {
                tracing::debug!("a browser that came back too late cannot be told");
            }
        }
    }
}
