//! What tests of sessions that outlive their sockets start with: the binary with some settings, its
//! counters from before, and pages that come back.

use std::{net::SocketAddr, path::Path};

use anyhow::Context as _;
use serde_json::Value;
use testkit::{
    Binary, BinaryOptions, CounterBase, Http, PageClient, Sshd, demo_sshd::DemoSshd, process::ProcessId,
};
use wire::{Closed, Code};

use crate::setup::{Result, key_order, password_order};

/// A gateway, and what it counted before anything happened.
pub(crate) struct Gateway {
    pub(crate) binary: Binary,
    pub(crate) base: CounterBase,
    /// Requests, with an API token where one is needed.
    pub(crate) http: Http,
}

impl Gateway {
    /// Starts the binary with these arguments.
    pub(crate) async fn start(arguments: &[&str]) -> Result<Self> {
        Self::with_token(arguments, None).await
    }

    /// Starts the binary with these arguments and shows it this API token.
    pub(crate) async fn with_token(arguments: &[&str], token: Option<&str>) -> Result<Self> {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let binary = Binary::start(BinaryOptions { arguments, ..Default::default() }).await?;
        let mut http = binary.http()?;
        if let Some(token) = token {
            http = http.with_header("authorization", &format!("Bearer {token}"));
        }
        let base = CounterBase::by(http.clone()).await?;
        Ok(Self { binary, base, http })
    }

    pub(crate) fn address(&self) -> Result<SocketAddr> {
        self.binary.address()
    }

    /// A ticket for this order.
    pub(crate) async fn create(&self, order: &Value) -> Result<String> {
        let body = self.http.post_json("/create-session", order).await?.json()?;
        body["create_session_id"].as_str().map(str::to_owned).with_context(|| body.to_string())
    }

    /// A page with the shell that this order is for.
    pub(crate) async fn open(&self, order: &Value) -> Result<PageClient> {
        PageClient::open(self.address()?, &self.create(order).await?).await
    }

    /// A page with the shell of a real sshd, at its prompt.
    pub(crate) async fn open_bash(&self, sshd: &Sshd) -> Result<PageClient> {
        let mut page = self.open(&key_order(sshd)?).await?;
        page.until("$ ").await?;
        Ok(page)
    }

    /// A page with a scripted shell.
    pub(crate) async fn open_script(&self, sshd: &DemoSshd) -> Result<PageClient> {
        self.open(&password_order(sshd)).await
    }

    /// A page that comes back with this token, as if it had just been loaded.
    pub(crate) async fn resume(&self, token: &str) -> Result<PageClient> {
        PageClient::resume(self.address()?, token).await
    }

    /// What somebody is told who comes with this token in vain.
    pub(crate) async fn refused(&self, token: &str) -> Result<Closed> {
        PageClient::for_token(self.address()?, token).until_closed().await
    }

    /// Checks that somebody who comes with this token is told that there is no such session.
    pub(crate) async fn forgets(&self, token: &str) -> Result {
        let closed = self.refused(token).await?;
        anyhow::ensure!(closed.code == Code::SessionUnknown && !closed.retry, "{closed:?}");
        Ok(())
    }

    /// Ends the last session with Ctrl-D, and waits until the gateway is as it was before.
    pub(crate) async fn ends(&self, page: PageClient) -> Result {
        self.ends_with("\x04", page).await
    }

    /// Ends the last session with these keys, and waits until the gateway is as it was before.
    pub(crate) async fn ends_with(&self, keys: &str, mut page: PageClient) -> Result {
        page.type_keys(keys).await?;
        page.until_closed().await?;
        drop(page);
        self.base.is_back().await
    }

    /// Waits until so many sessions wait for somebody.
    pub(crate) async fn until_detached(&self, sessions: u64) -> Result {
        self.base.until(|now| now.sessions("detached") == sessions && now.sessions("attached") == 0).await
    }
}

/// Lets the shell wait for its hang-up, write a word into this file then, and end; returns its process.
pub(crate) async fn watch_for_hang_up(page: &mut PageClient, file: &Path) -> Result<ProcessId> {
    let watch = format!("bash -c 'trap \"echo hup > {}; exit\" HUP; echo pid=$$=; ", file.display());
    page.type_keys(format!("{watch} while :; do sleep 1000 & wait $!; done'\r")).await?;
    let pid = |page: &PageClient| {
        page.text().split("pid=").filter_map(|rest| rest.split_once('=')?.0.parse().ok()).last()
    };
    page.until_that("the pid", |page| pid(page).is_some()).await?;
    pid(page).context("it came")
}

/// Numbered lines, as many as make this many bytes and no two alike; the same in every run.
pub(crate) fn numbered(bytes: usize) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes + 64);
    for line in 0_u32.. {
        if lines.len() >= bytes {
            break;
        }
        lines.extend_from_slice(
            format!("{line:010} what was here before, and what comes next\r\n").as_bytes(),
        );
    }
    lines.truncate(bytes);
    lines
}
