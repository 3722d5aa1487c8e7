//! One client: login, channels and their requests, each by the letter of RFC 4252 and 4254.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use russh::{
    Channel, ChannelId, ChannelOpenFailure, ChannelWriteHalf, MethodKind, MethodSet, Pty, Sig,
    server::{Auth, ChannelOpenHandle, Handler, Msg, Session},
};
use tokio::sync::Notify;

use crate::{
    Program, Quirk,
    channel::{Command, CommandSender, Commands, Exit, Output, commands},
    record::{Attempt, Terminal},
    script,
    server::Shared,
    shell,
};

/// The window of a channel, in bytes.
pub(crate) const WINDOW: u32 = 256 * 1024;
/// A client gets only [`TRICKLE`] of window while so much of its input waits.
const MUCH_INPUT: usize = 1024 * 1024;
/// A window can be made small and not be withheld: the library renews it on its own.
const TRICKLE: u32 = 2;

/// One connection.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    logged_in: Arc<Notify>,
    channels: HashMap<ChannelId, Open>,
}

/// A session channel.
struct Open {
    terminal: Option<Terminal>,
    /// Present until the shell starts.
    writer: Option<ChannelWriteHalf<Msg>>,
    /// Present once the shell has started.
    program: Option<CommandSender>,
}

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>, logged_in: Arc<Notify>) -> Self {
        Self { shared, logged_in, channels: HashMap::new() }
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.shared.quirk == Some(quirk)
    }

    fn attempt(&self, method: &'static str, username: &str, accepted: bool) -> Auth {
        let attempt = Attempt { method, username: username.to_owned(), accepted };
        self.shared.recorder.note(|record| record.logins.push(attempt));
        if accepted {
            return Auth::Accept;
        }
        let offered = if self.has(Quirk::NoPasswords) { MethodKind::PublicKey } else { MethodKind::Password };
        Auth::Reject { proceed_with_methods: Some(MethodSet::from(&[offered][..])), partial_success: false }
    }

    fn send(&self, channel: ChannelId, command: Command) {
        if let Some(program) = self.channels.get(&channel).and_then(|open| open.program.as_ref()) {
            program.send(command);
        }
    }

    /// Starts the program on a channel that has a pty and no program yet.
    fn start(&mut self, id: ChannelId, session: &Session) -> bool {
        let Some(open) = self.channels.get_mut(&id) else { return false };
        let (Some(terminal), Some(writer)) = (open.terminal.clone(), open.writer.take()) else {
            return false;
        };
        let (sender, commands) = commands();
        open.program = Some(sender);
        let output = Output { id, writer, handle: session.handle() };
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn(run(shared, terminal, output, commands));
        true
    }

    /// Tries what a client must never allow: channels that it did not ask for.
    fn open_channels(&self, session: &Session) {
        let (handle, recorder) = (session.handle(), self.shared.recorder.clone());
        self.shared.tasks.spawn(async move {
            let session = handle.channel_open_session().await.is_ok();
            let agent = handle.channel_open_agent().await.is_ok();
            let x11 = handle.channel_open_x11("127.0.0.1", 6000).await.is_ok();
            let forwarded =
                handle.channel_open_forwarded_tcpip("127.0.0.1", 80, "127.0.0.1", 1).await.is_ok();
            let tcpip = handle.channel_open_direct_tcpip("127.0.0.1", 80, "127.0.0.1", 1).await.is_ok();
            recorder.note(|record| {
                record.opened = vec![
                    ("session", session),
                    ("auth-agent@openssh.com", agent),
                    ("x11", x11),
                    ("forwarded-tcpip", forwarded),
                    ("direct-tcpip", tcpip),
                ];
            });
        });
    }
}

/// Runs one program and tells the client how it ended.
async fn run(shared: Arc<Shared>, terminal: Terminal, output: Output, mut commands: Commands) {
    let ended = async {
        match &shared.program {
            Program::AccountShell => shell::run(&terminal, &shared.environment, &output, &mut commands).await,
            Program::Scripted(script) => Ok(script::run(script, &output, &mut commands).await),
        }
    };
    match ended.await {
        Ok(exit) => output.finish(exit).await,
        Err(error) => {
            tracing::warn!(%error, "the shell did not start");
            output.finish(Some(Exit::Status(127))).await;
        }
    }
    shared.recorder.note(|record| record.shells_ended += 1);
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Self::Error> {
        Ok(self.attempt("none", user, false))
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        if self.has(Quirk::LoginUnanswered) {
            self.attempt("password", user, false);
            self.shared.stop.cancelled().await;
        }
        if self.has(Quirk::LinkDropsAtLogin) {
            self.attempt("password", user, false);
            return Err(russh::Error::Disconnect);
        }
        let right = !self.has(Quirk::NoPasswords) && self.shared.account.admits(user, password);
        Ok(self.attempt("password", user, right))
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        _offer: russh::server::PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.attempt("publickey", user, false))
    }

    async fn auth_succeeded(&mut self, session: &mut Session) -> Result<(), Self::Error> {
        self.logged_in.notify_one();
        if self.has(Quirk::OpensChannels) {
            self.open_channels(session);
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.has(Quirk::ChannelUnanswered) {
            self.shared.tasks.spawn(keep_unanswered(self.shared.clone(), reply));
            return Ok(());
        }
        if self.has(Quirk::ChannelRefused) {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        }
        let id = channel.id();
        // Input comes through `data`, which never waits; the channel's own queue would.
        let (_, writer) = channel.split();
        self.channels.insert(id, Open { terminal: None, writer: Some(writer), program: None });
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        cols: u32,
        rows: u32,
        _pixel_width: u32,
        _pixel_height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let terminal = Terminal { term: term.to_owned(), cols, rows };
        self.shared.recorder.note(|record| record.terminal = Some(terminal.clone()));
        match self.channels.get_mut(&channel) {
            Some(open) if self.shared.quirk != Some(Quirk::PtyRefused) => {
                open.terminal = Some(terminal);
                session.channel_success(channel)
            }
            _ => session.channel_failure(channel),
        }
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let variable = (name.to_owned(), value.to_owned());
        self.shared.recorder.note(|record| record.environment.push(variable));
        session.channel_failure(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        if self.has(Quirk::ShellRefused) {
            return session.channel_failure(channel);
        }
        // The answer goes out before the program can print.
        session.channel_success(channel)?;
        if !self.start(channel, session) {
            session.close(channel)?;
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // A script is the command, whatever it is called; a shell of the account's is for terminals.
        match (&self.shared.program, self.channels.get_mut(&channel)) {
            (Program::Scripted(_), Some(open)) => _ = open.terminal.get_or_insert_default(),
            _ => return session.channel_failure(channel),
        }
        self.shell_request(channel, session).await
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        cols: u32,
        rows: u32,
        _pixel_width: u32,
        _pixel_height: u32,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.shared.recorder.note(|record| record.window_changes.push((cols, rows)));
        let cells = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
        self.send(channel, Command::Resize { cols: cells(cols), rows: cells(rows) });
        Ok(())
    }

    async fn signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.shared.recorder.note(|record| record.signals.push(format!("{signal:?}")));
        self.send(channel, Command::Signal(signal));
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.has(Quirk::LinkDropsAtInput) {
            return Err(russh::Error::Disconnect);
        }
        self.shared.recorder.note(|record| record.input_bytes += data.len() as u64);
        self.send(channel, Command::Input(Bytes::copy_from_slice(data)));
        Ok(())
    }

    fn adjust_window(&mut self, channel: ChannelId, _current: u32) -> u32 {
        let program = self.channels.get(&channel).and_then(|open| open.program.as_ref());
        if program.is_some_and(|program| program.waiting() > MUCH_INPUT) { TRICKLE } else { WINDOW }
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        // The program notices that its queue has no other end any more.
        self.channels.remove(&channel);
        Ok(())
    }
}

/// Dropping the reply would refuse the channel.
async fn keep_unanswered(shared: Arc<Shared>, reply: ChannelOpenHandle) {
    shared.stop.cancelled().await;
    drop(reply);
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.recorder.note(|record| record.disconnections += 1);
    }
}
