//! Commands without a terminal: what is kept of what they print, how they end, and for whom they count.

use std::{sync::Arc, time::Duration};

use engine::{
    CloseReason, Credentials, ExecError, ExecOrder, Executed, Exit, IssueError, Options, Printed, Program,
    Quotas, Registry, ShellEvent, Target,
};
use tokio::{task::JoinHandle, time::Instant};

use crate::scripted::{Bench, FarEnd, HERE, Sent, order};

const TIME: Duration = Duration::from_secs(60);

fn command(host: &str) -> ExecOrder {
    ExecOrder {
        jump: Vec::new(),
        target: Target::new(host, 22, "me"),
        credentials: Credentials::of_password("secret"),
        program: Program { command: Some("true".into()), ..Program::default() },
        caller: None,
        time: TIME,
        output: 8,
    }
}

type Running = JoinHandle<Result<Executed, ExecError>>;

fn start(registry: &Arc<Registry>, order: ExecOrder) -> Running {
    let registry = Arc::clone(registry);
    tokio::spawn(async move { registry.exec(order, HERE).await })
}

/// A command that was started, and its far end.
async fn started(bench: &mut Bench) -> (Running, FarEnd) {
    let running = start(&bench.registry, command("example"));
    (running, bench.far_ends.recv().await.unwrap())
}

fn kept(text: &'static str, truncated: bool) -> Printed {
    Printed { bytes: text.into(), truncated }
}

#[tokio::test(start_paused = true)]
async fn the_beginning_of_both_outputs_is_kept_and_the_rest_is_read() {
    let mut bench = Bench::new();
    let (running, far_end) = started(&mut bench).await;
    for event in [
        ShellEvent::Output("12345".into()),
        ShellEvent::Error("oh no".into()),
        ShellEvent::Output("6789".into()),
        ShellEvent::Exit(Exit::Status(3)),
        ShellEvent::Output("0".into()),
    ] {
        far_end.events.send(event).await.unwrap();
    }
    drop(far_end);
    let executed = running.await.unwrap().unwrap();
    assert_eq!(executed.reason, CloseReason::Exited(Exit::Status(3)));
    assert_eq!((executed.stdout, executed.stderr), (kept("12345678", true), kept("oh no", false)));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_does_not_end_is_ended() {
    let mut bench = Bench::new();
    let (running, mut far_end) = started(&mut bench).await;
    let begun = Instant::now();
    far_end.events.send(ShellEvent::Output("begun".into())).await.unwrap();
    assert_eq!(far_end.sent.recv().await, Some(Sent::Closed));
    assert_eq!(begun.elapsed(), TIME);
    let executed = running.await.unwrap().unwrap();
    assert_eq!((executed.reason, executed.stdout), (CloseReason::MaxDuration, kept("begun", false)));
    assert_eq!(executed.lasted, TIME);
}

#[tokio::test(start_paused = true)]
async fn what_a_command_leaves_behind_does_not_hide_its_status() {
    let mut bench = Bench::new();
    let (running, far_end) = started(&mut bench).await;
    far_end.events.send(ShellEvent::Exit(Exit::Status(0))).await.unwrap();
    let executed = running.await.unwrap().unwrap();
    assert_eq!((executed.reason, executed.lasted), (CloseReason::Exited(Exit::Status(0)), TIME));
}

#[tokio::test(start_paused = true)]
async fn a_lost_link_is_told_with_what_came_before_it() {
    let mut bench = Bench::new();
    let (running, far_end) = started(&mut bench).await;
    far_end.events.send(ShellEvent::Output("half".into())).await.unwrap();
    far_end.events.send(ShellEvent::LinkLost).await.unwrap();
    let executed = running.await.unwrap().unwrap();
    assert_eq!((executed.reason, executed.stdout), (CloseReason::LinkLost, kept("half", false)));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_nobody_waits_for_is_ended() {
    let mut bench = Bench::new();
    let (running, mut far_end) = started(&mut bench).await;
    running.abort();
    assert_eq!(far_end.sent.recv().await, Some(Sent::Closed));
}

#[tokio::test(start_paused = true)]
async fn it_counts_as_a_session_while_it_runs() {
    let quotas = Quotas { sessions: 1, ..Quotas::default() };
    let mut bench = Bench::with(Options { quotas, ..Options::default() });
    let (running, far_end) = started(&mut bench).await;
    let full = IssueError::TooManySessions { of_caller: false };
    assert_eq!(bench.registry.issue(order("example")).unwrap_err(), full);
    let refused = bench.registry.exec(command("example"), HERE).await.unwrap_err();
    assert_eq!(refused, ExecError::Refused(full));
    drop(far_end);
    running.await.unwrap().unwrap();
    assert!(bench.registry.issue(order("example")).is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_gateways_end_waits_for_it_and_then_ends_it() {
    let mut bench = Bench::new();
    let (running, mut far_end) = started(&mut bench).await;
    bench.registry.drain(TIME / 2).await;
    assert!(!running.is_finished());
    let refused = bench.registry.exec(command("example"), HERE).await.unwrap_err();
    assert_eq!(refused, ExecError::Refused(IssueError::ShuttingDown));
    bench.registry.shutdown().await;
    assert_eq!(far_end.sent.recv().await, Some(Sent::Closed));
    assert_eq!(running.await.unwrap().unwrap().reason, CloseReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_started_says_why_and_frees_its_place() {
    let quotas = Quotas { sessions: 1, ..Quotas::default() };
    let bench = Bench::with(Options { quotas, ..Options::default() });
    for host in ["refused", "panic"] {
        let error = bench.registry.exec(command(host), HERE).await.unwrap_err();
        assert!(matches!(error, ExecError::Dial(_)), "{host}: {error:?}");
    }
    assert!(bench.registry.issue(order("example")).is_ok());
}
