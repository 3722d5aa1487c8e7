//! The load driver: what the gateway costs beside a plain `ssh` client, measured in one run.
//!
//! Both go to the same sshd and take turns, so that whatever else the machine does hits both.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on both")]

mod docs;
mod lab;
mod machine;
mod measure;
mod report;
mod samples;
mod table;
mod usage;
mod way;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Parser;

use crate::{lab::Lab, measure::Measure, report::Report};

/// Measures the gateway beside the plain `ssh` client.
///
/// Run it as `cargo xtask bench`, which builds what it measures. It needs `ssh`, `sshd` and root, because
/// only root may read the gateway's memory map.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Options {
    /// Take only this measurement; may be repeated.
    #[arg(long, value_enum, value_name = "NAME")]
    only: Vec<Measure>,
    /// Take few rounds: shows that everything works, and no figure worth keeping.
    #[arg(long)]
    quick: bool,
    /// Write the report to this file as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Put the tables into `docs/benchmarks.md`.
    #[arg(long, conflicts_with_all = ["quick", "only", "gateway"])]
    docs: bool,
    /// Arguments of the gateway, such as `--detach-grace 0`.
    #[arg(last = true, value_name = "ARGUMENT")]
    gateway: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if cfg!(debug_assertions) && !options.quick {
        bail!("only a release build is worth measuring: `cargo xtask bench`, or add --quick");
    }
    let lab = Lab::set_up(options.quick, &options.gateway).await?;
    let mut report = Report::begin(&lab).await?;
    for measure in Measure::chosen(&options.only) {
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
