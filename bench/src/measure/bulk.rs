//! Mixed output of 64 MiB, as `cat` of a file: how fast it comes, what it costs whoever stands between,
//! and whether it is the file.

use std::{fs, path::Path, time::Instant};

use anyhow::{Context as _, ensure};
use testkit::{Binary, process::ProcessId, sha256};

use crate::{
    lab::Lab,
    mixed::mixed_output,
    report::{Report, Target, Unit},
    samples::{Figures, Samples, mib},
    usage::cpu_time,
    way::{Client, Way},
};

const MEBIBYTE: usize = 1024 * 1024;
/// What follows the output; the shell's line that asks for it does not contain it.
const END: &str = "--end of output--";

/// The output, and the command that prints it.
struct Printed {
    checksum: String,
    length: usize,
    command: String,
}

/// One transfer.
struct Transfer {
    seconds: f64,
    /// Of whoever stands between, if that is known.
    cpu_seconds: Option<f64>,
    /// Whether all of it arrived, and nothing else.
    intact: bool,
}

pub(super) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let mebibytes = lab.rounds(64, 4) as usize;
    let printed = Printed::new(&lab.sshd.dir().join("output"), mebibytes)?;
    let forgetful = lab.another_gateway(&["--detach-grace", "0"]).await?;
    let [mut rates, mut cpu, mut cpu_without, mut intact] = [(); 4].map(|()| Samples::default());
    for _ in 0..lab.rounds(9, 1) {
        for way in lab.ways() {
            let mut client = lab.open(way).await?;
            let pid = lab.process_of(way, &client)?;
            let transfer = printed.transfer(&mut client, pid).await.with_context(|| way.name())?;
            let is_peer = matches!(way, Way::Peer(_));
            ensure!(transfer.intact || is_peer, "{}: the output is not the file", way.name());
            rates.add(way, mebibytes as f64 / transfer.seconds);
            intact.add(way, f64::from(u8::from(transfer.intact)));
            if let Some(seconds) = transfer.cpu_seconds {
                cpu.add(way, seconds);
            }
        }
        let mut client = lab.open_at(Way::Page, &forgetful).await?;
        let transfer = printed.transfer(&mut client, Some(forgetful.id()?)).await?;
        cpu_without.add(Way::Page, transfer.cpu_seconds.unwrap_or_default());
    }
    let what = format!("{mebibytes} MiB of mixed output");
    let rate = report.row(format!("{what}, median"), Unit("MiB/s", 1), rates.median());
    rate.should_be(Target::RatioAtLeast(0.95));
    let seconds = Unit("s", 2);
    report
        .row("CPU of client or gateway for it, median", seconds, cpu.median())
        .should_be(Target::AtMost(0.4));
    let worst = intact.quantile(0.0);
    if lab.ways().iter().any(|way| matches!(way, Way::Peer(_))) {
        report.row("whether every byte of it arrived each time", Unit("", 0), worst);
    }
    report.row("CPU of the gateway for it without screens, median", seconds, cpu_without.median());
    allocations(lab, report, &printed).await
}

/// What the gateway allocates for one transfer, as far as it was built to count that.
async fn allocations(lab: &Lab, report: &mut Report, printed: &Printed) -> anyhow::Result<()> {
    let Some(gateway) = lab.counting_gateway().await? else { return Ok(()) };
    let mut figures = Figures::new();
    for way in [Way::Page, Way::Original] {
        let mut client = lab.open_at(way, &gateway).await?;
        let before = allocated(&gateway).await?;
        printed.transfer(&mut client, None).await?;
        figures.insert(way, mib(allocated(&gateway).await? - before));
    }
    report.row("memory that is allocated for it", Unit("MiB", 1), figures);
    Ok(())
}

async fn allocated(gateway: &Binary) -> anyhow::Result<u64> {
    let figures = gateway.http()?.get("/metrics").await?.text();
    let value = figures.lines().find_map(|line| line.strip_prefix("alfresco_ssh_allocated_bytes "));
    Ok(value.context("the gateway does not count what it allocates")?.trim().parse::<f64>()? as u64)
}

impl Printed {
    fn new(file: &Path, mebibytes: usize) -> anyhow::Result<Self> {
        let output = mixed_output(mebibytes * MEBIBYTE);
        let (checksum, length) = (sha256(&output), output.len());
        fs::write(file, output)?;
        let (first, second) = END.split_at(8);
        let command = format!("cat {}; printf %s%s {first:?} {second:?}", file.display());
        Ok(Self { checksum, length, command })
    }

    /// To the last byte here.
    async fn transfer(&self, client: &mut Client, pid: Option<ProcessId>) -> anyhow::Result<Transfer> {
        client.prepare(&self.command).await?;
        // Written once before the clock runs: what the system takes to hand out memory is none of theirs.
        let mut output = vec![1; self.length + 1024];
        output.clear();
        let cpu = pid.map(cpu_time).transpose()?;
        let asked = Instant::now();
        client.go().await?;
        client.read_until(END, &mut output).await?;
        let seconds = asked.elapsed().as_secs_f64();
        let cpu_after = pid.map(cpu_time).transpose()?;
        let cpu_seconds =
            cpu_after.zip(cpu).map(|(after, before)| after.saturating_sub(before).as_secs_f64());
        let intact = sha256(&output[..output.len() - END.len()]) == self.checksum;
        Ok(Transfer { seconds, cpu_seconds, intact })
    }
}
