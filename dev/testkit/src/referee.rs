//! xterm.js as a judge: one Node process that compares terminals that were given the same in two ways.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, bail};
use serde_json::Value;

/// The judge; dropping it kills its process.
#[derive(Debug)]
pub struct Referee {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Referee {
    /// Starts Node.
    ///
    /// # Errors
    /// Node or its packages are missing.
    pub fn start() -> anyhow::Result<Self> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
        if !dir.join("node_modules/@xterm/headless").is_dir() {
            bail!("xterm.js is not installed: run `npm ci` in dev/testkit/node");
        }
        let mut process = Command::new("node")
            .arg(dir.join("referee.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node does not start")?;
        let stdin = process.stdin.take().context("no stdin")?;
        let stdout = BufReader::new(process.stdout.take().context("no stdout")?);
        Ok(Self { process, stdin, stdout })
    }

    /// Judges one case, in the words of `dev/testkit/node/referee.mjs`; returns the differences.
    ///
    /// # Errors
    /// The process has ended.
    pub fn judge(&mut self, case: &Value) -> anyhow::Result<Vec<String>> {
        writeln!(self.stdin, "{case}")?;
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            bail!("the referee ended");
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Referee {
    fn drop(&mut self) {
        if self.process.kill().is_ok() {
            let _ = self.process.wait();
        }
    }
}
