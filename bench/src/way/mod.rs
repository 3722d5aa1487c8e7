//! The ways to one shell: OpenSSH's client on a pty, the gateway as our page and as the original's clients
//! speak to it, and other products.

mod original;
mod page;
mod peer;
mod ssh;

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::Value;
use testkit::{Binary, Http, PATIENCE, process::ProcessId};
use tokio::time::{Instant, sleep_until, timeout};

use self::{original::Original, page::Page, ssh::Ssh};
pub(crate) use self::{
    page::Stage,
    peer::{Peer, PeerPid, Product},
};
use crate::lab::Lab;

/// Which way. The order is that of the columns.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Way {
    /// The plain `ssh` client.
    Ssh,
    /// The gateway with our page's protocol.
    Page,
    /// The gateway with the original's protocol.
    Original,
    /// Another product.
    Peer(Product),
}

impl Way {
    /// Its name in JSON.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Page => "page",
            Self::Original => "original",
            Self::Peer(product) => product.id(),
        }
    }

    /// The name of its column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ssh => "plain `ssh`",
            Self::Page => "page",
            Self::Original => "original's client",
            Self::Peer(product) => product.name(),
        }
    }
}

/// A client with an open shell.
pub(crate) enum Client {
    Ssh(Box<Ssh>),
    Page(Box<Page>),
    Original(Box<Original>),
    Peer(Box<peer::Session>),
}

impl Client {
    /// Opens a shell on the lab's sshd; its prompt is still to come.
    pub(crate) async fn open(way: Way, lab: &Lab, gateway: &Binary) -> anyhow::Result<Self> {
        Ok(match way {
            Way::Ssh => Self::Ssh(Box::new(Ssh::open(&lab.sshd)?)),
            Way::Page => Self::page(&gateway.http()?, gateway.address()?, &lab.order()?).await?,
            Way::Original => {
                let original = Original::open(&gateway.http()?, gateway.address()?, &lab.sshd).await?;
                Self::Original(Box::new(original))
            }
            Way::Peer(product) => lab.peer(product)?.open(lab).await?,
        })
    }

    /// Opens our page with what this order asks for.
    pub(crate) async fn page(http: &Http, address: SocketAddr, order: &Value) -> anyhow::Result<Self> {
        Ok(Self::Page(Box::new(Page::open(http, address, order).await?)))
    }

    /// The process of OpenSSH's client.
    pub(crate) fn process(&self) -> Option<ProcessId> {
        match self {
            Self::Ssh(ssh) => ssh.process(),
            Self::Page(_) | Self::Original(_) | Self::Peer(_) => None,
        }
    }

    /// When each step of opening it was over, where that can be seen.
    pub(crate) fn stages(&self) -> &[Stage] {
        match self {
            Self::Page(page) => page.stages(),
            Self::Ssh(_) | Self::Original(_) | Self::Peer(_) => &[],
        }
    }

    /// Lets time pass, as it does between two keys.
    pub(crate) async fn rest(&mut self, pause: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + pause;
        if let Self::Page(page) = self {
            page.rest(end).await?;
        }
        sleep_until(end).await;
        Ok(())
    }

    /// Types.
    pub(crate) async fn send(&mut self, keys: &str) -> anyhow::Result<()> {
        match self {
            Self::Ssh(ssh) => ssh.send(keys).await,
            Self::Page(page) => page.send(keys).await,
            Self::Original(original) => original.send(keys).await,
            Self::Peer(session) => session.send(keys).await,
        }
    }

    /// Pastes what may be too long to be sent at once.
    pub(crate) async fn paste(&mut self, text: &str) -> anyhow::Result<()> {
        match self {
            Self::Page(page) => page.paste(text).await,
            Self::Ssh(_) | Self::Original(_) | Self::Peer(_) => self.send(text).await,
        }
    }

    /// The next output.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<Bytes> {
        timeout(PATIENCE, self.output()).await.context("no output comes")?
    }

    async fn output(&mut self) -> anyhow::Result<Bytes> {
        match self {
            Self::Ssh(ssh) => ssh.output().await,
            Self::Page(page) => page.output().await,
            Self::Original(original) => original.output().await,
            Self::Peer(session) => session.output().await,
        }
    }

    /// Reads until the output ends with `words`; returns how many bytes it was.
    pub(crate) async fn until(&mut self, words: &str) -> anyhow::Result<u64> {
        let mut output = Vec::new();
        self.read_until(words, &mut output).await?;
        Ok(output.len() as u64)
    }

    /// The same, with the output behind what is in `output`.
    pub(crate) async fn read_until(&mut self, words: &str, output: &mut Vec<u8>) -> anyhow::Result<()> {
        while !output.ends_with(words.as_bytes()) {
            let bytes = self.receive().await.with_context(|| {
                let tail = &output[output.len().saturating_sub(200)..];
                format!("no {words:?} after {:?}", String::from_utf8_lossy(tail))
            })?;
            output.extend_from_slice(&bytes);
        }
        Ok(())
    }

    /// Makes the terminal raw and starts `command` once [`go`](Self::go) says so; no prompt follows it.
    pub(crate) async fn prepare(&mut self, command: &str) -> anyhow::Result<()> {
        self.send(&format!("stty raw -echo; echo rea''dy; read go; {command}; read end\r")).await?;
        self.until("ready\n").await.map(drop)
    }

    /// Starts what was prepared.
    pub(crate) async fn go(&mut self) -> anyhow::Result<()> {
        self.send("\n").await
    }

    /// Takes output for as long as it lives, so that a flood flows and an idle socket answers.
    pub(crate) async fn drain(mut self) {
        while self.output().await.is_ok() {}
    }
}
