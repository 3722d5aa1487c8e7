//! Readers that stop in a flood, as a browser does whose tab sleeps: what the gateway's memory does then.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    lab::Lab,
    report::{Report, Target, Unit},
    samples::{Figures, mib},
    usage::memory,
};

/// What is read before, so that everything that keeps recent output is full.
const READ: usize = 8 * 1024 * 1024;
const MIB: Unit = Unit("MiB", 2);

pub(super) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let (mut whole, mut later) = (Figures::new(), Figures::new());
    let seconds = u64::from(lab.rounds(10, 2));
    for way in lab.ways() {
        let Some(gateway) = lab.alone(way).await? else { continue };
        let mut client = lab.open_alone(way, &gateway).await?;
        client.send("yes\r").await?;
        let mut read = 0;
        while read < READ {
            read += client.receive().await?.len();
        }
        let before = memory(gateway.pid)?;
        sleep(Duration::from_secs(seconds / 2)).await;
        let half = memory(gateway.pid)?;
        sleep(Duration::from_secs(seconds - seconds / 2)).await;
        let after = memory(gateway.pid)?;
        whole.insert(way, growth(before, after));
        later.insert(way, growth(half, after));
    }
    let name = format!("growth while a reader stops for {seconds} s");
    report.row(name, MIB, whole).should_be(Target::AtMost(1.0));
    report.row("of it in the second half", MIB, later);
    Ok(())
}

fn growth(before: u64, after: u64) -> f64 {
    mib(after) - mib(before)
}
