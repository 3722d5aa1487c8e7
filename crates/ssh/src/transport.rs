//! The shell on a session channel: opening it, its events, its writing side and its end.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use engine::{
    DialError, Exit, Program, Pty, SessionFacts, Shell, ShellEvent, ShellGone, TermSize, Transport,
};
use futures_util::{Stream, StreamExt as _, future::BoxFuture, stream};
use russh::{
    ChannelMsg, ChannelWriteHalf, Disconnect, Error, Sig,
    client::{Handle, Msg},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    agent::Agent,
    callbacks::Callbacks,
    connection::Connection,
    dial::seconds,
    fault::not_ssh,
    inbox::Inbox,
    link::{Cutter, Switch},
    options::Limits,
    pty, text,
    translated::translated,
    watch::watch,
    way::Way,
};

const DURING: &str = "before the shell was open";
/// How long a target may take to answer a farewell.
const CLOSE_LIMIT: Duration = Duration::from_millis(1500);
/// What whoever waits for the shell reads if there is no agent in it.
const NO_AGENT: &str = "Warning: the server refused agent forwarding.\r\n";
/// How many messages a server may send before it says whether there is a shell.
const EARLY_LIMIT: usize = 32;

/// Opens the shell of whoever has logged in.
///
/// # Errors
/// The server refuses a channel, the pty or the shell, is too slow, or went away.
pub(crate) async fn open(
    connection: Connection,
    way: Arc<Way>,
    pty: Option<&Pty>,
    program: &Program,
    agent: Option<Arc<Agent>>,
    limits: Limits,
) -> Result<Transport, DialError> {
    let opened = match timeout(limits.login, request(&connection, pty, program, agent)).await {
        Ok(opened) => opened?,
        Err(_) => {
            let seconds = seconds(limits.login);
            return Err(DialError::AuthTimeout { target: connection.target, seconds });
        }
    };
    let Opened { inbox, writer, early } = opened;
    let Connection { handle, notes, switch, facts, .. } = connection;
    let (handle, gone) = (Arc::new(handle), notes.gone.clone());
    tokio::spawn(watch(handle.clone(), way.pulses_to(&switch), limits.patience, gone.clone()));
    let (hops, banner) = (way.facts(), way.take_banners() + &notes.take_banner());
    let (has_terminal, cutter) = (pty.is_some(), switch.cutter());
    let shell = SshShell { handle, writer, has_terminal, gone: gone.clone(), cutter, way: way.clone() };
    let exited = early.iter().any(|event| matches!(event, ShellEvent::Exit(_)));
    let events = Events { inbox: Some(inbox), ready: early, exited, gone, way, _switch: switch };
    let facts = SessionFacts { hops, target: facts };
    let transport = Transport { events: Box::pin(events.into_stream()), shell: Arc::new(shell), facts };
    Ok(match pty {
        Some(pty) => after_banner(banner, translated(transport, &pty.terminal)),
        None => transport,
    })
}

/// The transport behind a banner, which is UTF-8 whatever the shell prints.
fn after_banner(banner: String, transport: Transport) -> Transport {
    if banner.is_empty() {
        return transport;
    }
    let Transport { events, shell, facts } = transport;
    let banner = stream::iter([ShellEvent::Output(Bytes::from(banner))]);
    Transport { events: Box::pin(banner.chain(events)), shell, facts }
}

struct Opened {
    inbox: Inbox,
    writer: ChannelWriteHalf<Msg>,
    /// What came before the server's answer.
    early: VecDeque<ShellEvent>,
}

async fn request(
    connection: &Connection,
    pty: Option<&Pty>,
    program: &Program,
    agent: Option<Arc<Agent>>,
) -> Result<Opened, DialError> {
    let refused = |what| DialError::ShellRefused { target: connection.target.clone(), what };
    let (reader, writer) = match connection.handle.channel_open_session().await {
        Ok(channel) => channel.split(),
        Err(Error::ChannelOpenFailure(_)) => return Err(refused("a session channel")),
        Err(_) => return Err(connection.end(DURING).await),
    };
    // All at once: the answers come in this order. A variable that the server does not take is no reason
    // to end, so nobody asks for an answer to it.
    let lends = agent.is_some();
    let asked = async {
        if let Some(agent) = agent {
            // Lent before it is asked for: a program may want it as soon as it runs.
            connection.notes.lend(agent);
            writer.agent_forward(true).await?;
        }
        if let Some(Pty { terminal, size }) = pty {
            let (cols, rows) = (u32::from(size.cols()), u32::from(size.rows()));
            writer.request_pty(true, &terminal.term, cols, rows, 0, 0, &pty::modes(terminal)).await?;
        }
        for (name, value) in &program.env {
            writer.set_env(false, name.as_str(), value.as_str()).await?;
        }
        match &program.command {
            Some(command) => writer.exec(true, command.as_str()).await?,
            None => writer.request_shell(true).await?,
        }
        if pty.is_some() { Ok(()) } else { writer.eof().await }
    };
    let wanted = if program.command.is_some() { "a command" } else { "a shell" };
    if asked.await.is_err() {
        return Err(connection.end(DURING).await);
    }
    let mut inbox = Inbox::new(reader, connection.gate.clone());
    let mut early = VecDeque::new();
    if lends && !connection.is_granted(&mut inbox, &mut early).await? {
        connection.notes.take_back();
        early.push_back(ShellEvent::Error(Bytes::from_static(NO_AGENT.as_bytes())));
    }
    for what in pty.map(|_| "a terminal").into_iter().chain([wanted]) {
        if !connection.is_granted(&mut inbox, &mut early).await? {
            return Err(refused(what));
        }
    }
    Ok(Opened { inbox, writer, early })
}

impl Connection {
    /// The server's answer to the next request.
    async fn is_granted(
        &self,
        inbox: &mut Inbox,
        early: &mut VecDeque<ShellEvent>,
    ) -> Result<bool, DialError> {
        match reply(inbox, early).await {
            Reply::Granted => Ok(true),
            Reply::Refused => Ok(false),
            Reply::TooMuchFirst => Err(not_ssh(&self.target, "it talks before it answers")),
            Reply::End => Err(self.end_of_channel().await),
        }
    }

    /// The channel ended before the shell was open: with the connection, or by itself.
    async fn end_of_channel(&self) -> DialError {
        if self.handle.is_closed() {
            return self.end(DURING).await;
        }
        DialError::ShellRefused { target: self.target.clone(), what: "a shell" }
    }
}

enum Reply {
    Granted,
    Refused,
    TooMuchFirst,
    End,
}

async fn reply(inbox: &mut Inbox, early: &mut VecDeque<ShellEvent>) -> Reply {
    loop {
        match inbox.next().await {
            Some(ChannelMsg::Success) => return Reply::Granted,
            Some(ChannelMsg::Failure) => return Reply::Refused,
            Some(ChannelMsg::Close) | None => return Reply::End,
            Some(message) => early.extend(event(message)),
        }
        if early.len() > EARLY_LIMIT {
            return Reply::TooMuchFirst;
        }
    }
}

/// What a message means to whoever watches the shell; nothing, for most.
fn event(message: ChannelMsg) -> Option<ShellEvent> {
    match message {
        ChannelMsg::Data { data } => Some(ShellEvent::Output(data)),
        ChannelMsg::ExtendedData { data, .. } => Some(ShellEvent::Error(data)),
        ChannelMsg::ExitStatus { exit_status } => Some(ShellEvent::Exit(Exit::Status(exit_status))),
        ChannelMsg::ExitSignal { signal_name, .. } => {
            Some(ShellEvent::Exit(Exit::Signal(signal_word(&signal_name))))
        }
        _ => None,
    }
}

fn signal_word(signal: &Sig) -> String {
    match signal {
        Sig::ABRT => "ABRT".to_owned(),
        Sig::ALRM => "ALRM".to_owned(),
        Sig::FPE => "FPE".to_owned(),
        Sig::HUP => "HUP".to_owned(),
        Sig::ILL => "ILL".to_owned(),
        Sig::INT => "INT".to_owned(),
        Sig::KILL => "KILL".to_owned(),
        Sig::PIPE => "PIPE".to_owned(),
        Sig::QUIT => "QUIT".to_owned(),
        Sig::SEGV => "SEGV".to_owned(),
        Sig::TERM => "TERM".to_owned(),
        Sig::USR1 => "USR1".to_owned(),
        Sig::Custom(name) => text::line(name, 32),
    }
}

/// The reading side. Whoever drops it has no use for the connection any more.
struct Events {
    /// None after the end.
    inbox: Option<Inbox>,
    ready: VecDeque<ShellEvent>,
    /// The shell said how it ended.
    exited: bool,
    /// Cancelled when the connection is gone.
    gone: CancellationToken,
    way: Arc<Way>,
    _switch: Switch,
}

impl Drop for Events {
    fn drop(&mut self) {
        self.way.cut();
    }
}

impl Events {
    fn into_stream(self) -> impl Stream<Item = ShellEvent> + Send {
        stream::unfold(self, async |mut events| events.next().await.map(|event| (event, events))).fuse()
    }

    async fn next(&mut self) -> Option<ShellEvent> {
        while self.ready.is_empty() {
            let message = self.inbox.as_mut()?.next().await;
            self.take(message);
            // A connection that is gone left so much and no more: all of it comes at once, so
            // that a reader in no hurry is soon at the end.
            while self.gone.is_cancelled()
                && let Some(inbox) = &mut self.inbox
            {
                let message = inbox.next().await;
                self.take(message);
            }
        }
        self.ready.pop_front()
    }

    fn take(&mut self, message: Option<ChannelMsg>) {
        match message {
            // The server may still print after it said how the shell ended, and after Eof it may
            // still say so: only Close is the end.
            Some(ChannelMsg::Close) => self.inbox = None,
            Some(message) => {
                let Some(event) = event(message) else { return };
                self.exited |= matches!(event, ShellEvent::Exit(_));
                match (self.ready.back_mut(), event) {
                    (Some(ShellEvent::Output(last)), ShellEvent::Output(next)) => join(last, &next),
                    (_, event) => self.ready.push_back(event),
                }
            }
            None => {
                self.inbox = None;
                let lost = self.way.lost().map(|hop| ShellEvent::JumpLost(hop.to_owned()));
                self.ready.extend((!self.exited).then(|| lost.unwrap_or(ShellEvent::LinkLost)));
            }
        }
    }
}

fn join(first: &mut Bytes, second: &[u8]) {
    let mut joined =
        std::mem::take(first).try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    joined.extend_from_slice(second);
    *first = joined.freeze();
}

/// The writing side.
struct SshShell {
    handle: Arc<Handle<Callbacks>>,
    writer: ChannelWriteHalf<Msg>,
    has_terminal: bool,
    /// Cancelled when the connection is gone.
    gone: CancellationToken,
    cutter: Cutter,
    way: Arc<Way>,
}

impl SshShell {
    /// Waits for a command to be taken, or for the end of the connection: russh forgets whoever
    /// waits for a window then.
    async fn unless_gone(&self, sent: impl Future<Output = Result<(), Error>>) -> Result<(), ShellGone> {
        tokio::select! {
            sent = sent => sent.map_err(|_| ShellGone),
            () = self.gone.cancelled() => Err(ShellGone),
        }
    }

    async fn farewell(&self) {
        let farewell = async {
            // The end of a terminal ends what runs in it; nothing else would end a command without one.
            if !self.has_terminal {
                self.writer.signal(Sig::TERM).await?;
            }
            self.writer.close().await?;
            self.handle.disconnect(Disconnect::ByApplication, "", "").await
        };
        if self.unless_gone(farewell).await.is_ok() {
            self.gone.cancelled().await;
        }
        self.way.farewell().await;
    }
}

impl Shell for SshShell {
    fn write(self: Arc<Self>, bytes: Bytes) -> BoxFuture<'static, Result<(), ShellGone>> {
        Box::pin(async move { self.unless_gone(self.writer.data_bytes(bytes)).await })
    }

    fn resize(self: Arc<Self>, size: TermSize) -> BoxFuture<'static, Result<(), ShellGone>> {
        Box::pin(async move {
            let (cols, rows) = (u32::from(size.cols()), u32::from(size.rows()));
            self.unless_gone(self.writer.window_change(cols, rows, 0, 0)).await
        })
    }

    fn close(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // A target that does not answer is cut off all the same.
            let _ = timeout(CLOSE_LIMIT, self.farewell()).await;
            self.cutter.cut();
            self.way.cut();
        })
    }

    fn gone(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.gone.clone().cancelled_owned())
    }
}
