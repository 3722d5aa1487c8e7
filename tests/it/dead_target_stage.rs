//! What the tests of dead targets need: freezing servers, standing still, counting.

use std::{fs, time::Duration};

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use testkit::{PATIENCE, Sshd, process};
use tokio::time::{sleep, timeout};

use crate::setup::Result;

pub(crate) const KILL: Signal = Signal::KILL;

/// The processes of sshd's that serve connections; the shells below them are none.
fn serving(server: &Sshd) -> Vec<process::ProcessId> {
    let connections = server.connections();
    let below = connections.iter().flat_map(|pid| process::descendants(*pid)).collect::<Vec<_>>();
    let is_sshd = |pid: &process::ProcessId| name(*pid).is_some_and(|name| name.starts_with("sshd"));
    connections.into_iter().chain(below).filter(is_sshd).collect()
}

fn name(pid: process::ProcessId) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned())
}

/// Servers that stand still while their system goes on; dropping it lets them go on.
pub(crate) struct Frozen(Vec<process::ProcessId>);

impl Frozen {
    /// Stops whatever serves a connection of this server's.
    pub(crate) fn freeze(server: &Sshd) -> Result<Self> {
        let frozen = Self(serving(server));
        if frozen.0.is_empty() {
            bail!("nothing to freeze");
        }
        for pid in &frozen.0 {
            process::signal(*pid, Signal::STOP)?;
        }
        Ok(frozen)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            // One that was killed meanwhile needs no signal.
            let _ = process::signal(*pid, Signal::CONT);
        }
    }
}

/// Waits until a process of the server's with this name moves no more bytes.
pub(crate) async fn still(server: &Sshd, wanted: &str) -> Result {
    still_by(wanted, || moved(server, wanted)).await
}

/// Waits until a measure is there and changes no more.
pub(crate) async fn still_by<T: PartialEq>(what: &str, measure: impl Fn() -> Option<T>) -> Result {
    let standing = async {
        let mut before = None;
        let mut times = 0;
        while times < 5 {
            sleep(Duration::from_millis(50)).await;
            let now = measure();
            times = if now.is_some() && now == before { times + 1 } else { 0 };
            before = now;
        }
    };
    timeout(PATIENCE, standing).await.with_context(|| format!("{what} never stands still"))
}

/// The bytes that the server's process of this name has read and written.
fn moved(server: &Sshd, wanted: &str) -> Option<Vec<String>> {
    let mut all = server.connections().into_iter().flat_map(|pid| {
        let below = process::descendants(pid);
        std::iter::once(pid).chain(below)
    });
    let found = all.rfind(|pid| name(*pid).is_some_and(|name| name == wanted))?;
    let io = fs::read_to_string(format!("/proc/{found}/io")).ok()?;
    Some(io.lines().filter(|line| line.contains("char")).map(str::to_owned).collect())
}

/// How many descriptors of this process are sockets.
pub(crate) fn sockets() -> Result<usize> {
    let links = fs::read_dir("/proc/self/fd")?.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    Ok(links.filter(|link| link.to_string_lossy().starts_with("socket:")).count())
}

/// Checks that the text counts up from 1 without a gap, whatever its last line says; returns how far.
pub(crate) fn numbers(text: &str) -> Result<u64> {
    let mut lines: Vec<&str> = text.split("\r\n").collect();
    // The server may have died in the middle of a line.
    lines.pop();
    let mut last = None;
    for line in lines {
        let number: u64 = line.parse().with_context(|| format!("{line:?} after {last:?}"))?;
        if last.is_some_and(|last| number != last + 1) {
            bail!("{number} after {last:?}");
        }
        last = Some(number);
    }
    last.context("no number came")
}
