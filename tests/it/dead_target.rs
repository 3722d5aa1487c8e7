//! Targets that die without a word: frozen or killed, while a shell idles, floods, writes, or is
//! not read at all; and living ones that are only quiet.
//!
//! The patience for silence is short here; `dead_target_end_to_end.rs` waits for the product's own.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use engine::{ShellEvent, ShellGone, Transport};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use ssh::Patience;
use testkit::{PATIENCE, Sshd, SshdConfig, process};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{
    dead_target_stage::{Frozen, KILL, numbers, sockets, still},
    setup::{Result, eventually},
    ssh_dialing::{Dialing, Talk},
};

/// Short enough to wait for, and long enough for a machine that is busy with other tests.
const SHORT: Patience =
    Patience { question_after: Duration::from_millis(400), last_answer: Duration::from_millis(400) };
/// What `SHORT` comes to, and a moment more for the machine.
const SOON: Duration = Duration::from_secs(5);

/// What a session is doing when its target dies.
#[derive(Clone, Copy, Debug)]
enum Doing {
    /// Nothing.
    Idle,
    /// It prints, and is read.
    Flood,
    /// It prints, and nobody reads.
    Paused,
    /// It is written more than it takes.
    Writing,
}

const ALL: [Doing; 4] = [Doing::Idle, Doing::Flood, Doing::Paused, Doing::Writing];

impl Doing {
    fn command(self) -> &'static str {
        match self {
            Self::Idle => "echo ready; exec sleep 1000",
            Self::Flood | Self::Paused => "echo ready; exec seq 1 inf",
            Self::Writing => "stty raw -echo; printf \"ready\\r\\n\"; exec sleep 1000",
        }
    }
}

/// A session on a real sshd; the client has a runtime of its own, so that its tasks can be counted.
struct Session {
    server: Sshd,
    talk: Talk,
    /// What is being written.
    write: Option<BoxFuture<'static, std::result::Result<(), ShellGone>>>,
    /// Descriptors of sockets in this process before the client's came.
    sockets: usize,
    client: Runtime,
    _servers: Runtime,
}

impl Session {
    fn start(doing: Doing, patience: Patience, extra: &[&str]) -> Result<Self> {
        let servers = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let client = Builder::new_current_thread().enable_all().build()?;
        let config = SshdConfig {
            force_command: Some(doing.command().to_owned()),
            extra: extra.iter().map(|line| (*line).to_owned()).collect(),
            log_level: "DEBUG1".to_owned(),
            ..SshdConfig::default()
        };
        let server = servers.block_on(Sshd::with_config(config))?;
        let sockets = sockets()?;
        let key = server.client_key()?;
        let talk = client.block_on(async {
            let dialing = Dialing::to_sshd(&server).patience(patience);
            let mut talk = Talk::new(dialing.with_key(&key, None).await);
            talk.until("ready\r\n").await;
            talk
        });
        let mut session = Self { server, talk, write: None, sockets, client, _servers: servers };
        session.get_going(doing)?;
        Ok(session)
    }

    /// Brings the session to where nothing moves any more, if it is to stand still.
    fn get_going(&mut self, doing: Doing) -> Result {
        match doing {
            Doing::Idle => {}
            Doing::Flood => self.client.block_on(async {
                self.talk.until("\n10000\r\n").await;
            }),
            Doing::Paused => {
                let server = &self.server;
                self.client.block_on(still(server, "seq"))?;
            }
            Doing::Writing => {
                let shell = self.talk.transport.shell.clone();
                let (mut write, server) = (shell.write(Bytes::from(vec![b'x'; 16 << 20])), &self.server);
                self.client.block_on(async {
                    tokio::select! {
                        _ = &mut write => anyhow::bail!("16 MiB were taken"),
                        stands = still(server, "sshd") => stands,
                    }
                })?;
                self.write = Some(write);
            }
        }
        Ok(())
    }

    /// Waits until the client says that the target is gone; what is read meanwhile is returned.
    fn until_gone(&mut self, reads: bool) -> Vec<ShellEvent> {
        let mut events = Vec::new();
        let gone = self.talk.transport.shell.clone().gone();
        self.client.block_on(async {
            let mut gone = pin!(timeout(PATIENCE, gone));
            loop {
                tokio::select! {
                    noticed = &mut gone => break noticed.expect("the death is noticed"),
                    Some(event) = self.talk.transport.events.next(), if reads => events.push(event),
                }
            }
        });
        events
    }

    /// Reads what is left, and checks that it is the rest and the end.
    fn check_rest(&mut self, doing: Doing, mut events: Vec<ShellEvent>) -> Result {
        let rest = self.talk.transport.events.by_ref().collect::<Vec<_>>();
        events.extend(self.client.block_on(async { timeout(PATIENCE, rest).await })?);
        assert_eq!(events.pop(), Some(ShellEvent::LinkLost), "{doing:?}");
        let printed = self.talk.printed_before(&events);
        match doing {
            Doing::Flood | Doing::Paused => assert!(numbers(&printed)? > 10_000, "{doing:?}"),
            Doing::Idle | Doing::Writing => assert!(events.is_empty(), "{doing:?}: {events:?}"),
        }
        if let Some(write) = self.write.take() {
            let written = self.client.block_on(async { timeout(PATIENCE, write).await })?;
            assert_eq!(written, Err(ShellGone));
        }
        Ok(())
    }

    /// Drops the transport, and checks that nothing of the client is left.
    fn check_nothing_left(self) -> Result {
        let Self { server, talk, write, sockets: before, client, .. } = self;
        drop((talk, write));
        client.block_on(eventually(async || {
            let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
            Ok(tasks == 0 && sockets()? == before)
        }))?;
        drop(server);
        Ok(())
    }
}

/// The end comes soon, behind all output, and leaves nothing.
fn ends_soon(mut session: Session, doing: Doing) -> Result {
    let started = Instant::now();
    let events = session.until_gone(matches!(doing, Doing::Flood));
    assert!(started.elapsed() < SOON, "{doing:?}: {:?}", started.elapsed());
    session.check_rest(doing, events)?;
    session.check_nothing_left()
}

#[test]
fn a_frozen_server_is_noticed_whatever_the_session_does() -> Result {
    for doing in ALL {
        let session = Session::start(doing, SHORT, &[])?;
        let _frozen = Frozen::freeze(&session.server)?;
        ends_soon(session, doing)?;
    }
    Ok(())
}

#[test]
fn a_killed_server_is_noticed_at_once_whatever_the_session_does() -> Result {
    for doing in ALL {
        // Nothing but the end of the connection can tell of it.
        let session = Session::start(doing, Patience::default(), &[])?;
        for connection in session.server.connections() {
            process::signal(connection, KILL)?;
        }
        ends_soon(session, doing)?;
    }
    Ok(())
}

#[test]
fn a_shell_on_a_frozen_server_closes_within_two_seconds() -> Result {
    for doing in ALL {
        let session = Session::start(doing, Patience::default(), &[])?;
        let _frozen = Frozen::freeze(&session.server)?;
        let started = Instant::now();
        session.client.block_on(session.talk.transport.shell.clone().close());
        assert!(started.elapsed() < Duration::from_secs(2), "{doing:?}: {:?}", started.elapsed());
        session.check_nothing_left()?;
    }
    Ok(())
}

#[test]
fn a_server_that_is_only_quiet_is_asked_and_kept() -> Result {
    for doing in [Doing::Idle, Doing::Paused, Doing::Writing] {
        let session = Session::start(doing, SHORT, &[])?;
        session.client.block_on(answered(&session, "keepalive@openssh.com", 8))?;
        assert!(session.talk.transport.shell.clone().gone().now_or_never().is_none(), "{doing:?}");
        session.check_nothing_left()?;
    }
    Ok(())
}

#[test]
fn keys_are_renewed_although_nobody_reads() -> Result {
    let mut session = Session::start(Doing::Paused, SHORT, &["RekeyLimit default 1"])?;
    session.client.block_on(answered(&session, "SSH2_MSG_NEWKEYS received", 4))?;
    assert!(session.talk.transport.shell.clone().gone().now_or_never().is_none());
    let frozen = Frozen::freeze(&session.server)?;
    let events = session.until_gone(false);
    session.check_rest(Doing::Paused, events)?;
    drop(frozen);
    session.check_nothing_left()
}

/// Waits until sshd has logged a line with these words so often.
async fn answered(session: &Session, words: &str, times: usize) -> Result {
    eventually(async || Ok(session.server.log().iter().filter(|line| line.contains(words)).count() >= times))
        .await
}

#[tokio::test]
async fn input_and_sizes_pass_although_nobody_reads() -> Result {
    let dir = tempfile::tempdir()?;
    let (line, size) = (dir.path().join("line"), dir.path().join("size"));
    let command = format!(
        "stty -echo; trap 'stty size > {size}' WINCH; echo ready; seq 1 inf & read line; echo \"$line\" > \
         {line}; while :; do sleep 1000 & wait $!; done",
        size = size.display(),
        line = line.display(),
    );
    let force_command = Some(format!("exec bash -c '{}'", command.replace('\'', "'\\''")));
    let server = Sshd::with_config(SshdConfig { force_command, ..SshdConfig::default() }).await?;
    let mut talk = Talk::new(Dialing::to_sshd(&server).with_key(&server.client_key()?, None).await);
    talk.until("ready\r\n").await;
    still(&server, "seq").await?;
    talk.type_in("typed\n").await;
    eventually(async || Ok(std::fs::read_to_string(&line).is_ok_and(|text| text == "typed\n"))).await?;
    let Transport { shell, .. } = &talk.transport;
    shell.clone().resize(engine::TermSize::clamped(71, 17)).await?;
    eventually(async || Ok(std::fs::read_to_string(&size).is_ok_and(|text| text == "17 71\n"))).await
}
