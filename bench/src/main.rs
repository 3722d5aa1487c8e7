//! The load driver: what the gateway costs beside a plain `ssh` client, measured in one run.
//!
//! Both go to the same sshd and take turns, so that whatever else the machine does hits both.

#![allow(clippy::print_stdout, reason = "a command-line tool speaks on stdout")]

mod client;
mod measure;
mod page;
mod table;

use std::{env, fs, process::Command};

use anyhow::{Context as _, bail};
use testkit::{Binary, BinaryOptions, Sshd, sha256};

use crate::{
    client::{Client, Kind},
    measure::{Transfer, connect, echo, idle_memory, interrupt, memory, mixed_output, transfer},
    table::{Table, millis, quantile},
};

const KEYS: u32 = 400;
const MEBIBYTES: u32 = 64;
const TRANSFERS: u32 = 9;
const INTERRUPTS: u32 = 20;
const CONNECTS: u32 = 20;
const SESSIONS: u32 = 50;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    build()?;
    let sshd = Sshd::start().await?;
    let gateway = Binary::start(BinaryOptions { arguments: arguments(), ..BinaryOptions::default() }).await?;
    let mut table = Table::new();
    connects(&mut table, &sshd, &gateway).await.context("connecting")?;
    // By now all that is loaded once is loaded.
    let at_first = memory(gateway.id()?)?;
    let sizes = idle_memory(&sshd, &gateway, SESSIONS).await.context("memory")?;
    echoes(&mut table, &sshd, &gateway).await.context("key echo")?;
    let screens = transfers(&mut table, &sshd, &gateway).await.context("throughput")?;
    interrupts(&mut table, &sshd, &gateway).await.context("Ctrl-C")?;
    table.row("memory of an idle session", "KiB", 0, sizes.map(|bytes| bytes as f64 / 1024.0));
    println!("\n{table}\n{screens}");
    let (at_first, at_last) = (at_first / 1024, memory(gateway.id()?)? / 1024);
    println!("The gateway without a session: {at_first} KiB at first, {at_last} KiB after all of this.");
    Ok(())
}

/// Sessions that were measured wait for nobody for long, and all of them come from one address. What
/// this program was given besides, such as `--detach-grace 0`, is the gateway's.
fn arguments() -> Vec<String> {
    let ours = ["--detach-grace", "2s", "--max-sessions-per-address", "0"].map(str::to_owned);
    ours.into_iter().chain(env::args().skip(1)).collect()
}

/// Builds the binary beside this program, so that it is measured as the sources are, unless
/// `ALFRESCO_SSH_BIN` names another.
fn build() -> anyhow::Result<()> {
    if env::var_os("ALFRESCO_SSH_BIN").is_some() {
        return Ok(());
    }
    let cargo = env::var_os("CARGO").context("start this with `cargo run --release --package bench`")?;
    let status = Command::new(cargo).args(["build", "--release", "--package", "alfresco-ssh"]).status()?;
    if cfg!(debug_assertions) || !status.success() {
        bail!("only a release build is worth measuring: `cargo run --release --package bench`");
    }
    Ok(())
}

async fn both(sshd: &Sshd, gateway: &Binary) -> anyhow::Result<[Client; 2]> {
    Ok([Client::open(Kind::Ssh, sshd, gateway).await?, Client::open(Kind::Gateway, sshd, gateway).await?])
}

async fn connects(table: &mut Table, sshd: &Sshd, gateway: &Binary) -> anyhow::Result<()> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..CONNECTS {
        for (kind, times) in Kind::BOTH.into_iter().zip(&mut times) {
            times.push(connect(kind, sshd, gateway).await?);
        }
    }
    table.row("nothing to prompt, median", "ms", 0, quantile(&times, 0.5, |time| millis(*time)));
    Ok(())
}

async fn echoes(table: &mut Table, sshd: &Sshd, gateway: &Binary) -> anyhow::Result<()> {
    let times = echo(&mut both(sshd, gateway).await?, KEYS).await?;
    for (name, part) in [("key to echo, median", 0.5), ("key to echo, 99th percentile", 0.99)] {
        table.row(name, "ms", 2, quantile(&times, part, |time| millis(*time)));
    }
    Ok(())
}

/// The transfers, and with them what the screens cost that are kept for whoever comes back.
async fn transfers(table: &mut Table, sshd: &Sshd, gateway: &Binary) -> anyhow::Result<String> {
    let forgetful = arguments().into_iter().chain(["--detach-grace".to_owned(), "0".to_owned()]);
    let forgetful =
        Binary::start(BinaryOptions { arguments: forgetful.collect(), ..BinaryOptions::default() }).await?;
    let output = mixed_output(MEBIBYTES as usize * 1024 * 1024);
    let (file, checksum) = (sshd.dir().join("output"), sha256(&output));
    fs::write(&file, output)?;
    let ways = [("ssh", Kind::Ssh, gateway), ("gateway", Kind::Gateway, gateway)];
    let ways = ways.into_iter().chain([("without screens", Kind::Gateway, &forgetful)]);
    let mut transfers = [const { Vec::new() }; 3];
    for round in 1..=TRANSFERS {
        for ((name, kind, gateway), transfers) in ways.clone().zip(&mut transfers) {
            let mut client = Client::open(kind, sshd, gateway).await?;
            let pid = client.process().map_or_else(|| gateway.id(), Ok)?;
            let transfer = transfer(&mut client, pid, &file, &checksum).await?;
            let (time, cpu) = (transfer.time.as_secs_f64(), transfer.cpu.as_secs_f64());
            println!("{name} {round}: {time:.2} s, CPU {cpu:.2} s");
            transfers.push(transfer);
        }
    }
    let size = f64::from(MEBIBYTES);
    let [ssh, with, without] = transfers;
    let pair = [ssh, with];
    let rates = quantile(&pair, 0.5, |transfer| size / transfer.time.as_secs_f64());
    table.row(&format!("{MEBIBYTES} MiB of mixed output, median"), "MiB/s", 0, rates);
    let cpu = |it: &Transfer| it.cpu.as_secs_f64();
    table.row("CPU of client or gateway for it, median", "s", 2, quantile(&pair, 0.5, cpu));
    let [_, with] = pair;
    let [with, without] = [with, without].map(|transfers| transfers.iter().map(cpu).sum::<f64>());
    Ok(format!(
        "Screens take {:.2} of the CPU of a gateway that keeps none ({without:.2} s for all transfers).",
        with / without
    ))
}

async fn interrupts(table: &mut Table, sshd: &Sshd, gateway: &Binary) -> anyhow::Result<()> {
    let mut clients = both(sshd, gateway).await?;
    let mut interrupts = [Vec::new(), Vec::new()];
    for _ in 0..INTERRUPTS {
        for (client, interrupts) in clients.iter_mut().zip(&mut interrupts) {
            interrupts.push(interrupt(client).await?);
        }
    }
    for (name, part) in [("Ctrl-C in a flood to prompt, median", 0.5), ("the same, worst", 1.0)] {
        table.row(name, "ms", 1, quantile(&interrupts, part, |it| millis(it.time)));
    }
    let kib = quantile(&interrupts, 0.5, |it| it.bytes as f64 / 1024.0);
    table.row("output after Ctrl-C, median", "KiB", 0, kib);
    Ok(())
}
