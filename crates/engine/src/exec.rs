//! A command without a terminal: nobody watches it, and all that it printed is one answer.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, Stream, StreamExt as _, future::BoxFuture};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{
    credentials::Credentials,
    dial::{DialOrder, Dialer, Exit, Hop, ShellEvent, Step, Transport, way},
    dial_error::DialError,
    program::Program,
    question::{Answer, Person, Question, Unanswered},
    reason::CloseReason,
    registry::Registry,
    target::Target,
    ticket::IssueError,
};

/// A command to run.
pub struct ExecOrder {
    /// The jump hosts on the way, in their order.
    pub jump: Vec<Hop>,
    /// Where.
    pub target: Target,
    /// How to log in. Nobody can be asked for what is missing.
    pub credentials: Credentials,
    /// The command and its variables.
    pub program: Program,
    /// Who ordered it, for the quota of each.
    pub caller: Option<String>,
    /// How long it may run, once it was started.
    pub time: Duration,
    /// How much of each of stdout and stderr is kept, in bytes.
    pub output: usize,
}

/// What came of a command that was started.
#[derive(Debug, Eq, PartialEq)]
pub struct Executed {
    /// How it ended.
    pub reason: CloseReason,
    /// What it printed, from the beginning.
    pub stdout: Printed,
    /// What it printed of errors, from the beginning.
    pub stderr: Printed,
    /// How long it ran.
    pub lasted: Duration,
}

/// What was kept of what a command printed.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Printed {
    /// As the target sent it.
    pub bytes: Bytes,
    /// There was more, which was read and dropped.
    pub truncated: bool,
}

/// Why a command was not started.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExecError {
    /// The gateway does not do it, now or at all.
    #[error(transparent)]
    Refused(#[from] IssueError),
    /// The target did not run it.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// Whoever ordered it went away.
    #[error("nobody waits for the command any more")]
    Abandoned,
}

impl Registry {
    /// Runs a command and waits for its end. It counts as a session of whoever is at `address`; dropping
    /// the future ends it.
    ///
    /// # Errors
    /// It was not started.
    pub async fn exec(&self, order: ExecOrder, address: IpAddr) -> Result<Executed, ExecError> {
        if self.is_going_down() {
            return Err(IssueError::ShuttingDown.into());
        }
        self.dialer.admit(&way(&order.jump, &order.target)).map_err(IssueError::from)?;
        let place = self.quota.take(address, order.caller.clone()).map_err(IssueError::from)?;
        let awaited = CancellationToken::new();
        let abandoned = awaited.clone();
        let _awaited = awaited.drop_guard();
        let execution =
            Execution { dialer: Arc::clone(&self.dialer), order, stop: self.stop.child_token(), abandoned };
        let running = self.tasks.spawn(async move {
            let executed = execution.run().await;
            drop(place);
            executed
        });
        running.await.unwrap_or_else(|_| {
            Err(DialError::Internal { cause: "the command's task stopped".to_owned() }.into())
        })
    }
}

/// One command on its way. It runs as a task of its own, so that it is ended in good order when nobody
/// waits for it any more, and so that the gateway's end waits for it.
struct Execution {
    dialer: Arc<dyn Dialer>,
    order: ExecOrder,
    stop: CancellationToken,
    abandoned: CancellationToken,
}

impl Execution {
    async fn run(self) -> Result<Executed, ExecError> {
        let ExecOrder { jump, target, credentials, program, caller: _, time, output } = self.order;
        let order = DialOrder { jump, target, credentials, pty: None, program };
        let dialed = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(IssueError::ShuttingDown.into()),
            () = self.abandoned.cancelled() => return Err(ExecError::Abandoned),
            dialed = self.dialer.dial(order, Arc::new(NobodyThere)) => dialed,
        };
        let Transport { mut events, shell, .. } = dialed?;
        let started = Instant::now();
        let mut printed = Output { stdout: Kept::new(output), stderr: Kept::new(output), exit: None };
        let end = tokio::select! {
            end = timeout_at(started + time, printed.read(&mut events)) => end.unwrap_or(CloseReason::MaxDuration),
            () = self.stop.cancelled() => CloseReason::Shutdown,
            () = self.abandoned.cancelled() => CloseReason::BrowserGone,
        };
        let lasted = started.elapsed();
        shell.close().await;
        // It may have ended while something that it left behind could still print.
        let reason = printed.exit.map_or(end, CloseReason::Exited);
        let (stdout, stderr) = (printed.stdout.into_printed(), printed.stderr.into_printed());
        Ok(Executed { reason, stdout, stderr, lasted })
    }
}

/// What was heard of a command so far.
struct Output {
    stdout: Kept,
    stderr: Kept,
    exit: Option<Exit>,
}

impl Output {
    /// Reads to the end, and says what it was but for the command's own word.
    async fn read(&mut self, events: &mut (impl Stream<Item = ShellEvent> + Unpin)) -> CloseReason {
        while let Some(event) = events.next().await {
            match event {
                ShellEvent::Output(bytes) => self.stdout.add(&bytes),
                ShellEvent::Error(bytes) => self.stderr.add(&bytes),
                ShellEvent::Exit(exit) => self.exit = Some(exit),
                ShellEvent::LinkLost => return CloseReason::LinkLost,
                ShellEvent::JumpLost(hop) => return CloseReason::JumpLost(hop),
            }
        }
        CloseReason::TargetClosed
    }
}

/// The beginning of what is printed.
struct Kept {
    bytes: BytesMut,
    limit: usize,
    truncated: bool,
}

impl Kept {
    fn new(limit: usize) -> Self {
        Self { bytes: BytesMut::new(), limit, truncated: false }
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = self.limit - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.truncated |= bytes.len() > room;
    }

    fn into_printed(self) -> Printed {
        Printed { bytes: self.bytes.freeze(), truncated: self.truncated }
    }
}

/// Nobody waits at a terminal.
struct NobodyThere;

impl Person for NobodyThere {
    fn progress(&self, _: Step, _: Option<&Target>) {}

    fn ask(&self, _: Question) -> BoxFuture<'static, Result<Answer, Unanswered>> {
        std::future::ready(Err(Unanswered::Nobody)).boxed()
    }
}
