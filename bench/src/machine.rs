//! What a run ran on: figures of another machine are others.

use std::{env, fs, thread};

use anyhow::Context as _;
use serde::Serialize;
use testkit::{Binary, BinaryOptions};
use tokio::process::Command;

/// The machine and the versions.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    /// How to run it again.
    pub(crate) command: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    pub(crate) openssh: String,
    pub(crate) gateway: String,
}

impl Machine {
    /// Looks at this one.
    pub(crate) async fn look() -> anyhow::Result<Self> {
        let ssh = Command::new("ssh").arg("-V").output().await.context("there is no ssh")?;
        let gateway = BinaryOptions { arguments: vec!["--version".to_owned()], ..BinaryOptions::default() };
        let gateway = Binary::command(&gateway)?.output().await?;
        let arguments: Vec<String> = env::args().skip(1).collect();
        let kib = field("/proc/meminfo", "MemTotal")?;
        let kib: u64 = kib.trim_end_matches(" kB").parse().context("no size of memory")?;
        Ok(Self {
            date: jiff::Timestamp::now().strftime("%F").to_string(),
            command: format!("cargo xtask bench {}", arguments.join(" ")).trim_end().to_owned(),
            cpu: field("/proc/cpuinfo", "model name")?,
            cores: thread::available_parallelism()?.get(),
            memory_gib: kib.div_ceil(1024 * 1024),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            // It says its version on stderr.
            openssh: first_word(&ssh.stderr, ","),
            gateway: first_word(&gateway.stdout, "\n"),
        })
    }
}

fn field(file: &str, name: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
    line.map(|(_, value)| value.trim().to_owned()).with_context(|| format!("{file} has no {name}"))
}

fn first_word(output: &[u8], end: &str) -> String {
    let text = String::from_utf8_lossy(output);
    text.split(end).next().unwrap_or_default().trim().to_owned()
}
