//! The two ways to one shell: OpenSSH's client on a pty, and the gateway as our page speaks to it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use bytes::{Bytes, BytesMut};
use pty_process::{Pty, Size};
use serde_json::json;
use testkit::{Binary, Incoming, PATIENCE, SocketClient, Sshd};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Child,
    time::timeout,
};
use wire::{event, limits};

/// Which way. The order is that of every pair of figures.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Ssh,
    Gateway,
}

impl Kind {
    pub(crate) const BOTH: [Self; 2] = [Self::Ssh, Self::Gateway];
}

/// How far output is acknowledged, and since when.
pub(crate) struct Acknowledged {
    offset: u64,
    at: Instant,
}

impl Acknowledged {
    const PAUSE: Duration = Duration::from_millis(50);

    fn now(offset: u64) -> Self {
        Self { offset, at: Instant::now() }
    }

    /// Whether output to this offset is to be acknowledged now, about as often as the page does it.
    fn is_due(&mut self, end: u64) -> bool {
        let due = end >= self.offset + limits::OUTPUT_ACK_EVERY || self.at.elapsed() >= Self::PAUSE;
        if due {
            *self = Self::now(end);
        }
        due
    }
}

/// An opened shell.
pub(crate) enum Client {
    Ssh { pty: Pty, process: Child },
    Gateway { socket: Box<SocketClient>, early: VecDeque<Bytes>, acknowledged: Acknowledged },
}

impl Client {
    /// Opens a shell and waits for its first prompt.
    pub(crate) async fn open(kind: Kind, sshd: &Sshd, gateway: &Binary) -> anyhow::Result<Self> {
        let mut client = match kind {
            Kind::Ssh => ssh(sshd)?,
            Kind::Gateway => page(sshd, gateway).await?,
        };
        client.until("$ ").await?;
        Ok(client)
    }

    /// The process of OpenSSH's client.
    pub(crate) fn process(&self) -> Option<u32> {
        match self {
            Self::Ssh { process, .. } => process.id(),
            Self::Gateway { .. } => None,
        }
    }

    /// Types.
    pub(crate) async fn send(&mut self, keys: &str) -> anyhow::Result<()> {
        match self {
            Self::Ssh { pty, .. } => Ok(pty.write_all(keys.as_bytes()).await?),
            Self::Gateway { socket, .. } => socket.emit(event::SSH_INPUT, json!({ "input": keys })).await,
        }
    }

    /// The next output.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<Bytes> {
        timeout(PATIENCE, self.output()).await.context("no output comes")?
    }

    async fn output(&mut self) -> anyhow::Result<Bytes> {
        match self {
            Self::Ssh { pty, .. } => {
                let mut buffer = BytesMut::with_capacity(64 * 1024);
                if pty.read_buf(&mut buffer).await? == 0 {
                    bail!("ssh ended");
                }
                Ok(buffer.freeze())
            }
            Self::Gateway { socket, early, acknowledged } => {
                if let Some(bytes) = early.pop_front() {
                    return Ok(bytes);
                }
                loop {
                    let Incoming::Event(event) = socket.next().await? else { bail!("the gateway closed") };
                    let Some(bytes) = event.attachment else { continue };
                    let offset = event.payload["offset"].as_u64().context("no offset")?;
                    let end = offset + bytes.len() as u64;
                    if acknowledged.is_due(end) {
                        socket.emit(event::SSH_OUTPUT_ACK, json!({ "offset": end })).await?;
                    }
                    return Ok(bytes);
                }
            }
        }
    }

    /// Reads until the output ends with `words`; returns how many bytes it was.
    pub(crate) async fn until(&mut self, words: &str) -> anyhow::Result<u64> {
        let mut output = Vec::new();
        while !output.ends_with(words.as_bytes()) {
            let tail = String::from_utf8_lossy(&output[output.len().saturating_sub(200)..]).into_owned();
            let bytes = self.receive().await.with_context(|| format!("no {words:?} after {tail:?}"))?;
            output.extend_from_slice(&bytes);
        }
        Ok(output.len() as u64)
    }
}

fn ssh(sshd: &Sshd) -> anyhow::Result<Client> {
    let (pty, pts) = pty_process::open()?;
    pty.resize(Size::new(24, 80))?;
    let process = pty_process::Command::new("ssh")
        .args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
        .args(["-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-e", "none", "-i"])
        .arg(sshd.client_key_path())
        .args(["-p", &sshd.port().to_string(), &format!("{}@127.0.0.1", sshd.username())])
        .kill_on_drop(true)
        .spawn(pts)?;
    Ok(Client::Ssh { pty, process })
}

async fn page(sshd: &Sshd, gateway: &Binary) -> anyhow::Result<Client> {
    let order = json!({
        "hostname": "127.0.0.1",
        "port": sshd.port(),
        "username": sshd.username(),
        "ssh_key": sshd.client_key()?,
    });
    let ticket = gateway.create(&order).await?;
    let mut socket = Box::new(SocketClient::ours(gateway.address()?).await?);
    let start = json!({ "create_session_id": ticket, "cols": 80, "rows": 24 });
    socket.emit(event::START_SESSION, start).await?;
    let mut early = VecDeque::new();
    loop {
        let Incoming::Event(event) = socket.next().await? else { bail!("the gateway closed") };
        match event.name.as_str() {
            event::CONNECTION_READY => {
                return Ok(Client::Gateway { socket, early, acknowledged: Acknowledged::now(0) });
            }
            event::SESSION_CLOSED => bail!("{}", event.payload),
            _ => early.extend(event.attachment),
        }
    }
}
