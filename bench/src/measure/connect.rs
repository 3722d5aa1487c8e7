//! From nothing to the prompt: a process of OpenSSH's client, or an order, a socket and a start.

use tokio::time::Instant;

use crate::{
    lab::Lab,
    report::{Report, Target, Unit},
    samples::{Figures, Samples, millis},
    way::{Stage, Way},
};

const MS: Unit = Unit("ms", 1);

pub(super) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let mut whole = Samples::default();
    let mut stages: Vec<(&str, Samples)> = Vec::new();
    for _ in 0..lab.rounds(20, 3) {
        for way in lab.ways() {
            let started = Instant::now();
            let client = lab.open(way).await?;
            let prompt = Stage { name: "first prompt", end: Instant::now() };
            whole.add(way, millis(prompt.end - started));
            if client.stages().is_empty() {
                continue;
            }
            let mut begin = started;
            for stage in client.stages().iter().chain([&prompt]) {
                samples_of(&mut stages, stage.name).add(way, millis(stage.end - begin));
                begin = stage.end;
            }
        }
    }
    report.row("nothing to prompt, median", MS, whole.median()).should_be(Target::RatioAtMost(0.55));
    for (name, samples) in stages {
        let of_the_page: Figures =
            samples.median().into_iter().filter(|(way, _)| *way == Way::Page).collect();
        report.row(format!("of it: {name}"), MS, of_the_page);
    }
    Ok(())
}

fn samples_of<'a>(stages: &'a mut Vec<(&'static str, Samples)>, name: &'static str) -> &'a mut Samples {
    let index = stages.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
        stages.push((name, Samples::default()));
        stages.len() - 1
    });
    &mut stages[index].1
}
