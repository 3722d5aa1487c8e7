//! The user's own shell on a real pty, from the first prompt to the last byte.
//!
//! Must not know how a client logs in. Whatever the end, no process of the session is left.

use std::{
    collections::VecDeque, env, ffi::OsString, future::Future, io, os::unix::process::ExitStatusExt as _,
    path::Path, pin::Pin, process::ExitStatus, time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use pty_process::{OwnedReadPty, OwnedWritePty, Pts, Size};
use russh::Sig;
use rustix::{
    process::{Pid, Signal},
    termios::{InputModes, OptionalActions, tcgetattr, tcsetattr},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Child,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    channel::{Command, Commands, Exit, Output},
    record::Terminal,
    tree::SessionProcesses,
};

/// How long processes have between SIGHUP and SIGKILL.
const GRACE: Duration = Duration::from_millis(500);
/// The shell is gone and the pty silent for so long: nothing follows.
const SILENCE: Duration = Duration::from_millis(250);
/// The most that is read after everything was killed; what the kernel can hold is less.
const LEFT_OVER: usize = 256 * 1024;
const CHUNK: usize = 32 * 1024;
/// What describes the terminal this process was started in, or belongs to the gateway.
const NOT_INHERITED: [&str; 7] =
    ["COLUMNS", "LINES", "STY", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "TMUX", "WINDOWID"];
const SECRET_PREFIX: &str = "ALFRESCO_SSH_";

/// Runs the shell until it exits, or until the client closes the channel (`None`).
pub(crate) async fn run(
    terminal: &Terminal,
    environment: &[(String, String)],
    output: &Output,
    commands: &mut Commands,
) -> io::Result<Option<Exit>> {
    let (pty, pts) = pty_process::open().map_err(io::Error::other)?;
    pty.resize(size(terminal.cols, terminal.rows)).map_err(io::Error::other)?;
    let mut child = spawn(terminal, environment, pts)?;
    let mut processes = processes_of(&child)?;
    let (reader, writer) = pty.into_split();
    let last_call = CancellationToken::new();
    let copying = copy(reader, output, &last_call);
    tokio::pin!(copying);
    let mut copied = false;

    let lives = async {
        tokio::select! {
            status = child.wait() => Some(status),
            () = feed(commands, writer, &processes) => None,
        }
    };
    let Some(status) = while_copying(copying.as_mut(), &mut copied, lives).await else {
        end(&mut child, &mut processes).await;
        return Ok(None);
    };
    processes.signal_all(Signal::HUP);
    if !copied {
        tokio::select! {
            () = copying.as_mut() => copied = true,
            () = sleep(GRACE) => {}
        }
    }
    processes.end().await;
    last_call.cancel();
    if !copied {
        tokio::select! {
            () = copying => {}
            () = closed(commands) => return Ok(None),
        }
    }
    Ok(Some(exit_of(status?)))
}

/// Waits for `other` and goes on copying meanwhile.
async fn while_copying<T>(
    mut copying: Pin<&mut impl Future<Output = ()>>,
    copied: &mut bool,
    other: impl Future<Output = T>,
) -> T {
    tokio::pin!(other);
    loop {
        tokio::select! {
            value = &mut other => return value,
            () = copying.as_mut(), if !*copied => *copied = true,
        }
    }
}

/// Copies what is printed until nobody holds the terminal any more, or the client is gone.
async fn copy(mut reader: OwnedReadPty, output: &Output, last_call: &CancellationToken) {
    let mut buffer = BytesMut::with_capacity(CHUNK);
    let mut left_over = LEFT_OVER;
    while left_over > 0 {
        buffer.reserve(CHUNK);
        let read = tokio::select! {
            biased;
            read = reader.read_buf(&mut buffer) => read,
            () = last_call.cancelled() => {
                timeout(SILENCE, reader.read_buf(&mut buffer)).await.unwrap_or(Ok(0))
            }
        };
        // Linux reports the end of a terminal as EIO.
        let Ok(count @ 1..) = read else { return };
        if last_call.is_cancelled() {
            left_over = left_over.saturating_sub(count);
        }
        if output.send(buffer.split().freeze()).await.is_err() {
            return;
        }
    }
}

/// Hands input, sizes and signals on until the client closes the channel.
///
/// A program that reads nothing delays input only: sizes, signals and the close still get through.
async fn feed(commands: &mut Commands, mut writer: OwnedWritePty, processes: &SessionProcesses) {
    let mut waiting: VecDeque<Bytes> = VecDeque::new();
    loop {
        let next = waiting.front().cloned().unwrap_or_default();
        tokio::select! {
            command = commands.next() => match command {
                Some(Command::Input(bytes)) => waiting.push_back(bytes),
                Some(Command::Resize { cols, rows }) => {
                    if let Err(error) = writer.resize(size(cols.into(), rows.into())) {
                        tracing::debug!(%error, "the pty takes no size");
                    }
                }
                Some(Command::Signal(signal)) => {
                    if let Some(signal) = signal_of(&signal) {
                        processes.signal_leader(signal);
                    }
                }
                None => return,
            },
            written = writer.write(&next), if !next.is_empty() => {
                // A terminal that nobody holds takes input and forgets it.
                let count = written.unwrap_or(next.len());
                commands.taken(count);
                advance(&mut waiting, count);
            }
        }
    }
}

fn advance(waiting: &mut VecDeque<Bytes>, count: usize) {
    if let Some(front) = waiting.front_mut() {
        front.advance(count);
        if front.is_empty() {
            waiting.pop_front();
        }
    }
}

async fn closed(commands: &mut Commands) {
    while commands.next().await.is_some() {}
}

/// Hangs up as a terminal does, and kills what stays.
async fn end(child: &mut Child, processes: &mut SessionProcesses) {
    processes.signal_all(Signal::HUP);
    // An interactive shell hangs its jobs up itself before it goes.
    let _ = timeout(GRACE, child.wait()).await;
    processes.end().await;
    if let Err(error) = child.wait().await {
        tracing::warn!(%error, "the shell cannot be waited for");
    }
}

fn spawn(terminal: &Terminal, environment: &[(String, String)], pts: Pts) -> io::Result<Child> {
    let mut modes = tcgetattr(&pts)?;
    // Erasing takes a whole character, not a byte.
    modes.input_modes |= InputModes::IUTF8;
    tcsetattr(&pts, OptionalActions::Now, &modes)?;

    let variable = |wanted: &str| {
        let given = environment.iter().find(|(name, _)| name == wanted);
        given.map(|(_, value)| OsString::from(value)).or_else(|| env::var_os(wanted))
    };
    let shell = variable("SHELL").filter(|shell| Path::new(shell).is_file());
    let shell = shell.unwrap_or_else(|| OsString::from("/bin/sh"));
    // Login shells read the user's start-up files; a dash in front of the name asks for one.
    let mut login_name = OsString::from("-");
    login_name.push(Path::new(&shell).file_name().unwrap_or(&shell));

    let mut command = tokio::process::Command::new(&shell);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with(SECRET_PREFIX) || NOT_INHERITED.contains(&text.as_ref()) {
            command.env_remove(&name);
        }
    }
    command.envs(environment.iter().cloned()).env("TERM", &terminal.term).env("SHELL", &shell);
    if let Some(home) = variable("HOME").filter(|home| Path::new(home).is_dir()) {
        command.current_dir(home);
    }
    command.arg0(login_name).kill_on_drop(true);
    pty_process::Command::from(command).spawn(pts).map_err(io::Error::other)
}

fn processes_of(child: &Child) -> io::Result<SessionProcesses> {
    let leader = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    leader.map(SessionProcesses::led_by).ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn size(cols: u32, rows: u32) -> Size {
    let cells = |count: u32| u16::try_from(count).unwrap_or(u16::MAX).max(1);
    Size::new(cells(rows), cells(cols))
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Status(code.cast_unsigned()),
        (None, Some(number)) => Exit::Signal(name_of(number)),
        (None, None) => Exit::Status(1),
    }
}

/// RFC 4254 names these without `SIG`; others carry an `@`.
fn name_of(number: i32) -> Sig {
    let named = [
        (Signal::ABORT, Sig::ABRT),
        (Signal::ALARM, Sig::ALRM),
        (Signal::FPE, Sig::FPE),
        (Signal::HUP, Sig::HUP),
        (Signal::ILL, Sig::ILL),
        (Signal::INT, Sig::INT),
        (Signal::KILL, Sig::KILL),
        (Signal::PIPE, Sig::PIPE),
        (Signal::QUIT, Sig::QUIT),
        (Signal::SEGV, Sig::SEGV),
        (Signal::TERM, Sig::TERM),
        (Signal::USR1, Sig::USR1),
    ];
    let named = named.into_iter().find(|(signal, _)| signal.as_raw() == number);
    named.map_or_else(|| Sig::Custom(format!("{number}@alfresco-ssh")), |(_, name)| name)
}

/// The signals that a client may send.
fn signal_of(name: &Sig) -> Option<Signal> {
    Some(match name {
        Sig::HUP => Signal::HUP,
        Sig::INT => Signal::INT,
        Sig::KILL => Signal::KILL,
        Sig::QUIT => Signal::QUIT,
        Sig::TERM => Signal::TERM,
        Sig::USR1 => Signal::USR1,
        _ => return None,
    })
}
