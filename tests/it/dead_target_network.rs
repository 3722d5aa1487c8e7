//! A network that swallows everything without a word, in a namespace of its own.
//!
//! Only the system can tell here: the patience for silent servers is endless.

#![allow(clippy::print_stdout, reason = "whoever runs it must see that it was skipped, and the figures")]

use std::{
    env, fs,
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use engine::{ShellEvent, ShellGone};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use ssh::Patience;
use testkit::{
    PATIENCE,
    demo_sshd::{DemoSshd, Options, Program, Script, flood},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{
    dead_target_stage::still_by,
    setup::{Result, eventually},
    ssh_dialing::{Dialing, Talk},
};

const NAME: &str = "dead_target_network::a_network_that_swallows_everything_is_noticed_within_a_minute";
/// Set where the test runs itself inside the namespace.
const INSIDE: &str = "DEAD_TARGET_INSIDE";
const LIMIT: Duration = Duration::from_secs(60);
const LOOPBACK_UP: &str = "ip link set lo up";
/// A filter of one instruction: return 2, which drops the packet.
const SWALLOW: &str =
    "tc qdisc add dev lo clsact && tc filter add dev lo ingress protocol all bpf da bytecode '1,6 0 0 2'";

#[test]
fn a_network_that_swallows_everything_is_noticed_within_a_minute() -> Result {
    if env::var_os(INSIDE).is_some() {
        return inside();
    }
    let tried = in_namespace("sh", &["-c", &format!("{LOOPBACK_UP} && {SWALLOW}")]);
    if !tried.as_ref().is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: no network namespace with a filter can be made here: {tried:?}");
        return Ok(());
    }
    let program = env::current_exe()?;
    let output = in_namespace(program.to_str().context("a path")?, &["--exact", NAME, "--nocapture"])?;
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success() && said.contains("1 passed"), "it failed in the namespace");
    Ok(())
}

fn in_namespace(program: &str, arguments: &[&str]) -> Result<Output> {
    let unshare = ["--map-root-user", "--net", "--", program];
    Ok(Command::new("unshare").args(unshare).args(arguments).env(INSIDE, "1").output()?)
}

fn run(command: &str) -> Result {
    let output = Command::new("sh").args(["-c", command]).output()?;
    ensure!(output.status.success(), "{command}: {output:?}");
    Ok(())
}

/// Bytes that the loopback device has carried.
fn carried() -> Option<String> {
    let devices = fs::read_to_string("/proc/net/dev").ok()?;
    let line = devices.lines().find_map(|line| line.trim().strip_prefix("lo:"))?;
    line.split_ascii_whitespace().next().map(str::to_owned)
}

/// How many connections to this port are open on the client's side.
fn open_to(port: u16) -> Result<usize> {
    let is_open = |line: &&str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        fields.len() > 9 && fields[2].ends_with(&format!(":{port:04X}")) && fields[9] != "0"
    };
    Ok(fs::read_to_string("/proc/net/tcp")?.lines().skip(1).filter(is_open).count())
}

fn inside() -> Result {
    run(LOOPBACK_UP)?;
    let servers = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let client = Builder::new_current_thread().enable_all().build()?;
    let start = |script| {
        let options = Options { program: Program::Scripted(script), ..Options::default() };
        servers.block_on(DemoSshd::start(options))
    };
    let (echo, floods, silent) = (start(Script::Echo)?, start(Script::Flood)?, start(Script::Silent)?);
    let swallowed = async {
        // First, while nothing else moves on this device.
        let paused = open(&floods).await;
        still_by("the flood", carried).await?;
        let mut sessions = Sessions {
            idle: open(&echo).await,
            paused,
            flood: open(&floods).await,
            writing: open(&silent).await,
        };
        sessions.flood.until("\n").await;
        let closing = open(&echo).await.transport;
        run(SWALLOW)?;
        let died = Instant::now();
        closing.shell.clone().close().await;
        ensure!(died.elapsed() < Duration::from_secs(2), "closed after {:?}", died.elapsed());
        drop(closing);
        sessions.notice(died).await
    };
    client.block_on(swallowed)?;
    check_nothing_left(&client, &[&echo, &floods, &silent])
}

async fn open(server: &DemoSshd) -> Talk {
    let hour = Duration::from_secs(3600);
    let dialing = Dialing::to_demo(server).patience(Patience { question_after: hour, last_answer: hour });
    Talk::new(dialing.with_password(server.password()).await)
}

struct Sessions {
    idle: Talk,
    paused: Talk,
    flood: Talk,
    writing: Talk,
}

impl Sessions {
    /// Waits until each of them knows, and checks how it ends.
    async fn notice(mut self, died: Instant) -> Result {
        let write = self.writing.transport.shell.clone().write(Bytes::from(vec![b'x'; 16 << 20]));
        let reading = self.flood.transport.events.by_ref().collect::<Vec<_>>();
        let (idle, paused, writing, written, read) = tokio::join!(
            noticed(&self.idle, died),
            noticed(&self.paused, died),
            noticed(&self.writing, died),
            timeout(LIMIT, write),
            timeout(LIMIT, reading),
        );
        println!("noticed: idle after {:?}, paused after {:?}, writing after {:?}", idle?, paused?, writing?);
        ensure!(written? == Err(ShellGone));
        ensure!(read?.last() == Some(&ShellEvent::LinkLost));
        let rest = timeout(PATIENCE, self.paused.transport.events.by_ref().collect::<Vec<_>>()).await?;
        check_flood(rest)?;
        for talk in [&mut self.idle, &mut self.writing] {
            ensure!(talk.end().await.others == [ShellEvent::LinkLost]);
        }
        Ok(())
    }
}

fn noticed(talk: &Talk, died: Instant) -> BoxFuture<'static, Result<Duration>> {
    let gone = talk.transport.shell.clone().gone();
    async move {
        timeout(LIMIT, gone).await.context("a dead network is not noticed")?;
        Ok(died.elapsed())
    }
    .boxed()
}

/// What nobody had read is all there, and the end behind it.
fn check_flood(mut events: Vec<ShellEvent>) -> Result {
    ensure!(events.pop() == Some(ShellEvent::LinkLost));
    let mut printed = Vec::new();
    for event in events {
        match event {
            ShellEvent::Output(bytes) => printed.extend_from_slice(&bytes),
            other => anyhow::bail!("{other:?} before the end"),
        }
    }
    ensure!(printed.len() > 128 * 1024, "only {} bytes", printed.len());
    let expected: Vec<u8> = flood().flatten().take(printed.len()).collect();
    ensure!(printed == expected, "the output has a hole");
    Ok(())
}

fn check_nothing_left(client: &Runtime, servers: &[&DemoSshd]) -> Result {
    client.block_on(eventually(async || {
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let open: Result<usize> = servers.iter().map(|server| open_to(server.port())).sum();
        Ok(tasks == 0 && open? == 0)
    }))
}
