//! A session whose shell is open: everything that happens to it happens here, in one place and in order.
//!
//! While nobody is attached it waits for a browser to come back, shell or no shell. How bytes flow
//! is in `pump`, who has the session and what they are told in `presence`.

use std::{future, pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt as _, future::BoxFuture};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    clock::{Clock, Due},
    mailbox::Mailbox,
    mirror::{Finished, Mirror},
    outbox::Outbox,
    seat::{Seat, Welcome},
};
use crate::{
    client::{EndingCause, Notice},
    dial::{Exit, Shell, ShellEvent, ShellGone, Transport},
    facts::SessionFacts,
    options::Options,
    reason::CloseReason,
    sessions::{Membership, Standing},
    target::TermSize,
    token::ResumeToken,
};

/// A client that takes no output for this long is given up. Browsers run the timers of a hidden page
/// once a minute, and those acknowledge; a browser that is gone is found by its pings.
pub(super) const STALL_LIMIT: Duration = Duration::from_secs(150);
/// How long the last output and the reason may take to reach the client once a session ended by
/// something else than its shell.
pub(super) const FAREWELL_LIMIT: Duration = Duration::from_secs(2);

/// Who has the session.
pub(super) enum Presence {
    /// Somebody is attached.
    Attached(Seat),
    /// Somebody will be as soon as there is a screen to begin with.
    Joining(Seat, Welcome),
    /// Nobody is; somebody may come back until then.
    Detached(Instant),
}

/// How far a session is.
pub(super) enum Phase {
    Running,
    /// It ended. What is left goes to the client, which may take so long for each piece.
    Draining {
        reason: CloseReason,
        limit: Duration,
    },
    /// All that is left is the reason, until it is heard, or then.
    Telling {
        reason: CloseReason,
        until: Instant,
    },
    Over(CloseReason),
}

/// One thing that happened to a session.
enum Event {
    Stop,
    Mail,
    Written(Result<(), ShellGone>),
    Resized,
    Closed,
    TargetGone,
    Mirrored(Finished),
    Shell(Option<ShellEvent>),
    Time,
}

type Sending = Option<BoxFuture<'static, Result<(), ShellGone>>>;

/// A session whose shell is open, or was.
pub(super) struct Live {
    pub(super) events: Pin<Box<dyn Stream<Item = ShellEvent> + Send>>,
    pub(super) shell: Arc<dyn Shell>,
    pub(super) facts: Arc<SessionFacts>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) membership: Membership,
    pub(super) options: Arc<Options>,
    pub(super) opened: Instant,
    pub(super) clock: Clock,
    pub(super) presence: Presence,
    pub(super) phase: Phase,
    pub(super) outbox: Outbox,
    /// The screen for browsers that come back; none where none can.
    pub(super) mirror: Option<Mirror>,
    /// What goes to the shell: input and how long it is, the size, and the end.
    pub(super) write: Sending,
    pub(super) write_length: u64,
    pub(super) size: Option<TermSize>,
    pub(super) terminal_size: TermSize,
    pub(super) resize: Sending,
    pub(super) closing: Option<BoxFuture<'static, ()>>,
    /// Input handed to the shell, and how much of it the client knows of; offsets.
    pub(super) input_taken: u64,
    pub(super) input_told: u64,
    /// How the shell ended, once it said so; output may still follow.
    pub(super) exit: Option<Exit>,
    /// Resolves when the target is gone; none after that.
    pub(super) gone: Option<BoxFuture<'static, ()>>,
    /// Whether output waits that nobody takes.
    pub(super) paused: bool,
    /// When output was last taken, or began to wait.
    pub(super) progress: Instant,
    /// How long the shell was open, once it is not.
    pub(super) lasted: Duration,
    pub(super) stopped: bool,
}

/// What a session begins with.
pub(super) struct Beginning {
    pub(super) transport: Transport,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) membership: Membership,
    pub(super) options: Arc<Options>,
    pub(super) seat: Seat,
    pub(super) size: TermSize,
    /// How long it may go without input, and last.
    pub(super) idle_timeout: Option<Duration>,
    pub(super) max_duration: Option<Duration>,
    /// Where the browser can come back: the right to, and the screen for it.
    pub(super) resume: Option<(ResumeToken, Mirror)>,
}

impl Live {
    pub(super) fn new(beginning: Beginning) -> Self {
        let Beginning { transport, mailbox, membership, options, seat, size, .. } = beginning;
        let now = Instant::now();
        let (token, mirror) = beginning.resume.unzip();
        let gone = Some(Arc::clone(&transport.shell).gone());
        let mut outbox =
            Outbox::new(seat.client.limits(), if mirror.is_some() { options.backlog } else { 0 });
        if let Some(token) = token {
            outbox.push_notice(Notice::Attached { token, offset: 0, input_offset: 0, screen: None });
        }
        let facts = Arc::new(transport.facts);
        outbox.push_notice(Notice::Details(Arc::clone(&facts)));
        outbox.push_notice(Notice::Ready);
        membership.stands(Standing::Attached);
        Self {
            events: transport.events,
            shell: transport.shell,
            facts,
            mailbox,
            membership,
            options,
            opened: now,
            clock: Clock::new(beginning.idle_timeout, beginning.max_duration, now),
            presence: Presence::Attached(seat),
            phase: Phase::Running,
            outbox,
            mirror,
            write: None,
            write_length: 0,
            size: None,
            terminal_size: size,
            resize: None,
            closing: None,
            input_taken: 0,
            input_told: 0,
            exit: None,
            gone,
            paused: false,
            progress: now,
            lasted: Duration::ZERO,
            stopped: false,
        }
    }

    /// Runs to the end, and says why it ended.
    pub(super) async fn run(mut self, stop: &CancellationToken) -> CloseReason {
        // Mail may have come while dialing.
        self.on_mail();
        loop {
            self.note_pause();
            self.settle(Instant::now());
            if let Phase::Over(reason) = &self.phase
                && self.closing.is_none()
            {
                let reason = reason.clone();
                self.leave(&reason);
                return reason;
            }
            match self.next_event(stop).await {
                Event::Stop => self.on_stop(),
                Event::Mail => self.on_mail(),
                Event::Written(result) => self.on_written(result),
                Event::Resized => self.send_size(),
                // It may be read from now on.
                Event::Closed | Event::TargetGone => {}
                Event::Mirrored(finished) => self.on_mirrored(finished),
                Event::Shell(event) => self.on_shell(event),
                Event::Time => self.on_time(Instant::now()),
            }
        }
    }

    async fn next_event(&mut self, stop: &CancellationToken) -> Event {
        let reads = self.reads();
        let deadline = self.deadline();
        tokio::select! {
            biased;
            () = stop.cancelled(), if !self.stopped => Event::Stop,
            () = self.mailbox.posted() => Event::Mail,
            result = sent(&mut self.write) => Event::Written(result),
            _ = sent(&mut self.resize) => Event::Resized,
            () = done(&mut self.closing) => Event::Closed,
            () = done(&mut self.gone) => Event::TargetGone,
            finished = mirrored(&mut self.mirror) => Event::Mirrored(finished),
            event = self.events.next(), if reads => Event::Shell(event),
            () = sleep_until(deadline.unwrap_or(self.opened)), if deadline.is_some() => Event::Time,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }

    /// When time alone will change something.
    fn deadline(&self) -> Option<Instant> {
        let phase = match (&self.phase, &self.presence) {
            (Phase::Over(_), _) => return None,
            (Phase::Telling { until, .. }, Presence::Attached(_)) | (_, Presence::Detached(until)) => {
                Some(*until)
            }
            (Phase::Draining { limit, .. }, Presence::Attached(_)) => Some(self.progress + *limit),
            (Phase::Running, Presence::Attached(_)) if self.excess() > 0 => Some(self.progress + STALL_LIMIT),
            _ => None,
        };
        let clock = if self.is_running() { self.clock.next() } else { None };
        phase.into_iter().chain(clock).min()
    }

    fn on_time(&mut self, now: Instant) {
        if !self.is_running() {
            return;
        }
        match (self.clock.due(now), &self.presence) {
            (Some(Due::End(reason)), _) => self.end(reason),
            (Some(Due::Warn(cause, ends)), _) => self.warn(cause, ends),
            (None, Presence::Detached(until)) if now >= *until => {
                self.end(CloseReason::NobodyCameBack);
            }
            (None, Presence::Attached(_)) if self.excess() > 0 && now >= self.progress + STALL_LIMIT => {
                self.give_up_client();
            }
            _ => {}
        }
    }

    fn on_mail(&mut self) {
        let post = self.mailbox.take_post();
        if let Some(newcomer) = post.newcomer {
            self.on_newcomer(newcomer);
        }
        if let Some(at) = post.drain {
            self.clock.drain(at);
            self.warn(EndingCause::Drain, at);
        }
        if post.active {
            self.clock.active(Instant::now());
        }
        if post.acked.is_some_and(|offset| self.outbox.ack(offset)) {
            self.progress = Instant::now();
            self.trim();
        }
        if post.screen_acked.is_some_and(|offset| self.outbox.ack_screen(offset)) {
            self.progress = Instant::now();
        }
        self.size = post.size.or(self.size);
        if post.heard {
            self.on_heard();
        }
        if post.gone {
            self.on_gone();
        }
        if let Some(reason) = post.close {
            self.end(reason);
        }
        self.flush();
        self.send_size();
        self.send_input();
    }

    /// Closes the shell: the session is over but for what its browser is still to hear.
    pub(super) fn end(&mut self, reason: CloseReason) {
        if !self.is_running() {
            return;
        }
        self.lasted = self.opened.elapsed();
        self.closing = Some(Arc::clone(&self.shell).close());
        self.progress = Instant::now();
        let limit = match reason {
            CloseReason::Exited(_)
            | CloseReason::TargetClosed
            | CloseReason::LinkLost
            | CloseReason::JumpLost(_) => STALL_LIMIT,
            // Nobody is there, or takes anything: the reason is all that is worth a try.
            CloseReason::BrowserGone | CloseReason::BrowserStalled | CloseReason::NobodyCameBack => {
                Duration::ZERO
            }
            _ => FAREWELL_LIMIT,
        };
        self.phase = Phase::Draining { reason, limit };
    }
}

/// The outcome of something that is being sent; never resolves while nothing is.
async fn sent(sending: &mut Sending) -> Result<(), ShellGone> {
    match sending {
        Some(running) => {
            let result = running.await;
            *sending = None;
            result
        }
        None => future::pending().await,
    }
}

/// Resolves once something is done that is waited for.
async fn done(waiting: &mut Option<BoxFuture<'static, ()>>) {
    match waiting {
        Some(running) => {
            running.await;
            *waiting = None;
        }
        None => future::pending().await,
    }
}

/// Resolves when the screen is further.
async fn mirrored(mirror: &mut Option<Mirror>) -> Finished {
    match mirror {
        Some(mirror) => mirror.finished().await,
        None => future::pending().await,
    }
}
