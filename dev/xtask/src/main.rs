//! `cargo xtask`: what developers and CI run. Owns no product code.

#![allow(clippy::print_stdout, reason = "a command-line tool speaks on stdout")]

mod codegen;
mod packages;
mod step;
mod test;

use std::path::Path;

use anyhow::Context as _;
use clap::Parser;

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Chore {
    /// Checks and tests everything: formats, lints, both languages' tests, the page in a browser.
    Test,
    /// Writes the page's TypeScript types from `crates/wire`.
    Codegen,
}

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("no workspace")?;
    match Chore::parse() {
        Chore::Test => test::run(root),
        Chore::Codegen => codegen::write(root),
    }
}
