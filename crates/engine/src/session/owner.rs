//! The owner task: everything that happens to a session happens here, in one place and in order.
//!
//! Bytes from the shell go to the outbox and on to the client while there is credit. Without
//! credit the shell is drained gently and never not at all: a reader that stops would stop the
//! SSH connection as a whole, with it keepalives and the very Ctrl-C that ends a flood.

use std::{future, pin::Pin, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, Stream, StreamExt as _, future::BoxFuture};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    Handle,
    mailbox::Mailbox,
    outbox::{CHUNK, Outbox},
};
use crate::{
    client::{Client, Notice},
    dial::{DialError, DialOrder, Dialer, Exit, Shell, ShellEvent, ShellGone, Transport},
    reason::CloseReason,
    target::{Pty, TermSize},
    ticket::Redeemed,
};

/// The largest piece of input that is written at once, in bytes.
const WRITE: usize = 32 * 1024;
/// The client is told of taken input at least every so many bytes.
const TELL_INPUT_EVERY: u64 = 16 * 1024;
/// Without credit, one message of the shell is read in this time...
const GENTLE_READ_EVERY: Duration = Duration::from_millis(500);
/// ...and this many at once after something was sent to the shell, so that it gets there.
const READS_PER_SEND: u32 = 32;
/// The most output that waits for credit, in bytes: beyond it the shell is read for what is sent to
/// it alone, and beyond twice as much not at all.
const MAX_WAITING_OUTPUT: usize = 2 * 1024 * 1024;
/// A client that takes no output for this long is given up. Browsers run the timers of a hidden page
/// once a minute, and those acknowledge; a browser that is gone is found by its pings.
const STALL_LIMIT: Duration = Duration::from_secs(150);
/// How long the last output and the reason may take to reach the client once a session ended by
/// something else than its shell.
const FAREWELL_LIMIT: Duration = Duration::from_secs(2);

/// What an owner task starts with.
pub(crate) struct Owner {
    pub(crate) dialer: Arc<dyn Dialer>,
    pub(crate) ticket: Redeemed,
    pub(crate) size: Option<TermSize>,
    pub(crate) client: Arc<dyn Client>,
    pub(crate) handle: Handle,
    pub(crate) stop: CancellationToken,
}

impl Owner {
    /// Dials, runs the session to its end and tells the client why it ended.
    pub(crate) async fn run(self) -> CloseReason {
        let Self { dialer, ticket, size, client, handle, stop } = self;
        let mailbox = handle.mailbox;
        let mut outbox = Outbox::new(client.limits());
        let dialed = tokio::select! {
            biased;
            () = stop.cancelled() => Err(CloseReason::Shutdown),
            reason = closed_early(&mailbox) => Err(reason),
            dialed = dial(&*dialer, &ticket, size, &client) => dialed.map_err(CloseReason::from),
        };
        let transport = match dialed {
            Ok(transport) => transport,
            Err(reason) => {
                let usable = ticket.give_back();
                let retry =
                    usable && matches!(&reason, CloseReason::DialFailed(error) if error.retry_may_help());
                outbox.close(Notice::Closed { reason: reason.clone(), retry });
                say_goodbye(&reason, &mut outbox, &*client, &mailbox).await;
                return reason;
            }
        };
        ticket.burn();
        outbox.push_notice(Notice::Ready);
        outbox.flush(&*client);
        Session::new(transport, client, mailbox, outbox).run(&stop).await
    }
}

async fn dial(
    dialer: &dyn Dialer,
    ticket: &Redeemed,
    size: Option<TermSize>,
    client: &Arc<dyn Client>,
) -> Result<Transport, DialError> {
    let order = ticket.order().map_err(|error| DialError::Internal { cause: error.to_string() })?;
    let pty = Pty {
        term: order.term.unwrap_or_else(|| "xterm-256color".to_owned()),
        size: size.or(order.size).unwrap_or_default(),
    };
    let watcher = Arc::clone(client);
    let progress = Box::new(move |step| {
        if watcher.notice(&Notice::Progress(step)).is_err() {
            tracing::debug!(?step, "the browser does not take notices; one label less");
        }
    });
    dialer.dial(DialOrder { target: order.target, credentials: order.credentials, pty }, progress).await
}

/// Resolves when the browser's side ends the session; leaves all other mail where it is.
async fn closed_early(mailbox: &Mailbox) -> CloseReason {
    loop {
        if let Some(reason) = mailbox.take_close() {
            return reason;
        }
        mailbox.posted().await;
    }
}

/// Tells the client why it is over; one that is gone is told once and not waited for.
async fn say_goodbye(reason: &CloseReason, outbox: &mut Outbox, client: &dyn Client, mailbox: &Mailbox) {
    match reason {
        CloseReason::BrowserGone => outbox.flush(client),
        _ => farewell(outbox, client, mailbox, FAREWELL_LIMIT).await,
    }
}

/// Flushes until all is with the client, or the time is up.
async fn farewell(outbox: &mut Outbox, client: &dyn Client, mailbox: &Mailbox, limit: Duration) {
    let mut deadline = Instant::now() + limit;
    loop {
        outbox.flush(client);
        if outbox.is_empty() || timeout_at(deadline, mailbox.posted()).await.is_err() {
            return;
        }
        if mailbox.take_ack().is_some_and(|offset| outbox.ack(offset)) {
            deadline = Instant::now() + limit;
        }
        if matches!(mailbox.take_close(), Some(CloseReason::BrowserGone)) {
            return;
        }
    }
}

/// One thing that happened to a session.
enum Event {
    Stop,
    Mail,
    Written(Result<(), ShellGone>),
    Resized,
    Shell(Option<ShellEvent>),
    Stalled,
    GentleRead,
}

type Sending = Option<BoxFuture<'static, Result<(), ShellGone>>>;

/// A session whose shell is open.
struct Session {
    events: Pin<Box<dyn Stream<Item = ShellEvent> + Send>>,
    shell: Arc<dyn Shell>,
    client: Arc<dyn Client>,
    mailbox: Arc<Mailbox>,
    outbox: Outbox,
    /// Input on its way to the shell, and how long it is.
    write: Sending,
    write_length: u64,
    resize: Sending,
    /// Input handed to the shell, and how much of it the client knows of; offsets.
    input_taken: u64,
    input_told: u64,
    /// How the shell ended, once it said so; output may still follow.
    exit: Option<Exit>,
    /// Reads that are owed to what was sent while output is paused.
    reads_owed: u32,
    next_gentle_read: Instant,
    /// When output was last taken by the client or none waited.
    progress: Instant,
}

impl Session {
    fn new(transport: Transport, client: Arc<dyn Client>, mailbox: Arc<Mailbox>, outbox: Outbox) -> Self {
        let now = Instant::now();
        Self {
            events: transport.events,
            shell: transport.shell,
            client,
            mailbox,
            outbox,
            write: None,
            write_length: 0,
            resize: None,
            input_taken: 0,
            input_told: 0,
            exit: None,
            reads_owed: 0,
            next_gentle_read: now,
            progress: now,
        }
    }

    async fn run(mut self, stop: &CancellationToken) -> CloseReason {
        // Mail may have come while dialing.
        let mut ended = self.on_mail();
        let reason = loop {
            if let Some(reason) = ended {
                break reason;
            }
            let event = self.next_event(stop).await;
            ended = match event {
                Event::Stop => Some(CloseReason::Shutdown),
                Event::Mail => self.on_mail(),
                Event::Written(result) => {
                    self.on_written(result);
                    None
                }
                Event::Resized => {
                    self.on_resized();
                    None
                }
                Event::Shell(event) => self.on_shell(event),
                Event::Stalled => Some(CloseReason::BrowserStalled),
                Event::GentleRead => self.on_gentle_read(),
            };
        };
        self.finish(reason, stop).await
    }

    async fn next_event(&mut self, stop: &CancellationToken) -> Event {
        let paused = self.is_paused();
        let read = !paused || (self.reads_owed > 0 && self.outbox.waiting() < 2 * MAX_WAITING_OUTPUT);
        tokio::select! {
            biased;
            () = stop.cancelled() => Event::Stop,
            () = self.mailbox.posted() => Event::Mail,
            result = sent(&mut self.write) => Event::Written(result),
            _ = sent(&mut self.resize) => Event::Resized,
            event = self.events.next(), if read => Event::Shell(event),
            () = sleep_until(self.progress + STALL_LIMIT), if paused => Event::Stalled,
            () = sleep_until(self.next_gentle_read), if paused && !read => Event::GentleRead,
        }
    }

    /// Whether output waits that the client does not take.
    fn is_paused(&self) -> bool {
        self.outbox.waiting() > 0
    }

    fn on_mail(&mut self) -> Option<CloseReason> {
        if let Some(reason) = self.mailbox.take_close() {
            return Some(reason);
        }
        if self.mailbox.take_ack().is_some_and(|offset| self.outbox.ack(offset)) {
            self.progress = Instant::now();
        }
        self.flush();
        self.send_size();
        self.send_input();
        None
    }

    /// A shell that is gone says why through its events.
    fn on_written(&mut self, result: Result<(), ShellGone>) {
        if result.is_ok() {
            self.input_taken += self.write_length;
            self.reads_owed = READS_PER_SEND;
            if self.input_taken - self.input_told >= TELL_INPUT_EVERY {
                self.input_told = self.input_taken;
                self.outbox.push_notice(Notice::InputTaken(self.input_told));
                self.flush();
            }
            self.send_input();
        }
    }

    fn on_resized(&mut self) {
        self.reads_owed = READS_PER_SEND;
        self.send_size();
    }

    /// Takes what the shell has ready, at most about a chunk, and hands it on in one go: a lone
    /// echo leaves at once, and a flood of small messages coalesces by itself.
    fn on_shell(&mut self, event: Option<ShellEvent>) -> Option<CloseReason> {
        let mut ended = self.on_message(event);
        while ended.is_none() && self.outbox.waiting() < CHUNK {
            let Some(next) = self.events.next().now_or_never() else { break };
            ended = self.on_message(next);
        }
        self.flush();
        ended
    }

    fn on_gentle_read(&mut self) -> Option<CloseReason> {
        self.next_gentle_read = Instant::now() + GENTLE_READ_EVERY;
        if self.outbox.waiting() >= MAX_WAITING_OUTPUT {
            return None;
        }
        self.events.next().now_or_never().and_then(|event| self.on_message(event))
    }

    fn on_message(&mut self, event: Option<ShellEvent>) -> Option<CloseReason> {
        self.reads_owed = self.reads_owed.saturating_sub(1);
        match event {
            Some(ShellEvent::Output(bytes)) => self.outbox.push(&bytes),
            Some(ShellEvent::Exit(exit)) => self.exit = Some(exit),
            Some(ShellEvent::LinkLost) => return Some(self.ended_as(CloseReason::LinkLost)),
            None => return Some(self.ended_as(CloseReason::TargetClosed)),
        }
        None
    }

    fn ended_as(&mut self, otherwise: CloseReason) -> CloseReason {
        self.exit.take().map_or(otherwise, CloseReason::Exited)
    }

    fn flush(&mut self) {
        let was_paused = self.is_paused();
        self.outbox.flush(&*self.client);
        if self.is_paused() && !was_paused {
            let now = Instant::now();
            self.progress = now;
            self.next_gentle_read = now + GENTLE_READ_EVERY;
        }
    }

    fn send_size(&mut self) {
        if self.resize.is_none()
            && let Some(size) = self.mailbox.take_size()
        {
            self.resize = Some(Arc::clone(&self.shell).resize(size));
        }
    }

    fn send_input(&mut self) {
        if self.write.is_none()
            && let Some(bytes) = self.mailbox.take_input(WRITE)
        {
            self.write_length = bytes.len() as u64;
            self.write = Some(Arc::clone(&self.shell).write(bytes));
        }
    }

    /// Closes the shell, and gives the client what is left and the reason.
    async fn finish(mut self, reason: CloseReason, stop: &CancellationToken) -> CloseReason {
        let closing = Arc::clone(&self.shell).close();
        let telling = async {
            match reason {
                // Nobody is there, or takes anything: the reason is all that is worth a try.
                CloseReason::BrowserGone | CloseReason::BrowserStalled => {}
                CloseReason::Exited(_) | CloseReason::TargetClosed | CloseReason::LinkLost => {
                    tokio::select! {
                        () = farewell(&mut self.outbox, &*self.client, &self.mailbox, STALL_LIMIT) => {}
                        () = stop.cancelled() => {}
                    }
                }
                _ => farewell(&mut self.outbox, &*self.client, &self.mailbox, FAREWELL_LIMIT).await,
            }
            self.outbox.close(Notice::Closed { reason: reason.clone(), retry: false });
            say_goodbye(&reason, &mut self.outbox, &*self.client, &self.mailbox).await;
        };
        tokio::join!(closing, telling);
        reason
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
