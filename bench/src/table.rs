//! The table that `docs/benchmarks.md` shows. Knows figures and nothing of how they were measured.

use std::{fmt::Write as _, time::Duration};

/// Rows of a Markdown table: plain `ssh`, the gateway, and how many times more the gateway takes.
pub(crate) struct Table(String);

impl Table {
    pub(crate) fn new() -> Self {
        Self("| | plain `ssh` | alfresco-ssh | ratio |\n|---|--:|--:|--:|\n".to_owned())
    }

    /// Adds a row of two figures with their unit.
    pub(crate) fn row(&mut self, name: &str, unit: &str, decimals: usize, figures: [f64; 2]) {
        let [ssh, gateway] = figures;
        let ratio = gateway / ssh;
        // Writing to a string does not fail.
        let _ = writeln!(
            self.0,
            "| {name} | {ssh:.decimals$} {unit} | {gateway:.decimals$} {unit} | {ratio:.2} |"
        );
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The figure below which this part of them lies, of both.
pub(crate) fn quantile<T>(samples: &[Vec<T>; 2], part: f64, figure: impl Fn(&T) -> f64) -> [f64; 2] {
    samples.each_ref().map(|samples| {
        let mut figures: Vec<f64> = samples.iter().map(&figure).collect();
        figures.sort_by(f64::total_cmp);
        let index = (figures.len() as f64 * part) as usize;
        figures.get(index.min(figures.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    })
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
