//! Whether the gateway's memory has come to rest: the line through the samples after the warm-up must not
//! rise by more than a little until the end.

use std::fmt;

use anyhow::{Context as _, ensure};

use super::sample::Sample;
use crate::samples::mib;

/// The part of a run in which caches and pools fill.
const WARM_UP: f64 = 1.0 / 3.0;
/// How much it may rise after that: this part of what it takes, or so much, in MiB.
const PART: f64 = 0.05;
const LEAST: f64 = 2.0;

/// What the samples say.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// MiB.
    middle: f64,
    /// MiB, over what was judged.
    rise: f64,
    hours: f64,
}

/// Judges the samples behind the warm-up.
pub(crate) fn of(samples: &[Sample]) -> anyhow::Result<Verdict> {
    let end = samples.last().context("no samples")?.at.as_secs_f64();
    let judged = samples.iter().map(|sample| (sample.at.as_secs_f64(), mib(sample.pss)));
    let judged: Vec<(f64, f64)> = judged.filter(|(at, _)| *at >= end * WARM_UP).collect();
    ensure!(judged.len() > 2, "too few samples");
    let seconds = end - judged[0].0;
    let (slope, middle) = line(&judged);
    Ok(Verdict { middle, rise: slope * seconds, hours: seconds / 3600.0 })
}

/// The slope of the line with the least squares, and the average.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (covariance / variance, mean_y)
}

impl Verdict {
    fn allowed(&self) -> f64 {
        (self.middle * PART).max(LEAST)
    }

    /// Fails if it rises too much.
    pub(crate) fn holds(&self) -> anyhow::Result<()> {
        ensure!(self.rise <= self.allowed(), "the gateway grows");
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "after the warm-up: {:.1} MiB on average, {:+.2} MiB in {:.2} h ({:+.2} MiB/h), at most {:+.2} allowed",
            self.middle,
            self.rise,
            self.hours,
            self.rise / self.hours,
            self.allowed()
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// MiB at each minute.
    fn judge(memory: impl Fn(u64) -> f64) -> Verdict {
        let sample = |minute| Sample {
            at: Duration::from_secs(minute * 60),
            pss: (memory(minute) * 1024.0 * 1024.0) as u64,
            ..Sample::default()
        };
        of(&(0..=60).map(sample).collect::<Vec<_>>()).expect("samples")
    }

    #[test]
    fn a_plateau_holds_and_a_leak_does_not() {
        // What the warm-up takes is not judged.
        assert!(judge(|minute| if minute < 20 { minute as f64 } else { 20.0 }).holds().is_ok());
        // Back and forth is no rise.
        assert!(judge(|minute| 30.0 + (minute % 5) as f64).holds().is_ok());
        let leak = judge(|minute| 20.0 + minute as f64 * 0.1);
        assert!(leak.holds().is_err());
        assert!((leak.rise - 4.0).abs() < 0.01, "{leak}");
    }
}
