//! The two ways to one shell: OpenSSH's client on a pty, and the gateway as our page speaks to it.

use anyhow::{Context as _, bail};
use bytes::{Bytes, BytesMut};
use pty_process::{Pty, Size};
use testkit::{Binary, PATIENCE, Sshd};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Child,
    time::timeout,
};

use crate::page::Page;

/// Which way. The order is that of every pair of figures.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Ssh,
    Gateway,
}

impl Kind {
    pub(crate) const BOTH: [Self; 2] = [Self::Ssh, Self::Gateway];
}

/// An opened shell.
pub(crate) enum Client {
    Ssh(Box<Ssh>),
    Gateway(Box<Page>),
}

impl Client {
    /// Opens a shell and waits for its first prompt.
    pub(crate) async fn open(kind: Kind, sshd: &Sshd, gateway: &Binary) -> anyhow::Result<Self> {
        let mut client = match kind {
            Kind::Ssh => Self::Ssh(Box::new(Ssh::open(sshd)?)),
            Kind::Gateway => Self::Gateway(Box::new(Page::open(sshd, gateway).await?)),
        };
        client.until("$ ").await?;
        Ok(client)
    }

    /// The process of OpenSSH's client.
    pub(crate) fn process(&self) -> Option<u32> {
        match self {
            Self::Ssh(ssh) => ssh.process.id(),
            Self::Gateway(_) => None,
        }
    }

    /// Types.
    pub(crate) async fn send(&mut self, keys: &str) -> anyhow::Result<()> {
        match self {
            Self::Ssh(ssh) => Ok(ssh.pty.write_all(keys.as_bytes()).await?),
            Self::Gateway(page) => page.send(keys).await,
        }
    }

    /// The next output.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<Bytes> {
        let output = async {
            match self {
                Self::Ssh(ssh) => ssh.output().await,
                Self::Gateway(page) => page.output().await,
            }
        };
        timeout(PATIENCE, output).await.context("no output comes")?
    }

    /// Reads until the output ends with `words`; returns how many bytes it was.
    pub(crate) async fn until(&mut self, words: &str) -> anyhow::Result<u64> {
        let mut output = Vec::new();
        while !output.ends_with(words.as_bytes()) {
            let bytes = self.receive().await.with_context(|| {
                let tail = &output[output.len().saturating_sub(200)..];
                format!("no {words:?} after {:?}", String::from_utf8_lossy(tail))
            })?;
            output.extend_from_slice(&bytes);
        }
        Ok(output.len() as u64)
    }
}

/// OpenSSH's client on a pty; dropping it kills the process.
pub(crate) struct Ssh {
    pty: Pty,
    process: Child,
}

impl Ssh {
    fn open(sshd: &Sshd) -> anyhow::Result<Self> {
        let (pty, pts) = pty_process::open()?;
        pty.resize(Size::new(24, 80))?;
        let process = pty_process::Command::new("ssh")
            .args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-e", "none", "-i"])
            .arg(sshd.client_key_path())
            .args(["-p", &sshd.port().to_string(), &format!("{}@127.0.0.1", sshd.username())])
            .kill_on_drop(true)
            .spawn(pts)?;
        Ok(Self { pty, process })
    }

    async fn output(&mut self) -> anyhow::Result<Bytes> {
        let mut buffer = BytesMut::with_capacity(64 * 1024);
        if self.pty.read_buf(&mut buffer).await? == 0 {
            bail!("ssh ended");
        }
        Ok(buffer.freeze())
    }
}
