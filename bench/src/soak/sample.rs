//! What the gateway takes at one time.

use std::{fmt::Write as _, time::Duration};

use anyhow::Context as _;
use testkit::{Binary, process};

use crate::{samples::mib, usage};

/// One look at the gateway.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Since the beginning.
    pub(crate) at: Duration,
    pub(crate) rss: u64,
    pub(crate) pss: u64,
    pub(crate) descriptors: u64,
    pub(crate) tasks: u64,
    pub(crate) sessions: u64,
}

impl Sample {
    /// Looks.
    pub(crate) async fn take(gateway: &Binary, at: Duration) -> anyhow::Result<Self> {
        let pid = gateway.id().context("the gateway ended")?;
        let figures = gateway.http()?.get("/metrics").await?.text();
        let sum = |name: &str| {
            let values = figures.lines().filter(|line| line.starts_with(name));
            let values = values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            values.sum::<f64>() as u64
        };
        Ok(Self {
            at,
            rss: process::memory(pid, "status", "VmRSS")?,
            pss: usage::memory(pid)?,
            descriptors: sum("alfresco_ssh_open_descriptors"),
            tasks: sum("alfresco_ssh_tasks"),
            sessions: sum("alfresco_ssh_sessions{"),
        })
    }
}

/// All of them as CSV.
pub(crate) fn csv(samples: &[Sample]) -> String {
    let mut text = "seconds,rss_mib,pss_mib,descriptors,tasks,sessions\n".to_owned();
    for sample in samples {
        let Sample { at, rss, pss, descriptors, tasks, sessions } = *sample;
        let (at, rss, pss) = (at.as_secs_f64(), mib(rss), mib(pss));
        let _ = writeln!(text, "{at:.1},{rss:.2},{pss:.2},{descriptors},{tasks},{sessions}");
    }
    text
}
