//! Sessions in which nobody types: memory, descriptors and CPU time of each.

use std::time::Duration;

use serde_json::json;
use testkit::{
    CounterBase,
    demo_sshd::{DemoSshd, Options, Program, Script},
    process::ProcessId,
};
use tokio::task::JoinSet;

use crate::{
    lab::{Alone, Lab},
    report::{Report, Target, Unit},
    samples::{Figures, kib, mib},
    usage::{descriptors, load, memory},
    way::{Client, Way},
};

const KIB: Unit = Unit("KiB", 0);
const PERCENT: Unit = Unit("% of a core", 2);

/// What sessions took together.
struct Taken {
    /// The whole process, and how much it grew.
    memory: u64,
    growth: u64,
    descriptors: usize,
    load: f64,
}

/// Beside as many `ssh` processes, all of them on sshd.
pub(super) async fn hundred(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let count = lab.rounds(100, 5);
    let (mut memory, mut descriptors, mut load) = (Figures::new(), Figures::new(), Figures::new());
    for way in lab.ways() {
        let taken = match lab.alone(way).await? {
            Some(gateway) => {
                taken(lab, &gateway, count, async || lab.open_alone(way, &gateway).await).await?
            }
            None if way == Way::Ssh => processes(lab, count).await?,
            None => continue,
        };
        memory.insert(way, kib(taken.growth) / f64::from(count));
        descriptors.insert(way, taken.descriptors as f64 / f64::from(count));
        load.insert(way, taken.load * 100.0);
    }
    let what = format!("of {count} idle sessions");
    report.row(format!("memory {what}, each"), KIB, memory).should_be(Target::AtMost(64.0));
    report.row(format!("descriptors {what}, each"), Unit("", 1), descriptors);
    report.row(format!("CPU {what}"), PERCENT, load);
    Ok(())
}

/// On an SSH server in this process: a thousand of sshd's would be what is measured.
pub(super) async fn thousand(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let count = lab.rounds(1000, 20);
    let program = Program::Scripted(Script::Silent);
    let server = DemoSshd::start(Options { program, ..Options::default() }).await?;
    let order = json!({
        "hostname": "127.0.0.1",
        "port": server.port(),
        "username": server.username(),
        "password": server.password(),
    });
    let gateway = lab.another_gateway(&[]).await?;
    let address = (gateway.http()?, gateway.address()?);
    let alone = Alone { pid: gateway.id()?, gateway: Some(gateway) };
    let taken = taken(lab, &alone, count, async || Client::page(&address.0, address.1, &order).await).await?;
    let one = |figure: f64| Figures::from([(Way::Page, figure)]);
    let what = format!("of {count} idle sessions");
    let whole = format!("memory {what}, whole gateway");
    report.row(whole, Unit("MiB", 1), one(mib(taken.memory))).should_be(Target::AtMost(80.0));
    report.row(format!("memory {what}, each"), KIB, one(kib(taken.growth) / f64::from(count)));
    report.row(format!("CPU {what}"), PERCENT, one(taken.load * 100.0)).should_be(Target::AtMost(1.0));
    Ok(())
}

/// Processes of OpenSSH's client.
async fn processes(lab: &Lab, count: u32) -> anyhow::Result<Taken> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(lab.open(Way::Ssh).await?);
    }
    let pids: Vec<ProcessId> = clients.iter().filter_map(Client::process).collect();
    let growth = pids.iter().map(|pid| memory(*pid)).sum::<anyhow::Result<u64>>()?;
    let descriptors = pids.iter().map(|pid| descriptors(*pid)).sum::<anyhow::Result<usize>>()?;
    let loads: JoinSet<_> = pids.iter().map(|pid| load(*pid, quiet(lab))).collect();
    let loads = loads.join_all().await.into_iter().sum::<anyhow::Result<f64>>()?;
    Ok(Taken { memory: growth, growth, descriptors, load: loads })
}

/// What so many sessions take of a gateway that had none; `open` opens one.
async fn taken(
    lab: &Lab,
    gateway: &Alone,
    count: u32,
    open: impl AsyncFn() -> anyhow::Result<Client>,
) -> anyhow::Result<Taken> {
    // By then all that is loaded once is loaded.
    drop(open().await?);
    if let Some(gateway) = &gateway.gateway {
        let base = CounterBase::of(gateway).await?;
        base.until(|now| ["attached", "detached"].iter().all(|state| now.sessions(state) == 0)).await?;
    }
    let pid = gateway.pid;
    let (memory_before, descriptors_before) = (memory(pid)?, descriptors(pid)?);
    let mut holders = JoinSet::new();
    for _ in 0..count {
        holders.spawn(open().await?.drain());
    }
    let load = load(pid, quiet(lab)).await?;
    let memory = memory(pid)?;
    Ok(Taken {
        memory,
        growth: memory.saturating_sub(memory_before),
        descriptors: descriptors(pid)?.saturating_sub(descriptors_before),
        load,
    })
}

/// How long nothing happens: some of the gateway's pings fall into it.
fn quiet(lab: &Lab) -> Duration {
    Duration::from_secs(lab.rounds(30, 2).into())
}
