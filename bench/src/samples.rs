//! Figures of several ways, and what is told of many of them.

use std::{collections::BTreeMap, time::Duration};

use crate::way::Way;

/// One figure for each way that has it.
pub(crate) type Figures = BTreeMap<Way, f64>;

/// What was measured again and again, for each way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(BTreeMap<Way, Vec<f64>>);

impl Samples {
    /// Adds a figure.
    pub(crate) fn add(&mut self, way: Way, figure: f64) {
        self.0.entry(way).or_default().push(figure);
    }

    /// The figures below which this part of them lies.
    pub(crate) fn quantile(&self, part: f64) -> Figures {
        let quantile = |figures: &Vec<f64>| {
            let mut figures = figures.clone();
            figures.sort_by(f64::total_cmp);
            let index = ((figures.len() as f64 * part) as usize).min(figures.len().saturating_sub(1));
            figures.get(index).copied().unwrap_or(f64::NAN)
        };
        self.0.iter().map(|(way, figures)| (*way, quantile(figures))).collect()
    }

    /// The middle ones.
    pub(crate) fn median(&self) -> Figures {
        self.quantile(0.5)
    }
}

/// Milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Kibibytes.
pub(crate) fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}

/// Mebibytes.
pub(crate) fn mib(bytes: u64) -> f64 {
    kib(bytes) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_figure_that_was_measured() {
        let mut samples = Samples::default();
        for figure in [3.0, 1.0, 2.0, 4.0] {
            samples.add(Way::Ssh, figure);
        }
        for (part, figure) in [(0.0, 1.0), (0.5, 3.0), (0.99, 4.0), (1.0, 4.0)] {
            assert_eq!(samples.quantile(part), Figures::from([(Way::Ssh, figure)]));
        }
    }
}
