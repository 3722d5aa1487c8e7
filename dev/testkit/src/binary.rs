//! The real binary as a process of its own, for what only a process shows: signals, logs, memory.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
    sync::watch,
    time::timeout,
};

use crate::{
    Http, PATIENCE,
    process::{self, ProcessId},
};

const HOST_KEY_POLICY: &str = "ALFRESCO_SSH_HOST_KEY_POLICY";

/// How the binary is started.
#[derive(Clone, Debug, Default)]
pub struct BinaryOptions {
    /// Its arguments; `--port 0` and a state directory of its own are added.
    pub arguments: Vec<String>,
    /// Environment variables besides the usual ones.
    pub environment: Vec<(String, String)>,
}

/// A running binary; dropping it kills the process.
pub struct Binary {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: watch::Receiver<String>,
    stderr: watch::Receiver<String>,
    state: TempDir,
}

impl Binary {
    /// The file: `ALFRESCO_SSH_BIN`, or what cargo built beside the running test.
    ///
    /// # Errors
    /// There is none.
    pub fn path() -> anyhow::Result<PathBuf> {
        if let Some(path) = env::var_os("ALFRESCO_SSH_BIN") {
            return Ok(path.into());
        }
        let test = env::current_exe()?;
        let beside = test.ancestors().skip(1).map(|dir| dir.join("alfresco-ssh")).find(|path| path.is_file());
        beside.context("the binary is not built: run `cargo build`, or name it in ALFRESCO_SSH_BIN")
    }

    /// Prepares a command with these arguments and an environment that holds nothing of the caller's
    /// configuration.
    ///
    /// # Errors
    /// See [`path`](Self::path).
    pub fn command(options: &BinaryOptions) -> anyhow::Result<Command> {
        Ok(Self::command_of(&Self::path()?, options))
    }

    fn command_of(program: &Path, options: &BinaryOptions) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("ALFRESCO_SSH_") {
                command.env_remove(name);
            }
        }
        command
            .args(&options.arguments)
            // What tests connect to is on this machine.
            .env("ALFRESCO_SSH_ALLOW_PRIVATE", "true")
            .envs(options.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // Nobody is there to be asked, unless a test says so.
        if !options.environment.iter().any(|(name, _)| name == HOST_KEY_POLICY) {
            command.env(HOST_KEY_POLICY, "accept-new");
        }
        command
    }

    /// Starts it on a free port.
    ///
    /// # Errors
    /// It does not say that it listens.
    pub async fn start(options: BinaryOptions) -> anyhow::Result<Self> {
        Self::start_file(&Self::path()?, options).await
    }

    /// The same with another file than [`path`](Self::path) says.
    ///
    /// # Errors
    /// It does not say that it listens.
    pub async fn start_file(program: &Path, options: BinaryOptions) -> anyhow::Result<Self> {
        let state = tempfile::Builder::new().prefix("state-").tempdir()?;
        let mut command = Self::command_of(program, &options);
        command.args(["--port", "0", "--state-dir"]).arg(state.path()).stdin(Stdio::piped());
        let mut process = command.spawn()?;
        let stdin = process.stdin.take();
        let stdout = collect(process.stdout.take().context("no stdout")?);
        let stderr = collect(process.stderr.take().context("no stderr")?);
        let binary = Self { process, stdin, stdout, stderr, state };
        binary.printed("listening on http://").await?;
        Ok(binary)
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What it printed cannot be read.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        let stdout = self.stdout.borrow();
        let address = stdout.split_once("listening on http://").and_then(|(_, rest)| rest.lines().next());
        Ok(address.context("it does not listen")?.trim().parse()?)
    }

    /// An HTTP client for it.
    ///
    /// # Errors
    /// See [`address`](Self::address).
    pub fn http(&self) -> anyhow::Result<Http> {
        Ok(Http::new(self.address()?))
    }

    /// Creates a session and returns its ticket.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn create(&self, order: &Value) -> anyhow::Result<String> {
        let body = self.http()?.post_json("/create-session", order).await?.json()?;
        body["create_session_id"].as_str().map(str::to_owned).with_context(|| body.to_string())
    }

    /// The process.
    ///
    /// # Errors
    /// It has ended.
    pub fn id(&self) -> anyhow::Result<ProcessId> {
        self.process.id().context("the process has ended")
    }

    /// Its state directory.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        self.state.path()
    }

    /// Everything it printed to stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.borrow().clone()
    }

    /// Everything it printed to stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.borrow().clone()
    }

    /// Waits until stdout contains `words`, and returns all of it.
    ///
    /// # Errors
    /// It does not within [`PATIENCE`].
    pub async fn printed(&self, words: &str) -> anyhow::Result<String> {
        self.wait_for(self.stdout.clone(), words).await
    }

    /// Waits until it has printed more than `length` bytes to stdout, and returns all of it.
    ///
    /// # Errors
    /// It does not within [`PATIENCE`].
    pub async fn printed_after(&self, length: usize) -> anyhow::Result<String> {
        let mut stdout = self.stdout.clone();
        let seen = timeout(PATIENCE, stdout.wait_for(|text| text.len() > length)).await;
        let text = seen.ok().and_then(Result::ok).map(|text| text.clone());
        text.context("it printed nothing more")
    }

    /// Waits until stderr contains `words`, and returns all of it.
    ///
    /// # Errors
    /// It does not within [`PATIENCE`].
    pub async fn logged(&self, words: &str) -> anyhow::Result<String> {
        self.wait_for(self.stderr.clone(), words).await
    }

    async fn wait_for(&self, mut from: watch::Receiver<String>, words: &str) -> anyhow::Result<String> {
        let seen = timeout(PATIENCE, from.wait_for(|text| text.contains(words))).await;
        match seen {
            Ok(Ok(text)) => Ok(text.clone()),
            _ => bail!("it never said {words:?}:\n{}\n{}", self.stdout(), self.stderr()),
        }
    }

    /// Writes to its stdin.
    ///
    /// # Errors
    /// It has ended.
    pub async fn enter(&mut self, text: &str) -> anyhow::Result<()> {
        let stdin = self.stdin.as_mut().context("its stdin is closed")?;
        Ok(stdin.write_all(text.as_bytes()).await?)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(process::signal(self.id()?, signal)?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not end within [`PATIENCE`].
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(timeout(PATIENCE, self.process.wait()).await.context("it does not end")??)
    }
}

fn collect(from: impl AsyncRead + Send + Unpin + 'static) -> watch::Receiver<String> {
    let (sender, receiver) = watch::channel(String::new());
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            sender.send_modify(|text| {
                text.push_str(&line);
                text.push('\n');
            });
        }
    });
    receiver
}
