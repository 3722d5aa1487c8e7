//! Dialing as the engine does it, and a shell that a test can talk to.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use engine::{
    Answer, Credentials, DialError, DialOrder, Dialer as _, Exit, Fingerprint, Hop, Preset, Program, Pty,
    ShellEvent, Target, TermSize, Terminal, Transport, Unanswered,
};
use futures_util::StreamExt as _;
use ssh::{AlgorithmPolicy, HostKeyPolicy, Options, Patience, Reach, SshDialer, TargetPolicy};
use tempfile::TempDir;
use testkit::{PATIENCE, Sshd, demo_sshd::DemoSshd};
use tokio::time::timeout;

use crate::respondent::Respondent;

/// An order in the making, with a state directory of its own.
pub(crate) struct Dialing {
    pub(crate) dir: TempDir,
    pub(crate) options: Options,
    pub(crate) target: Target,
    pub(crate) terminal: Terminal,
    pub(crate) program: Program,
    pub(crate) person: Arc<Respondent>,
    /// Who lets in with its key, on the way.
    hops: Vec<(Target, String)>,
    patience: Patience,
}

impl Dialing {
    /// To a port of 127.0.0.1, learning its key.
    pub(crate) fn to(port: u16, username: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            connect_timeout: Duration::from_secs(10),
            reach: Reach { targets: TargetPolicy::with_private(), ..Reach::default() },
            host_key_policy: HostKeyPolicy::AcceptNew,
            algorithms: AlgorithmPolicy::default(),
            known_hosts: None,
            learned_hosts: dir.path().join("state/known_hosts"),
            remember_host_keys: true,
        };
        let target = Target::new("127.0.0.1", port, username);
        Self {
            dir,
            options,
            target,
            terminal: Terminal::default(),
            program: Program::default(),
            person: Arc::default(),
            hops: Vec::new(),
            patience: Patience::default(),
        }
    }

    pub(crate) fn to_sshd(server: &Sshd) -> Self {
        Self::to(server.port(), server.username())
    }

    pub(crate) fn to_demo(server: &DemoSshd) -> Self {
        Self::to(server.port(), server.username())
    }

    /// Over this jump host as well, the last one so far.
    pub(crate) fn through(mut self, server: &Sshd) -> Self {
        let hop = Target::new("127.0.0.1", server.port(), server.username());
        self.hops.push((hop, server.client_key().unwrap()));
        self
    }

    pub(crate) fn pin(mut self, host_key: &str) -> Self {
        self.target.host_keys = Fingerprint::parse_list(host_key).unwrap();
        self
    }

    pub(crate) fn policy(mut self, policy: HostKeyPolicy) -> Self {
        self.options.host_key_policy = policy;
        self
    }

    /// With this preset, which the operator allows.
    pub(crate) fn preset(mut self, preset: Preset) -> Self {
        self.options.algorithms.ceiling = Some(preset);
        self.target.algorithms.preset = Some(preset);
        self
    }

    /// With somebody who answers.
    pub(crate) fn answered(mut self, answers: impl IntoIterator<Item = Result<Answer, Unanswered>>) -> Self {
        self.person = Respondent::with(answers);
        self
    }

    /// With another patience for silent targets.
    pub(crate) fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// With an operator's known hosts file.
    pub(crate) fn known_hosts(mut self, text: &str) -> Self {
        let path = self.dir.path().join("operator");
        std::fs::write(&path, text).unwrap();
        self.options.known_hosts = Some(path);
        self
    }

    pub(crate) fn learned_hosts(&self) -> PathBuf {
        self.options.learned_hosts.clone()
    }

    /// Everything but the credentials; the future is the dialer's own.
    pub(crate) fn start(
        &self,
        credentials: Credentials,
    ) -> impl Future<Output = Result<Transport, DialError>> + 'static {
        let hop = |(target, key): &(Target, String)| Hop {
            target: target.clone(),
            credentials: Credentials::of_key(key.as_str(), None),
        };
        self.start_over(self.hops.iter().map(hop).collect(), credentials)
    }

    /// The same over these jump hosts.
    pub(crate) fn start_over(
        &self,
        jump: Vec<Hop>,
        credentials: Credentials,
    ) -> impl Future<Output = Result<Transport, DialError>> + 'static {
        let pty = Pty { terminal: self.terminal.clone(), size: TermSize::clamped(100, 30) };
        let order = DialOrder {
            jump,
            target: self.target.clone(),
            credentials,
            pty: Some(pty),
            program: self.program.clone(),
        };
        SshDialer::new(self.options.clone()).with_patience(self.patience).dial(order, self.person.clone())
    }

    pub(crate) async fn with(&self, credentials: Credentials) -> Result<Transport, DialError> {
        timeout(PATIENCE, self.start(credentials)).await.expect("the dialer keeps its own limits")
    }

    pub(crate) async fn with_password(&self, password: &str) -> Result<Transport, DialError> {
        self.with(Credentials::of_password(password)).await
    }

    pub(crate) async fn with_key(&self, key: &str, passphrase: Option<&str>) -> Result<Transport, DialError> {
        let passphrase = passphrase.map(Into::into);
        self.with(Credentials::of_key(key, passphrase)).await
    }
}

/// The error of a dial that must fail.
#[track_caller]
pub(crate) fn error(dialed: Result<Transport, DialError>) -> DialError {
    match dialed {
        Ok(_) => panic!("a shell was opened"),
        Err(error) => error,
    }
}

/// An open shell and what came of it so far.
pub(crate) struct Talk {
    pub(crate) transport: Transport,
    printed: Vec<u8>,
    exit: Option<Exit>,
}

/// How a shell ended.
#[derive(Debug)]
pub(crate) struct End {
    /// Everything that was printed.
    pub(crate) text: String,
    /// What came besides output, in order.
    pub(crate) others: Vec<ShellEvent>,
}

impl End {
    pub(crate) fn exit(&self) -> Option<&Exit> {
        match self.others.as_slice() {
            [ShellEvent::Exit(exit)] => Some(exit),
            _ => None,
        }
    }
}

impl Talk {
    pub(crate) fn new(dialed: Result<Transport, DialError>) -> Self {
        let transport = dialed.unwrap_or_else(|error| panic!("{error}"));
        Self { transport, printed: Vec::new(), exit: None }
    }

    pub(crate) async fn type_in(&self, text: &str) {
        let written = self.transport.shell.clone().write(Bytes::copy_from_slice(text.as_bytes()));
        timeout(PATIENCE, written).await.expect("the write is taken").expect("the shell is there");
    }

    /// Reads until the shell has printed `words`, and forgets what was read. A server may say how the
    /// shell ended before it passes on the last of what was printed.
    pub(crate) async fn until(&mut self, words: &str) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.printed).into_owned();
            if let Some(end) = text.find(words) {
                self.printed = text.as_bytes()[end + words.len()..].to_vec();
                return text[..end].to_owned();
            }
            let event = timeout(PATIENCE, self.transport.events.next()).await;
            match event.unwrap_or_else(|_| panic!("{words:?} never came, only {text:?}")) {
                Some(ShellEvent::Output(bytes) | ShellEvent::Error(bytes)) => {
                    self.printed.extend_from_slice(&bytes);
                }
                Some(ShellEvent::Exit(exit)) if self.exit.is_none() => self.exit = Some(exit),
                other => panic!("{words:?} never came, but {other:?} after {text:?}"),
            }
        }
    }

    /// What was printed and not waited for, and after it the output among these events.
    pub(crate) fn printed_before(&mut self, events: &[ShellEvent]) -> String {
        for event in events {
            if let ShellEvent::Output(bytes) = event {
                self.printed.extend_from_slice(bytes);
            }
        }
        String::from_utf8_lossy(&self.printed).into_owned()
    }

    /// Reads to the end.
    pub(crate) async fn end(&mut self) -> End {
        let mut others: Vec<_> = self.exit.take().map(ShellEvent::Exit).into_iter().collect();
        while let Some(event) = timeout(PATIENCE, self.transport.events.next()).await.expect("the events end")
        {
            match event {
                ShellEvent::Output(bytes) => self.printed.extend_from_slice(&bytes),
                other => others.push(other),
            }
        }
        End { text: String::from_utf8_lossy(&self.printed).into_owned(), others }
    }
}
