//! Processes as `/proc` shows them: who is whose child, what they cost, and ending them by id.

use std::{fs, io, time::Duration};

use anyhow::{Context as _, bail};
use rustix::{
    event::{self, PollFd, PollFlags, Timespec},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};

/// A process id.
pub type ProcessId = u32;

/// The direct children of a process, none if it is gone.
#[must_use]
pub fn children(pid: ProcessId) -> Vec<ProcessId> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| list.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Children, their children and so on; `pid` itself is not among them.
#[must_use]
pub fn descendants(pid: ProcessId) -> Vec<ProcessId> {
    let mut found = children(pid);
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(children(parent));
        next += 1;
    }
    found
}

/// Whether the process exists and is no zombie.
#[must_use]
pub fn is_alive(pid: ProcessId) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !matches!(stat.rsplit(") ").next().and_then(|rest| rest.chars().next()), Some('Z' | 'X'))
    })
}

/// Waits until the process is gone.
///
/// # Errors
/// It is still there after `limit`.
pub async fn wait_gone(pid: ProcessId, limit: Duration) -> anyhow::Result<()> {
    let Some(id) = Pid::from_raw(i32::try_from(pid)?) else { bail!("{pid} is no process id") };
    // The kernel tells a stranger of a process's end through a pidfd and in no other way.
    let fd = match pidfd_open(id, PidfdFlags::empty()) {
        Ok(fd) => fd,
        Err(Errno::SRCH) => return Ok(()),
        Err(error) => return Err(error).context("pidfd_open"),
    };
    let limit_spec = Timespec::try_from(limit)?;
    let ended = tokio::task::spawn_blocking(move || {
        event::poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit_spec))
    });
    if ended.await?? == 0 {
        bail!("process {pid} is still there after {limit:?}");
    }
    Ok(())
}

/// Sends a signal to one process.
///
/// # Errors
/// It is gone, or not ours.
pub fn signal(pid: ProcessId, signal: Signal) -> io::Result<()> {
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(id, signal)?)
}

/// A figure of `/proc/<pid>/<file>` in bytes, such as `VmRSS` of `status` or `Pss` of `smaps_rollup`.
///
/// # Errors
/// The process is gone or the file has no such line.
pub fn memory(pid: ProcessId, file: &str, name: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no such line")?;
    Ok(kib.trim().parse::<u64>()? * 1024)
}
