//! `cargo xtask`: what a contributor and CI run. Knows the workspace's folders and tools, and nothing
//! of how the product works.

use std::path::Path;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

mod codegen;

/// Checks, tests and generated files.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write the page's TypeScript types from the crate `wire`.
    Codegen {
        /// Write nothing; fail if the file is not what would be written.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("no workspace")?;
    match Arguments::parse().task {
        Task::Codegen { check: true } => codegen::check(root),
        Task::Codegen { check: false } => codegen::write(root),
    }
}
