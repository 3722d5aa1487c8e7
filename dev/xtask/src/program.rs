//! Runs other programs: shows how to repeat them, passes on what they print, and counts tests in it.

use std::{
    ffi::OsStr,
    io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use anyhow::{Context as _, bail};

/// A program with its arguments, started in the root of the workspace.
pub(crate) struct Program {
    command: Command,
    line: String,
}

impl Program {
    /// `words` is a command line without quotes; `cargo` is the one that runs this.
    pub(crate) fn new(root: &Path, words: &str) -> Self {
        let mut parts = words.split_ascii_whitespace();
        let mut program = parts.next().unwrap_or_default().to_owned();
        if let ("cargo", Ok(cargo)) = (program.as_str(), std::env::var("CARGO")) {
            program = cargo;
        }
        let mut command = Command::new(program);
        command.args(parts).current_dir(root).stdin(Stdio::null());
        Self { command, line: words.to_owned() }
    }

    /// Starts it in this folder of the workspace.
    pub(crate) fn within(mut self, root: &Path, folder: &str) -> Self {
        self.command.current_dir(root.join(folder));
        self.line = format!("(cd {folder} && {})", self.line);
        self
    }

    /// Adds arguments, which may hold anything.
    pub(crate) fn arguments(mut self, arguments: &[String]) -> Self {
        self.command.args(arguments);
        self.line = [&[self.line], arguments].concat().join(" ");
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        println!("$ {}", self.line);
        let status = self.command.status().with_context(|| format!("`{}` cannot be started", self.line))?;
        if !status.success() {
            bail!("`{}` failed ({status})", self.line);
        }
        Ok(())
    }

    /// Whether it can be run without an error, silently.
    pub(crate) fn succeeds(mut self) -> bool {
        let result = self.command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        result.is_ok_and(|status| status.success())
    }

    /// Runs it and returns how many tests it says have passed.
    pub(crate) fn run_tests(mut self) -> anyhow::Result<u32> {
        println!("$ {}", self.line);
        if io::stdout().is_terminal() {
            // It sees a pipe and would go without colours.
            self.command.env("CARGO_TERM_COLOR", "always").env("FORCE_COLOR", "1");
        }
        let started = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = started.with_context(|| format!("`{}` cannot be started", self.line))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let count = AtomicU32::new(0);
        thread::scope(|threads| {
            threads.spawn(|| stdout.map(|from| pass_on(from, io::stdout(), &count)));
            threads.spawn(|| stderr.map(|from| pass_on(from, io::stderr(), &count)));
        });
        let status = child.wait()?;
        let count = count.into_inner();
        if !status.success() {
            bail!("`{}` failed ({status})", self.line);
        }
        if count == 0 {
            bail!("`{}` ran no test", self.line);
        }
        Ok(count)
    }
}

fn pass_on(from: impl Read, mut to: impl Write, count: &AtomicU32) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        count.fetch_add(passed(&String::from_utf8_lossy(&line)), Ordering::Relaxed);
        line.clear();
    }
    to.flush()
}

/// The tests that passed, if this is the last line of nextest, `cargo test`, vitest or Playwright.
fn passed(line: &str) -> u32 {
    let line = without_colours(line);
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let closes = match words[..] {
        ["Summary", ..] | ["test", "result:", ..] | ["Tests", ..] => true,
        [number, "passed", time] => time.starts_with('(') && number.parse::<u32>().is_ok(),
        _ => false,
    };
    let says_passed = |pair: &&[&str]| pair[1].starts_with("passed");
    let count = words.windows(2).find(says_passed).and_then(|pair| pair[0].parse().ok());
    count.filter(|_| closes).unwrap_or(0)
}

/// The text without `ESC [ … letter`.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(
            part.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).get(1..).unwrap_or_default(),
        );
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_runner_is_counted_once() {
        for (line, count) in [
            ("     Summary [  28.127s] 345 tests run: 345 passed (1 slow), 0 skipped", 345),
            ("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out", 12),
            (
                "\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m129 passed\x1b[39m\x1b[22m\x1b[90m (129)\x1b[39m",
                129,
            ),
            ("  26 passed (1.2m)", 26),
            (" Test Files  7 passed (7)", 0),
            ("test limits::seven_passed ... ok", 0),
            ("we saw 3 passed by", 0),
        ] {
            assert_eq!(passed(line), count, "{line}");
        }
    }
}
