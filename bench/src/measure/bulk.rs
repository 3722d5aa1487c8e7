//! Mixed output of 64 MiB, as `cat` of a file: how fast it comes, what it costs whoever stands between,
//! and whether it is the file.

use std::{fs, path::Path, time::Instant};

use anyhow::{Context as _, bail};
use testkit::{Binary, process::ProcessId, sha256};

use crate::{
    lab::Lab,
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
    cpu_seconds: f64,
}

pub(super) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let mebibytes = lab.rounds(64, 4) as usize;
    let printed = Printed::new(&lab.sshd.dir().join("output"), mebibytes)?;
    let forgetful = lab.another_gateway(&["--detach-grace", "0"]).await?;
    let (mut rates, mut cpu, mut cpu_without) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..lab.rounds(9, 1) {
        for way in lab.ways() {
            let mut client = lab.open(way).await?;
            let pid = lab.process_of(&client)?;
            let transfer = printed.transfer(&mut client, pid).await.with_context(|| way.name())?;
            rates.add(way, mebibytes as f64 / transfer.seconds);
            cpu.add(way, transfer.cpu_seconds);
        }
        let mut client = lab.open_at(Way::Page, &forgetful).await?;
        cpu_without.add(Way::Page, printed.transfer(&mut client, forgetful.id()?).await?.cpu_seconds);
    }
    let what = format!("{mebibytes} MiB of mixed output");
    let rate = report.row(format!("{what}, median"), Unit("MiB/s", 1), rates.median());
    rate.should_be(Target::RatioAtLeast(0.95));
    let seconds = Unit("s", 2);
    report
        .row("CPU of client or gateway for it, median", seconds, cpu.median())
        .should_be(Target::AtMost(0.4));
    report.row("CPU of the gateway for it without screens, median", seconds, cpu_without.median());
    allocations(lab, report, &printed).await
}

/// What the gateway allocates for one transfer, as far as it was built to count that.
async fn allocations(lab: &Lab, report: &mut Report, printed: &Printed) -> anyhow::Result<()> {
    let Some(gateway) = lab.counting_gateway().await? else { return Ok(()) };
    let mut figures = Figures::new();
    for way in lab.our_ways() {
        let mut client = lab.open_at(way, &gateway).await?;
        let before = allocated(&gateway).await?;
        printed.transfer(&mut client, gateway.id()?).await?;
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
    async fn transfer(&self, client: &mut Client, pid: ProcessId) -> anyhow::Result<Transfer> {
        client.prepare(&self.command).await?;
        let mut output = Vec::with_capacity(self.length + 1024);
        let cpu = cpu_time(pid)?;
        let asked = Instant::now();
        client.go().await?;
        client.read_until(END, &mut output).await?;
        let seconds = asked.elapsed().as_secs_f64();
        let cpu_seconds = cpu_time(pid)?.saturating_sub(cpu).as_secs_f64();
        let printed = &output[..output.len() - END.len()];
        if sha256(printed) != self.checksum {
            bail!("the output is not the file: {} bytes of {}", printed.len(), self.length);
        }
        Ok(Transfer { seconds, cpu_seconds })
    }
}

/// Text, colours, wide characters and emoji: the same in every run.
fn mixed_output(length: usize) -> Vec<u8> {
    let mut text = String::with_capacity(length + 256);
    for line in 0_u32.. {
        let colour = 31 + line % 7;
        let next = match line % 4 {
            0 => format!("{line:08} the quick brown fox jumps over the lazy dog, again and again\r\n"),
            1 => format!("\x1b[1;{colour}m{line:08}\x1b[0m \x1b[38;5;{}mbuilding\x1b[0m ok\r\n", line % 256),
            2 => format!("{line:08} 端末の文字は二つの桁を取ります 漢字仮名交じり文\r\n"),
            _ => format!("{line:08} 🙂 🚀 👩‍💻 e\u{301} ← combined, emoji, plain\r\n"),
        };
        if text.len() + next.len() > length {
            break;
        }
        text.push_str(&next);
    }
    // No character is cut.
    let mut bytes = text.into_bytes();
    bytes.resize(length, b'.');
    bytes
}
