//! Ends: whatever is dropped, closed or cut, the connection and its task are gone.

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use engine::{Credentials, Exit, ShellEvent, ShellGone, Step};
use futures_util::{FutureExt as _, StreamExt as _};
use testkit::{
    PATIENCE, Sshd, SshdConfig,
    demo_sshd::{DemoSshd, Options, Program, Quirk, Script},
    process,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{
    ssh_dialing::{Dialing, Talk},
    ssh_odd_server::{OddServer, Oddity},
};

/// The server has a runtime of its own, so that the client's tasks can be counted.
struct Stage {
    servers: Runtime,
    client: Runtime,
}

impl Stage {
    fn new() -> Self {
        let servers = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = Builder::new_current_thread().enable_all().build().unwrap();
        Self { servers, client }
    }

    fn demo(&self, script: Script, quirk: Option<Quirk>) -> DemoSshd {
        let options = Options { program: Program::Scripted(script), quirk, ..Options::default() };
        self.servers.block_on(DemoSshd::start(options)).unwrap()
    }

    /// Waits until the server has seen every connection end and the client has no task left.
    fn all_gone(&self, server: &DemoSshd) {
        let mut record = server.record();
        let gone =
            record.wait_for(|record| record.connections > 0 && record.disconnections == record.connections);
        self.client
            .block_on(async { timeout(PATIENCE, gone).await.expect("the server sees the end").unwrap() });
        self.no_tasks();
    }

    fn no_tasks(&self) {
        let idle = async {
            while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
                tokio::task::yield_now().await;
            }
        };
        self.client.block_on(async { timeout(PATIENCE, idle).await.expect("the client's tasks end") });
    }
}

/// Drives a future until it has come to a step and waits for the server.
async fn drive_to(
    dialing: &Dialing,
    step: Step,
    dial: impl Future<Output: Sized>,
    server: &DemoSshd,
    arrived: impl Fn(&testkit::demo_sshd::Record) -> bool,
) {
    let mut dial = pin!(dial);
    let mut record = server.record();
    let there = async {
        record.wait_for(|record| arrived(record)).await.unwrap();
        while !dialing.person.steps().contains(&step) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut dial => panic!("the dial ended"),
        there = timeout(PATIENCE, there) => there.expect("the dial comes that far"),
    }
    // The future is dropped here.
}

#[test]
fn a_dial_that_is_dropped_at_any_step_leaves_nothing() {
    for (quirk, step) in [(Quirk::LoginUnanswered, Step::Auth), (Quirk::ChannelUnanswered, Step::Shell)] {
        let stage = Stage::new();
        let server = stage.demo(Script::Echo, Some(quirk));
        let dialing = Dialing::to_demo(&server);
        let credentials = Credentials::of_password(server.password());
        stage.client.block_on(async {
            let arrived = |record: &testkit::demo_sshd::Record| {
                record.logins.iter().any(|login| login.method == "password")
            };
            drive_to(&dialing, step, dialing.start(credentials), &server, arrived).await;
        });
        stage.no_tasks();
        if step == Step::Shell {
            // The other server never looks at its socket.
            stage.all_gone(&server);
        }
    }
}

#[test]
fn a_dial_may_be_dropped_at_every_single_wait() {
    let stage = Stage::new();
    let server = stage.demo(Script::Echo, None);
    let dialing = Dialing::to_demo(&server);
    let mut waits = 0;
    let mut reached = Vec::new();
    loop {
        reached.clone_from(&dialing.person.steps());
        let credentials = Credentials::of_password(server.password());
        let opened = stage.client.block_on(async {
            let mut left = waits;
            let mut dial = pin!(dialing.start(credentials));
            poll_fn(|cx| match dial.as_mut().poll(cx) {
                Poll::Ready(dialed) => Poll::Ready(dialed.is_ok()),
                Poll::Pending if left == 0 => Poll::Ready(false),
                Poll::Pending => {
                    left -= 1;
                    Poll::Pending
                }
            })
            .await
        });
        stage.no_tasks();
        if opened {
            break;
        }
        waits += 1;
    }
    for step in [Step::Dial, Step::Handshake, Step::Auth, Step::Shell] {
        assert!(reached.contains(&step), "no dial was dropped in {step:?}, of {waits}");
    }
    stage.all_gone(&server);
}

#[test]
fn a_dial_that_is_dropped_in_the_handshake_closes_the_socket() {
    // With a greeting the key exchange begins, in a task of its own.
    for (greeting, expected) in [("", "SSH-2.0-"), ("SSH-2.0-x\r\n", "curve25519-sha256")] {
        let stage = Stage::new();
        stage.client.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let dialing = Dialing::to(listener.local_addr().unwrap().port(), "u");
            let mut dial = Box::pin(dialing.start(Credentials::of_password("p")));
            let server = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(greeting.as_bytes()).await.unwrap();
                let mut heard = Vec::new();
                while !String::from_utf8_lossy(&heard).contains(expected) {
                    assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0);
                }
                stream
            };
            let mut stream = tokio::select! {
                _ = &mut dial => panic!("the dial ended"),
                stream = timeout(PATIENCE, server) => stream.expect("the client talks"),
            };
            drop(dial);
            let mut rest = Vec::new();
            let end = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
            // An end or a reset: either way the socket is closed.
            let _ = end.expect("the socket closes");
        });
        stage.no_tasks();
    }
}

#[test]
fn a_transport_that_is_dropped_leaves_nothing_even_in_a_flood() {
    for script in [Script::Echo, Script::Flood] {
        let stage = Stage::new();
        let server = stage.demo(script, None);
        let dialing = Dialing::to_demo(&server);
        let talk = stage.client.block_on(async { Talk::new(dialing.with_password(server.password()).await) });
        drop(talk);
        stage.all_gone(&server);
    }
}

#[test]
fn events_that_are_dropped_end_the_connection_although_the_shell_is_held() {
    let stage = Stage::new();
    let server = stage.demo(Script::Echo, None);
    let dialing = Dialing::to_demo(&server);
    let talk = stage.client.block_on(async { Talk::new(dialing.with_password(server.password()).await) });
    let shell = talk.transport.shell;
    drop(talk.transport.events);
    stage.all_gone(&server);
    let written = stage.client.block_on(shell.write(Bytes::from_static(b"x")));
    assert_eq!(written, Err(ShellGone));
}

#[test]
fn closing_takes_less_than_two_seconds_and_leaves_nothing() {
    for script in [Script::Echo, Script::Flood] {
        let stage = Stage::new();
        let server = stage.demo(script.clone(), None);
        let dialing = Dialing::to_demo(&server);
        let mut talk =
            stage.client.block_on(async { Talk::new(dialing.with_password(server.password()).await) });
        let took = stage.client.block_on(async {
            let started = Instant::now();
            talk.transport.shell.clone().close().await;
            started.elapsed()
        });
        assert!(took < Duration::from_secs(2), "{script:?}: {took:?}");
        // Whoever reads on comes to an end; nobody has to.
        stage.client.block_on(talk.end());
        drop(talk);
        stage.all_gone(&server);
    }
}

#[test]
fn a_close_cuts_the_connection_although_nobody_reads_the_flood() {
    let stage = Stage::new();
    let server = stage.demo(Script::Flood, None);
    let dialing = Dialing::to_demo(&server);
    let talk = stage.client.block_on(async { Talk::new(dialing.with_password(server.password()).await) });
    stage.client.block_on(talk.transport.shell.clone().close());
    let mut record = server.record();
    stage.client.block_on(async {
        let gone = record.wait_for(|record| record.disconnections == 1);
        timeout(PATIENCE, gone).await.expect("the server sees the end").unwrap();
    });
    drop(talk);
    stage.no_tasks();
}

#[tokio::test]
async fn a_close_ends_the_remote_shell() {
    let server = Sshd::start().await.unwrap();
    let mut talk = Talk::new(Dialing::to_sshd(&server).with_key(&server.client_key().unwrap(), None).await);
    talk.until("$ ").await;
    talk.type_in("echo \"p\"\"id=$$=\"\n").await;
    talk.until("pid=").await;
    let pid = talk.until("=").await.parse().unwrap();
    assert!(process::is_alive(pid));
    talk.transport.shell.clone().close().await;
    process::wait_gone(pid, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_write_that_waits_for_a_window_ends_with_the_link() {
    let force_command = Some("stty raw -echo; echo ready; exec sleep 1000".to_owned());
    let server = Sshd::with_config(SshdConfig { force_command, ..Default::default() }).await.unwrap();
    let mut talk = Talk::new(Dialing::to_sshd(&server).with_key(&server.client_key().unwrap(), None).await);
    talk.until("ready").await;
    let write =
        |megabytes: usize| talk.transport.shell.clone().write(Bytes::from(vec![b'x'; megabytes << 20]));
    write(1).await.unwrap();
    // More than every buffer on the way takes.
    let write = tokio::spawn(write(16));
    drop(server);
    assert_eq!(timeout(PATIENCE, write).await.expect("the write ends").unwrap(), Err(ShellGone));
    assert_eq!(talk.end().await.others, [ShellEvent::LinkLost]);
}

#[tokio::test]
async fn what_is_printed_after_the_exit_status_arrives() {
    let server = OddServer::start(Oddity::TalksAfterTheExit).await;
    let mut talk = Talk::new(Dialing::to(server.port, "u").with_password("").await);
    let events: Vec<ShellEvent> = timeout(PATIENCE, talk.transport.events.by_ref().collect()).await.unwrap();
    let (before, after) = (Bytes::from_static(b"before "), Bytes::from_static(b"after "));
    let exit = ShellEvent::Exit(Exit::Status(3));
    assert_eq!(events, [ShellEvent::Error(before), exit, ShellEvent::Output(after)]);
}

#[tokio::test]
async fn a_server_that_leaves_after_the_exit_status_has_not_lost_the_link() {
    let server = OddServer::start(Oddity::LeavesAfterTheExit).await;
    let mut talk = Talk::new(Dialing::to(server.port, "u").with_password("").await);
    let end = talk.end().await;
    assert_eq!((end.text.as_str(), end.exit()), ("bye", Some(&Exit::Status(3))));
}

#[tokio::test]
async fn the_stream_of_events_stays_ended() {
    let program = Program::Scripted(Script::Exit(0));
    let server = DemoSshd::start(Options { program, ..Options::default() }).await.unwrap();
    let mut talk = Talk::new(Dialing::to_demo(&server).with_password(server.password()).await);
    assert_eq!(talk.end().await.exit(), Some(&Exit::Status(0)));
    let mut after = talk.transport.events.next();
    let poll = after.poll_unpin(&mut Context::from_waker(Waker::noop()));
    assert_eq!(poll, Poll::Ready(None));
}

#[tokio::test]
async fn ctrl_c_reaches_a_flood_that_is_read_slowly() {
    let program = Program::Scripted(Script::Flood);
    let server = DemoSshd::start(Options { program, ..Options::default() }).await.unwrap();
    let mut talk = Talk::new(Dialing::to_demo(&server).with_password(server.password()).await);
    // Both sides run on this thread: nobody reads until everything that can move has moved.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    let mut write = talk.transport.shell.clone().write(Bytes::from_static(b"\x03"));
    let mut stale = 0;
    let mut sent = false;
    loop {
        tokio::select! {
            written = &mut write, if !sent => {
                written.unwrap();
                sent = true;
            }
            event = timeout(PATIENCE, talk.transport.events.next()) => match event.expect("the flood goes on") {
                Some(ShellEvent::Output(bytes)) if bytes.ends_with(b"interrupted\r\n") => break,
                Some(ShellEvent::Output(bytes)) => stale += bytes.len(),
                other => panic!("{other:?} after {stale} bytes"),
            },
        }
    }
    // A window, and what may wait for its reader.
    assert!(stale > 128 * 1024, "only {stale} bytes waited");
    assert!(stale < 384 * 1024, "{stale} bytes after Ctrl-C");
}
