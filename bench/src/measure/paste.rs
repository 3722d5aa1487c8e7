//! A megabyte that is pasted into a raw terminal, until the far end says what arrived.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use testkit::sha256;

use crate::{
    lab::Lab,
    report::{Report, Unit},
    samples::{Samples, millis},
    way::Way,
};

const LENGTH: usize = 1024 * 1024;

pub(super) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let text: String = (0_u32..)
        .flat_map(|line| format!("{line:015}\n").into_bytes())
        .map(char::from)
        .take(LENGTH)
        .collect();
    let checksum = sha256(text.as_bytes());
    let mut times = Samples::default();
    for _ in 0..lab.rounds(9, 1) {
        for way in [Way::Ssh, Way::Page, Way::Original] {
            let mut client = lab.open(way).await?;
            client.prepare(&format!("echo be''gun; head -c {LENGTH} | sha256sum")).await?;
            client.go().await?;
            client.until("begun\n").await?;
            let pasted = Instant::now();
            client.paste(&text).await?;
            let mut answer = Vec::new();
            client.read_until("-\n", &mut answer).await.with_context(|| way.name())?;
            times.add(way, millis(pasted.elapsed()));
            let arrived = String::from_utf8_lossy(&answer);
            ensure!(arrived.starts_with(&checksum), "{}: something else arrived: {arrived}", way.name());
        }
    }
    report.row("1 MiB pasted, checksum at the far end, median", Unit("ms", 0), times.median());
    Ok(())
}
