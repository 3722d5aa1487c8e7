//! The load driver: what the gateway costs beside a plain `ssh` client, measured in one run.
//!
//! Both go to the same sshd and take turns, so that whatever else the machine does hits both.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on both")]

mod docs;
mod lab;
mod machine;
mod measure;
mod mixed;
mod report;
mod samples;
mod slow_link;
mod soak;
mod table;
mod usage;
mod way;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Parser;

use crate::{
    lab::Lab,
    measure::Measure,
    report::Report,
    way::{Peer, PeerPid},
};

/// Measures the gateway beside the plain `ssh` client.
///
/// Run it as `cargo xtask bench`, which builds what it measures. It needs `ssh`, `sshd` and root, because
/// only root may read the gateway's memory map.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    instead: Option<Instead>,
    /// Take only this measurement; may be repeated.
    #[arg(long, value_enum, value_name = "NAME")]
    only: Vec<Measure>,
    /// Measure the page in a browser too, which needs Chromium.
    #[arg(long)]
    browser: bool,
    /// Take few rounds: shows that everything works, and no figure worth keeping.
    #[arg(long)]
    quick: bool,
    /// Write the report to this file as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Put the tables into `docs/benchmarks.md`.
    #[arg(long, conflicts_with_all = ["quick", "only", "gateway"])]
    docs: bool,
    /// Measure this product too, which runs on this machine; may be repeated.
    #[arg(long, value_name = "NAME=URL")]
    peer: Vec<Peer>,
    /// Its process, for memory and CPU time; may be repeated.
    #[arg(long, value_name = "NAME=PID")]
    peer_pid: Vec<PeerPid>,
    /// sshd's port, for products that must know it beforehand.
    #[arg(long)]
    sshd_port: Option<u16>,
    /// Put the key that may log in into this file, for the same.
    #[arg(long, value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// Arguments of the gateway, such as `--detach-grace 0`.
    #[arg(last = true, value_name = "ARGUMENT")]
    gateway: Vec<String>,
}

/// What it does instead of measuring.
#[derive(clap::Subcommand)]
enum Instead {
    /// Run for hours what sessions go through, and fail if the gateway grows: `cargo xtask soak`.
    Soak(soak::Options),
}

impl Options {
    /// The other products, with their processes.
    fn peers(&self) -> Vec<Peer> {
        let mut peers = self.peer.clone();
        for peer in &mut peers {
            let process = self.peer_pid.iter().find(|process| process.product == peer.product);
            peer.pid = process.map(|process| process.pid);
        }
        peers
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(Instead::Soak(soak)) = &options.instead {
        return soak::run(soak).await;
    }
    if cfg!(debug_assertions) && !options.quick {
        bail!("only a release build is worth measuring: `cargo xtask bench`, or add --quick");
    }
    let peers = options.peers();
    let lab = Lab::set_up(options.quick, &options.gateway, options.sshd_port, peers).await?;
    if let Some(file) = &options.client_key {
        // The mode goes with it.
        fs::copy(lab.sshd.client_key_path(), file)?;
    }
    let mut report = Report::begin(&lab).await?;
    for measure in Measure::chosen(&options.only, options.browser) {
        println!("{}…", measure.name());
        measure.take(&lab, &mut report).await.with_context(|| measure.name())?;
    }
    println!("\n{}", table::whole(&report));
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&report)?;
        fs::write(file, text + "\n").with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if options.docs {
        docs::rewrite(&report)?;
    }
    Ok(())
}
