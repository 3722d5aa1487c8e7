//! The official Socket.IO client in Node, as the original's page loads it and as it is today; and a page on
//! it that comes back by itself.

use std::{net::SocketAddr, path::Path, process::Stdio};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{PATIENCE, process::ProcessId};

/// Which release of the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientVersion {
    /// 4.0.1, which the original's page loads.
    Original,
    /// The newest when the lock file was written.
    Newest,
}

/// A client in a Node process; dropping it kills the process.
pub struct NodeClient {
    process: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it told, in order, since it connected.
    pub told: Vec<Value>,
}

impl NodeClient {
    /// Connects over a WebSocket; `auth` is the CONNECT payload, or `null`.
    ///
    /// # Errors
    /// Node or its packages are missing, or the gateway refuses.
    pub async fn connect(version: ClientVersion, address: SocketAddr, auth: &Value) -> anyhow::Result<Self> {
        Self::connect_by(version, address, auth, "websocket").await
    }

    /// Connects over these transports: `websocket`, `polling`, or both with a comma.
    ///
    /// # Errors
    /// Node or its packages are missing, or the gateway refuses.
    pub async fn connect_by(
        version: ClientVersion,
        address: SocketAddr,
        auth: &Value,
        transports: &str,
    ) -> anyhow::Result<Self> {
        let version = match version {
            ClientVersion::Original => "original",
            ClientVersion::Newest => "newest",
        };
        Self::run("client.mjs", [version, &format!("http://{address}"), &auth.to_string(), transports]).await
    }

    /// A page of protocol 1 without its terminal, on the newest release: starts the ticket's session over a
    /// WebSocket, acknowledges, and comes back when its socket is lost. Output with a hole or a repetition is a
    /// fault. See [`tally`](Self::tally) and [`type_keys`](Self::type_keys).
    ///
    /// # Errors
    /// Node or its packages are missing, or the gateway refuses.
    pub async fn page(address: SocketAddr, ticket: &str) -> anyhow::Result<Self> {
        Self::run("page.mjs", [&format!("http://{address}"), ticket]).await
    }

    async fn run<'a>(script: &str, arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Self> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
        if !dir.join("node_modules").is_dir() {
            bail!("the Node clients are not installed: run `npm ci` in dev/testkit/node");
        }
        let mut process = Command::new("node")
            .arg(dir.join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node does not start")?;
        let stdin = process.stdin.take().context("no stdin")?;
        let lines = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        let mut client = Self { process, stdin, lines, told: Vec::new() };
        client.until(|told| told[0] == "connect").await?;
        Ok(client)
    }

    /// The process.
    ///
    /// # Errors
    /// It has ended.
    pub fn id(&self) -> anyhow::Result<ProcessId> {
        self.process.id().context("the process has ended")
    }

    /// Emits an event.
    ///
    /// # Errors
    /// The process has ended.
    pub async fn emit(&mut self, name: &str, payload: &Value) -> anyhow::Result<()> {
        self.command(&json!(["emit", name, payload])).await
    }

    /// Emits an event without a payload.
    ///
    /// # Errors
    /// The process has ended.
    pub async fn emit_bare(&mut self, name: &str) -> anyhow::Result<()> {
        self.command(&json!(["emit", name])).await
    }

    /// Emits `ssh-input` with `0,`, `1,` and so on, as fast as it can.
    ///
    /// # Errors
    /// The process has ended.
    pub async fn emit_numbers(&mut self, count: u32) -> anyhow::Result<()> {
        self.command(&json!(["numbers", count])).await
    }

    /// Lets a [`page`](Self::page) send keys, again and again until they are taken.
    ///
    /// # Errors
    /// The process has ended.
    pub async fn type_keys(&mut self, keys: &str) -> anyhow::Result<()> {
        self.command(&json!(["type", keys])).await
    }

    /// Lets a [`page`](Self::page) tell the checksum of so much output that comes next (`tallied`), instead of the
    /// output, and stop its own process with `SIGSTOP` after so much of that (`stops`).
    ///
    /// # Errors
    /// The process has ended.
    pub async fn tally(&mut self, length: usize, stop_after: usize) -> anyhow::Result<()> {
        self.command(&json!(["tally", length, stop_after])).await
    }

    /// Disconnects in good order.
    ///
    /// # Errors
    /// The process has ended.
    pub async fn leave(&mut self) -> anyhow::Result<()> {
        self.command(&json!(["leave"])).await
    }

    /// Waits for something it tells, and returns that.
    ///
    /// # Errors
    /// It does not come within [`PATIENCE`].
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let waiting = async {
            loop {
                let line = self.lines.next_line().await?.context("the client ended")?;
                let told: Value = serde_json::from_str(&line)?;
                self.told.push(told.clone());
                if told[0] == "fault" {
                    bail!("the gateway broke the protocol: {}", told[1]);
                }
                if wanted(&told) {
                    return anyhow::Ok(told);
                }
            }
        };
        let result = timeout(PATIENCE, waiting).await;
        result.map_err(anyhow::Error::from).and_then(|result| result).with_context(|| {
            let last = &self.told[self.told.len().saturating_sub(10)..];
            format!("waiting in vain after {last:?}")
        })
    }

    /// Waits for an event of this name, and returns its payload.
    ///
    /// # Errors
    /// It does not come within [`PATIENCE`].
    pub async fn until_event(&mut self, name: &str) -> anyhow::Result<Value> {
        let mut told =
            self.until(|told| told[0] == "disconnect" || told[0] == "event" && told[1] == name).await?;
        if told[0] == "disconnect" {
            bail!("disconnected ({}) before {name}: {:?}", told[1], self.told);
        }
        Ok(told[2].take())
    }

    /// Reads output until it contains `words`; returns what came from here on.
    ///
    /// # Errors
    /// It does not within [`PATIENCE`].
    pub async fn until_output(&mut self, words: &str) -> anyhow::Result<String> {
        let mut output = String::new();
        while !output.contains(words) {
            let payload = self.until_event(wire::event::SSH_OUTPUT).await?;
            output.push_str(payload["output"].as_str().context("output that is no text")?);
        }
        Ok(output)
    }

    async fn command(&mut self, command: &Value) -> anyhow::Result<()> {
        self.stdin.write_all(format!("{command}\n").as_bytes()).await?;
        Ok(())
    }
}
