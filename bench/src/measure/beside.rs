//! From a key to its echo while four other sessions of the same way print as fast as they can.

use tokio::task::JoinSet;

use crate::{
    lab::Lab,
    measure::echo::{self, MS},
    report::Report,
    samples::Samples,
    way::Way,
};

const FLOODS: usize = 4;

pub(super) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let mut times = Samples::default();
    for _ in 0..lab.rounds(4, 1) {
        for way in [Way::Ssh, Way::Page, Way::Original] {
            let mut client = lab.open(way).await?;
            echo::begin(&mut client).await?;
            let mut floods = JoinSet::new();
            for _ in 0..FLOODS {
                let mut flood = lab.open(way).await?;
                flood.send("yes\r").await?;
                flood.receive().await?;
                floods.spawn(flood.drain());
            }
            for key in 0..lab.rounds(50, 10) {
                echo::echo(way, &mut client, key, &mut times).await?;
            }
        }
    }
    report.row("key to echo beside 4 floods, median", MS, times.median());
    report.row("the same, 99th percentile", MS, times.quantile(0.99));
    Ok(())
}
