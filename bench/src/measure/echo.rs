//! From a key to its echo. The far end is `cat` on a raw terminal; keys come 5 to 30 ms apart, so that no
//! timer falls into step with them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::{
    lab::Lab,
    report::{Report, Target, Unit},
    samples::{Samples, millis},
    way::{Client, Way},
};

pub(super) const MS: Unit = Unit("ms", 2);
/// So many keys of one way follow each other, however many other ways take their turns: what was not used
/// for a while answers later.
const TURN: u32 = 20;

pub(super) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let mut clients = lab.open_all(&lab.ways()).await?;
    for (_, client) in &mut clients {
        begin(client).await?;
    }
    let mut times = Samples::default();
    for turn in 0..lab.rounds(20, 1) {
        for (way, client) in &mut clients {
            for key in turn * TURN..(turn + 1) * TURN {
                echo(*way, client, key, &mut times).await?;
            }
        }
    }
    report.row("key to echo, median", MS, times.median()).should_be(Target::RatioAtMost(1.4));
    report.row("key to echo, 95th percentile", MS, times.quantile(0.95));
    report.row("key to echo, 99th percentile", MS, times.quantile(0.99)).should_be(Target::RatioAtMost(1.6));
    Ok(())
}

/// Starts what echoes. The shell loses keys that arrive together with the word that starts it, as they do
/// where small packets wait for an acknowledgement.
pub(super) async fn begin(client: &mut Client) -> anyhow::Result<()> {
    client.prepare("echo be''gun; exec cat").await?;
    client.go().await?;
    client.until("begun\n").await.map(drop)
}

/// One key after a while.
pub(super) async fn echo(way: Way, client: &mut Client, key: u32, times: &mut Samples) -> anyhow::Result<()> {
    client.rest(Duration::from_micros(5_000 + u64::from(key).wrapping_mul(7_919) % 25_000)).await?;
    let pressed = Instant::now();
    client.send("x").await?;
    let echo = client.receive().await.with_context(|| format!("no echo of key {key}, {}", way.name()))?;
    times.add(way, millis(pressed.elapsed()));
    if echo != "x" {
        bail!("no echo but {echo:?}, {}", way.name());
    }
    Ok(())
}
