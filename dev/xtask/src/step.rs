//! Running one step: its title, its output as it comes, its time, and the figures it ends with.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read, Write as _},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

/// A step that is over.
pub(crate) struct Done {
    /// What it was.
    pub(crate) title: &'static str,
    /// How long it took.
    pub(crate) time: Duration,
    /// The line in which a test runner counts, if one ran.
    pub(crate) figures: Option<String>,
}

/// Runs a step, and stops everything if it fails.
pub(crate) fn step(
    title: &'static str,
    work: impl FnOnce() -> anyhow::Result<Vec<String>>,
) -> anyhow::Result<Done> {
    println!("\n==> {title}");
    let begun = Instant::now();
    let lines = work().with_context(|| format!("the step \"{title}\" failed"))?;
    let time = begun.elapsed();
    println!("==> {title}: {:.1} s", time.as_secs_f64());
    Ok(Done { title, time, figures: figures(&lines) })
}

/// Runs a command, shows what it prints and returns that.
pub(crate) fn command<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
    dir: &Path,
) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir);
    run(command)
}

/// Runs a prepared command, shows what it prints and returns that.
pub(crate) fn run(mut command: Command) -> anyhow::Result<Vec<String>> {
    let name = command.get_program().display().to_string();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} does not start"))?;
    let stdout = child.stdout.take().context("no stdout")?;
    let stderr = child.stderr.take().context("no stderr")?;
    let aside = thread::spawn(move || show(stderr));
    let mut lines = show(stdout);
    lines.extend(aside.join().unwrap_or_default());
    let status = child.wait()?;
    if !status.success() {
        bail!("{name}: {status}");
    }
    Ok(lines)
}

/// Copies lines to stdout as they come.
fn show(from: impl Read) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        // Nobody may be listening any more; the step goes on.
        let _ = writeln!(std::io::stdout(), "{line}");
        lines.push(line);
    }
    lines
}

/// The last line in which nextest, cargo test, vitest or Playwright count what passed.
fn figures(lines: &[String]) -> Option<String> {
    let counts = |line: &str| line.contains(" passed") && line.chars().any(|char| char.is_ascii_digit());
    let one_result = |line: &&String| line.contains("test result: ok.");
    let libtest: u64 = lines
        .iter()
        .filter(one_result)
        .filter_map(|line| line.split("ok. ").nth(1)?.split(' ').next()?.parse::<u64>().ok())
        .sum();
    if libtest > 0 {
        return Some(format!("{libtest} passed"));
    }
    let last = lines.iter().rev().map(|line| plain(line)).find(|line| counts(line))?;
    let words: Vec<&str> = last.split_ascii_whitespace().collect();
    Some(words.join(" "))
}

/// A line without the escape sequences that colour it.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, escape)) = rest.split_once("\x1b[") {
        text.push_str(before);
        rest = escape.split_once(|char: char| char.is_ascii_alphabetic()).map_or("", |(_, rest)| rest);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Option<String> {
        figures(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn each_runners_count_is_found() {
        let nextest =
            "\x1b[32;1m     Summary\x1b[0m [  17.4s] \x1b[1m10\x1b[0m tests run: 10 passed, 0 skipped";
        assert_eq!(
            of(&["x", nextest]).as_deref(),
            Some("Summary [ 17.4s] 10 tests run: 10 passed, 0 skipped")
        );
        assert_eq!(of(&["      Tests  63 passed (63)"]).as_deref(), Some("Tests 63 passed (63)"));
        assert_eq!(of(&["  41 passed (1.2m)", ""]).as_deref(), Some("41 passed (1.2m)"));
        let result = "test result: ok. 7 passed; 0 failed; 0 ignored";
        assert_eq!(of(&[result, "noise", result]).as_deref(), Some("14 passed"));
        assert_eq!(of(&["nothing counts here"]), None);
    }
}
