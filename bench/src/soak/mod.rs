//! A soak: everything that sessions go through, for hours, while memory, descriptors and tasks are watched.

mod load;
mod plot;
mod sample;
mod verdict;

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use testkit::CounterBase;
use tokio::time::{Instant, interval};

use self::{load::Load, sample::Sample};
use crate::lab::Lab;

/// Where the samples and the plot go.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/soak");
/// So many samples, of any run.
const SAMPLES: u32 = 600;
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// Runs for so long what sessions go through, and fails if the gateway grows.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// How many hours.
    #[arg(long, default_value_t = 0.0, value_name = "N")]
    hours: f64,
    /// And how many minutes.
    #[arg(long, default_value_t = 0.0, value_name = "N")]
    minutes: f64,
}

impl Options {
    fn duration(&self) -> anyhow::Result<Duration> {
        let duration = Duration::try_from_secs_f64(self.hours * 3600.0 + self.minutes * 60.0)?;
        if duration < Duration::from_secs(60) {
            bail!("a soak takes a minute at least: --minutes 30, or --hours 8");
        }
        Ok(duration)
    }
}

/// Runs it; the files are written whatever it finds.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let duration = options.duration()?;
    let lab = Lab::set_up(false, &[], None, Vec::new()).await?;
    let base = CounterBase::of(&lab.gateway).await?;
    let mut load = Load::start(lab).await?;
    println!("{} minutes of {}…", duration.as_secs() / 60, load::WHAT);
    let mut samples = Vec::new();
    let watched = watch(&load, duration, &mut samples).await;
    let done = load.stop().await;
    write(&samples)?;
    watched?;
    // Then only what leaked is left.
    base.is_back().await?;
    println!("{}", done?);
    let verdict = verdict::of(&samples)?;
    println!("{verdict}");
    verdict.holds()
}

/// Samples until the time is over or a session fails.
async fn watch(load: &Load, duration: Duration, samples: &mut Vec<Sample>) -> anyhow::Result<()> {
    let mut ticks = interval((duration / SAMPLES).max(LEAST_PAUSE));
    let began = Instant::now();
    while began.elapsed() < duration {
        ticks.tick().await;
        load.check()?;
        samples.push(Sample::take(load.gateway(), began.elapsed()).await?);
    }
    Ok(())
}

fn write(samples: &[Sample]) -> anyhow::Result<()> {
    let folder = PathBuf::from(FOLDER);
    fs::create_dir_all(&folder)?;
    for (name, text) in [("soak.csv", sample::csv(samples)), ("soak.svg", plot::svg(samples))] {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        println!("target/soak/{name}");
    }
    Ok(())
}
