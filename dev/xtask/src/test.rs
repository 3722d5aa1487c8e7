//! `cargo xtask test`: every check, the cheap ones first, nothing compiled twice.

use std::{env, fs, path::Path, process::Command, time::Duration};

use crate::{
    codegen, packages,
    step::{Done, command, run as run_command, step},
};

/// Where the last line of a run that passed is kept, for whoever shows it later.
const SUMMARY: &str = "target/xtask-summary.txt";

/// Runs every step, and stops at the first that fails.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let web = root.join("web");
    let node = root.join("dev/testkit/node");
    let binary = root.join("target/release/alfresco-ssh");
    let done = [
        step("programs", || packages::provide().map(|()| Vec::new()))?,
        step("rustfmt", || command(&cargo(), ["fmt", "--all", "--check"], root))?,
        step("codegen", || codegen::check(root).map(|()| Vec::new()))?,
        step("npm packages", || {
            command("npm", ["ci", "--no-audit", "--no-fund"], &web)?;
            command("npm", ["ci", "--no-audit", "--no-fund"], &node)
        })?,
        step("biome and tsc", || command("npm", ["run", "--silent", "check"], &web))?,
        step("vitest", || command("npm", ["run", "--silent", "test"], &web))?,
        step("clippy", || {
            let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
            command(&cargo(), clippy, root)
        })?,
        // The integration tests take this binary as well: a debug one would be built for nothing else.
        step("release build", || command(&cargo(), ["build", "--release", "--locked"], root))?,
        step("unit and integration tests", || run_command(rust_tests(root, &binary)))?,
        step("Playwright", || {
            let mut playwright = Command::new("npm");
            playwright.args(["run", "--silent", "e2e"]).current_dir(&web);
            run_command(with_binary(playwright, &binary))
        })?,
    ];
    let summary = summary(&done);
    println!("\n{summary}");
    fs::write(root.join(SUMMARY), summary.lines().last().unwrap_or_default())?;
    Ok(())
}

/// nextest where it is installed: faster, and it names what hangs.
fn rust_tests(root: &Path, binary: &Path) -> Command {
    let mut tests = Command::new(cargo());
    if packages::cargo_has("nextest") {
        tests.args(["nextest", "run", "--workspace", "--locked", "--no-tests=pass"]);
    } else {
        tests.args(["test", "--workspace", "--locked"]);
    }
    tests.current_dir(root);
    with_binary(tests, binary)
}

fn with_binary(mut command: Command, binary: &Path) -> Command {
    command.env("ALFRESCO_SSH_BIN", binary);
    command
}

fn cargo() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn summary(done: &[Done]) -> String {
    let mut text = String::new();
    for step in done {
        let figures = step.figures.as_deref().unwrap_or_default();
        text.push_str(&format!("{:>8.1} s  {:<28} {figures}\n", step.time.as_secs_f64(), step.title));
    }
    let total: Duration = done.iter().map(|step| step.time).sum();
    text.push_str(&format!(
        "Summary [{:.1}s] {} steps: {} passed",
        total.as_secs_f64(),
        done.len(),
        done.len()
    ));
    for step in done {
        if let Some(figures) = &step.figures {
            text.push_str(&format!("; {}: {figures}", step.title));
        }
    }
    text
}
