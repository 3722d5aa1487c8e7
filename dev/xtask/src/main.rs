//! `cargo xtask`: what contributors and CI run. Knows the workspace's folders and tools, and nothing of
//! how the product works.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on both")]

mod bench;
mod codegen;
mod program;
mod test;
mod tools;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Parser, builder::PossibleValuesParser};

/// The project's chores.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Chore {
    /// Run every check and test, up to the first that fails.
    Test {
        /// Only this step; may be repeated.
        #[arg(long, value_name = "STEP", value_parser = PossibleValuesParser::new(test::names()))]
        only: Vec<String>,
    },
    /// Write the page's TypeScript types from the crate `wire`.
    Codegen {
        /// Write nothing; fail if the file is not what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Build what is released and measure it beside plain `ssh`.
    #[command(disable_help_flag = true)]
    Bench {
        /// What the load driver is told; `--help` lists it.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Run what sessions go through for hours and fail if the gateway grows.
    #[command(disable_help_flag = true)]
    Soak {
        /// What the load driver is told: `--hours N`, `--minutes N`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Chore::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("no workspace")?;
    match chore {
        Chore::Test { only } => test::run(root, &only),
        Chore::Codegen { check: true } => codegen::check(root),
        Chore::Codegen { check: false } => codegen::write(root),
        Chore::Bench { arguments } => bench::run(root, &arguments),
        Chore::Soak { mut arguments } => {
            arguments.insert(0, "soak".to_owned());
            bench::run(root, &arguments)
        }
    }
}

/// Cargo's target folder. This program stands in it, below the name of its profile.
fn target_folder() -> anyhow::Result<PathBuf> {
    let this = env::current_exe()?;
    this.ancestors().nth(2).map(Path::to_owned).context("cargo did not build this")
}
