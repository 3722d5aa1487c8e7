//! OpenSSH's client on a pty.

use anyhow::bail;
use bytes::{Bytes, BytesMut};
use pty_process::{Pty, Size};
use testkit::{Sshd, process::ProcessId};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Child,
};

/// A process of it; dropping it kills the process.
pub(crate) struct Ssh {
    pty: Pty,
    process: Child,
}

impl Ssh {
    /// Starts the process.
    pub(super) fn open(sshd: &Sshd) -> anyhow::Result<Self> {
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

    /// The process, unless it has ended.
    pub(super) fn process(&self) -> Option<ProcessId> {
        self.process.id()
    }

    /// Types.
    pub(super) async fn send(&mut self, keys: &str) -> anyhow::Result<()> {
        Ok(self.pty.write_all(keys.as_bytes()).await?)
    }

    /// The next output.
    pub(super) async fn output(&mut self) -> anyhow::Result<Bytes> {
        let mut buffer = BytesMut::with_capacity(64 * 1024);
        if self.pty.read_buf(&mut buffer).await? == 0 {
            bail!("ssh ended");
        }
        Ok(buffer.freeze())
    }
}
