//! `cargo xtask test`: every check and test, cheapest first, up to the first that fails.
//!
//! Cargo is always told `--workspace`: with other packages chosen, dependencies would get other features
//! and be compiled again.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::{
    codegen,
    program::Program,
    target_folder,
    tools::{
        self, CHROMIUM, DROPBEAR, GOOGLE_AUTHENTICATOR, HTOP, LESS, MC, OPENSSL, PUTTYGEN, SSH, SSHD,
        TINYSSHD, TMUX, Tool, VIM,
    },
};

/// What a step is given.
struct Place<'a> {
    root: &'a Path,
    /// Cargo's target folder.
    target: PathBuf,
}

struct Step {
    name: &'static str,
    /// Returns how many tests have passed; checks that are no tests count as none.
    run: fn(&Place<'_>) -> anyhow::Result<u32>,
    tools: &'static [Tool],
    node: bool,
}

const STEPS: [Step; 11] = [
    Step { name: "format", run: format, tools: &[], node: false },
    Step { name: "codegen", run: generated, tools: &[], node: false },
    Step { name: "install", run: install, tools: &[], node: true },
    Step { name: "page", run: page, tools: &[], node: true },
    Step { name: "vitest", run: vitest, tools: &[], node: true },
    Step { name: "clippy", run: clippy, tools: &[], node: true },
    Step { name: "build", run: build, tools: &[], node: true },
    Step {
        name: "tests",
        run: tests,
        tools: &[
            SSH,
            SSHD,
            OPENSSL,
            PUTTYGEN,
            VIM,
            LESS,
            HTOP,
            TMUX,
            MC,
            DROPBEAR,
            TINYSSHD,
            GOOGLE_AUTHENTICATOR,
        ],
        node: true,
    },
    Step { name: "doctests", run: doctests, tools: &[], node: true },
    Step { name: "release", run: release, tools: &[], node: true },
    Step {
        name: "browser",
        run: browser,
        tools: &[CHROMIUM, SSH, SSHD, OPENSSL, VIM, GOOGLE_AUTHENTICATOR],
        node: true,
    },
];

/// The names of the steps, in order.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    STEPS.iter().map(|step| step.name)
}

/// Runs all steps, or only those that are named.
pub(crate) fn run(root: &Path, only: &[String]) -> anyhow::Result<()> {
    let chosen = || STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name));
    if chosen().any(|step| step.node) {
        tools::require_node()?;
    }
    tools::require(root, &chosen().flat_map(|step| step.tools))?;
    let place = Place { root, target: target_folder()? };
    let mut times = Vec::new();
    let mut passed = 0;
    for step in chosen() {
        println!("\n=== {} ===", step.name);
        let started = Instant::now();
        let result = (step.run)(&place);
        times.push((step.name, started.elapsed()));
        passed += result.inspect_err(|_| summarise(&times)).with_context(|| {
            format!("the step {0} failed; `cargo xtask test --only {0}` repeats it", step.name)
        })?;
    }
    summarise(&times);
    if passed > 0 {
        println!("{passed} passed, 0 failed");
    }
    Ok(())
}

fn summarise(times: &[(&str, Duration)]) {
    println!();
    for (name, time) in times {
        println!("{name:<10}{:>8.1} s", time.as_secs_f64());
    }
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    println!("{:<10}{:>8.1} s\n", "total", total.as_secs_f64());
}

fn format(place: &Place<'_>) -> anyhow::Result<u32> {
    check(Program::new(place.root, "cargo fmt --all --check"))
}

fn generated(place: &Place<'_>) -> anyhow::Result<u32> {
    codegen::check(place.root)?;
    Ok(0)
}

fn install(place: &Place<'_>) -> anyhow::Result<u32> {
    for folder in ["web", "dev/testkit/node"] {
        if !is_installed(&place.root.join(folder)) {
            Program::new(place.root, "npm ci --no-audit --no-fund").within(place.root, folder).run()?;
        }
    }
    Ok(0)
}

/// Whether npm has installed what the lock file says: its own record is newer than the lock file.
fn is_installed(folder: &Path) -> bool {
    let modified = |file| fs::metadata(folder.join(file)).and_then(|metadata| metadata.modified());
    match (modified("node_modules/.package-lock.json"), modified("package-lock.json")) {
        (Ok(installed), Ok(locked)) => installed >= locked,
        _ => false,
    }
}

fn page(place: &Place<'_>) -> anyhow::Result<u32> {
    check(Program::new(place.root, "npm run check").within(place.root, "web"))
}

fn vitest(place: &Place<'_>) -> anyhow::Result<u32> {
    Program::new(place.root, "npm test").within(place.root, "web").run_tests()
}

fn clippy(place: &Place<'_>) -> anyhow::Result<u32> {
    check(Program::new(place.root, "cargo clippy --workspace --all-targets --locked -- --deny warnings"))
}

/// The tests start the binary that this leaves beside them.
fn build(place: &Place<'_>) -> anyhow::Result<u32> {
    check(Program::new(place.root, "cargo build --workspace --all-targets --locked"))
}

fn tests(place: &Place<'_>) -> anyhow::Result<u32> {
    let nextest = Program::new(place.root, "cargo nextest --version").succeeds();
    let words = if nextest {
        "cargo nextest run --workspace --locked"
    } else {
        "cargo test --workspace --lib --bins --tests --locked --no-fail-fast"
    };
    Program::new(place.root, words).run_tests()
}

fn doctests(place: &Place<'_>) -> anyhow::Result<u32> {
    check(Program::new(place.root, "cargo test --workspace --doc --locked"))
}

fn release(place: &Place<'_>) -> anyhow::Result<u32> {
    check(Program::new(place.root, "cargo build --release --package alfresco-ssh --locked"))
}

fn browser(place: &Place<'_>) -> anyhow::Result<u32> {
    let gateway = built(place, "release", "alfresco-ssh", "release")?;
    let sshd = built(place, "debug", "account-sshd", "build")?;
    let tests = Program::new(place.root, "npm run e2e").within(place.root, "web");
    tests.env("ALFRESCO_SSH_BIN", gateway).env("ACCOUNT_SSHD_BIN", sshd).run_tests()
}

/// A program that an earlier step has built.
fn built(place: &Place<'_>, profile: &str, name: &str, step: &str) -> anyhow::Result<PathBuf> {
    let program = place.target.join(profile).join(name);
    if !program.is_file() {
        bail!("{} is not built: run `cargo xtask test --only {step}` first", program.display());
    }
    Ok(program)
}

fn check(program: Program) -> anyhow::Result<u32> {
    program.run()?;
    Ok(0)
}
