//! Ctrl-C after 4 MiB of `yes`: how soon the prompt is back, and how much still came.

use std::time::Instant;

use crate::{
    lab::Lab,
    report::{Report, Target, Unit},
    samples::{Samples, kib, millis},
};

const FLOOD: usize = 4 * 1024 * 1024;

pub(super) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let mut clients = lab.open_all(&lab.ways()).await?;
    let (mut times, mut sizes) = (Samples::default(), Samples::default());
    for _ in 0..lab.rounds(20, 2) {
        for (way, client) in &mut clients {
            client.send("yes\r").await?;
            let mut flood = 0;
            while flood < FLOOD {
                flood += client.receive().await?.len();
            }
            let pressed = Instant::now();
            client.send("\x03").await?;
            let bytes = client.until("$ ").await?;
            times.add(*way, millis(pressed.elapsed()));
            sizes.add(*way, kib(bytes));
        }
    }
    let (ms, kibibytes) = (Unit("ms", 1), Unit("KiB", 0));
    report.row("Ctrl-C in a flood to prompt, median", ms, times.median()).should_be(Target::AtMost(2.0));
    report.row("the same, worst", ms, times.quantile(1.0));
    report.row("output after Ctrl-C, median", kibibytes, sizes.median()).should_be(Target::AtMost(64.0));
    Ok(())
}
