//! What a process takes of the machine: memory, time, descriptors.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use testkit::process::{self, ProcessId, descendants};
use tokio::time::sleep;

/// Memory of a process and of those that it started, with their part of what they share with others.
pub(crate) fn memory(pid: ProcessId) -> anyhow::Result<u64> {
    let one = |pid| process::memory(pid, "smaps_rollup", "Pss");
    let own = one(pid).context("only root may read the gateway's memory map")?;
    // Those that have ended meanwhile take nothing.
    Ok(own + descendants(pid).into_iter().filter_map(|pid| one(pid).ok()).sum::<u64>())
}

/// CPU time so far of a process and of those that it started, user and system, to 10 ms.
pub(crate) fn cpu_time(pid: ProcessId) -> anyhow::Result<Duration> {
    let own = cpu_time_of_one(pid)?;
    Ok(own + descendants(pid).into_iter().filter_map(|pid| cpu_time_of_one(pid).ok()).sum())
}

fn cpu_time_of_one(pid: ProcessId) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("no stat")?;
    // Fields 14 and 15 of proc(5), in ticks; Linux shows 100 of them a second on every machine.
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// The part of a core that a process takes during this time.
pub(crate) async fn load(pid: ProcessId, time: Duration) -> anyhow::Result<f64> {
    let (before, began) = (cpu_time(pid)?, Instant::now());
    sleep(time).await;
    Ok((cpu_time(pid)? - before).as_secs_f64() / began.elapsed().as_secs_f64())
}

/// Open descriptors of a process.
pub(crate) fn descriptors(pid: ProcessId) -> anyhow::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}
