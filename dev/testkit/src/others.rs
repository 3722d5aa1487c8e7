//! SSH servers that are not OpenSSH: Dropbear and TinySSH, each on a free loopback port, for one account.

use std::{net::TcpListener, path::Path, process::Stdio};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

use crate::Account;

/// A running Dropbear; dropping it ends it.
pub struct Dropbear {
    port: u16,
    _process: Child,
}

impl Dropbear {
    /// Starts it with an Ed25519 host key.
    ///
    /// # Errors
    /// Dropbear is not installed or does not start.
    pub async fn start(account: &Account) -> anyhow::Result<Self> {
        let host_key = account.dir().join("dropbear_key");
        let made = Command::new("dropbearkey").args(["-t", "ed25519", "-f"]).arg(&host_key).output().await;
        made.context("dropbearkey does not start (Debian: dropbear-bin)")?;
        // Whoever takes the port before Dropbear does costs the test.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = account.command(Path::new("/usr/sbin/dropbear"));
        command.args(["-F", "-E", "-m", "-p", &format!("127.0.0.1:{port}"), "-P"]);
        command.arg(account.dir().join("dropbear.pid")).arg("-r").arg(&host_key).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let mut log = BufReader::new(process.stderr.take().context("no stderr")?).lines();
        // It says so behind the call that makes it listen.
        while !log.next_line().await?.context("dropbear does not start")?.contains("Not backgrounding") {}
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Ok(Self { port, _process: process })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A listener that gives each connection to a TinySSH of its own; dropping it ends it.
pub struct TinySsh {
    port: u16,
    task: JoinHandle<()>,
}

impl TinySsh {
    /// Starts it with a new host key.
    ///
    /// # Errors
    /// TinySSH is not installed.
    pub async fn start(account: Account) -> anyhow::Result<Self> {
        let keys = account.dir().join("tinyssh_keys");
        let made = Command::new("tinysshd-makekey").arg(&keys).output().await;
        if !made.context("tinysshd-makekey does not start (Debian: tinysshd)")?.status.success() {
            bail!("tinysshd-makekey fails");
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(input) = stream.into_std() else { continue };
                // A program's input waits.
                let Ok(()) = input.set_nonblocking(false) else { continue };
                let Ok(output) = input.try_clone() else { continue };
                let mut command = account.command(Path::new("/usr/sbin/tinysshd"));
                command.arg(&keys).stderr(Stdio::null());
                command.stdin(std::os::fd::OwnedFd::from(input)).stdout(std::os::fd::OwnedFd::from(output));
                if let Ok(mut process) = command.spawn() {
                    tokio::spawn(async move { process.wait().await });
                }
            }
        });
        Ok(Self { port, task })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for TinySsh {
    fn drop(&mut self) {
        self.task.abort();
    }
}
