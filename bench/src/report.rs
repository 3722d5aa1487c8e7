//! What a run found: rows of figures, each beside plain `ssh` and beside what it should be.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{lab::Lab, machine::Machine, samples::Figures, way::Way};

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// Few rounds were taken.
    pub(crate) quick: bool,
    pub(crate) rows: Vec<Row>,
    #[serde(skip)]
    pub(crate) ways: Vec<Way>,
}

/// One figure of every way that has it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    #[serde(skip)]
    pub(crate) decimals: usize,
    #[serde(serialize_with = "by_id")]
    pub(crate) figures: Figures,
    /// How many times that of plain `ssh` they are.
    #[serde(serialize_with = "by_id")]
    pub(crate) ratios: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Target>,
    /// Few rounds say nothing about targets.
    #[serde(skip)]
    judged: bool,
    /// Whether our page's figure is as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) met: Option<bool>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtMost(f64),
    /// The same, in figures of plain `ssh`.
    RatioAtMost(f64),
    RatioAtLeast(f64),
}

/// In what a figure is, and how many decimals of it say something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit(pub(crate) &'static str, pub(crate) usize);

impl Report {
    /// A report without rows.
    pub(crate) async fn begin(lab: &Lab) -> anyhow::Result<Self> {
        Ok(Self { machine: Machine::look().await?, quick: lab.quick, rows: Vec::new(), ways: lab.ways() })
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, name: impl Into<String>, unit: Unit, figures: Figures) -> &mut Row {
        let Unit(unit, decimals) = unit;
        let ssh = figures.get(&Way::Ssh).copied().filter(|ssh| *ssh > 0.0);
        let ours = figures.iter().filter(|(way, _)| **way != Way::Ssh);
        let ratios = ssh.map(|ssh| ours.map(|(way, figure)| (*way, figure / ssh)).collect());
        let ratios = ratios.unwrap_or_default();
        let (name, judged) = (name.into(), !self.quick);
        self.rows.push(Row { name, unit, decimals, figures, ratios, target: None, judged, met: None });
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }
}

impl Row {
    /// Says what our page's figure should be.
    pub(crate) fn should_be(&mut self, target: Target) {
        let (figures, limit) = match target {
            Target::AtMost(limit) => (&self.figures, limit),
            Target::RatioAtMost(limit) | Target::RatioAtLeast(limit) => (&self.ratios, limit),
        };
        let figure = figures.get(&Way::Page).filter(|_| self.judged);
        self.met = figure.map(|figure| match target {
            Target::AtMost(_) | Target::RatioAtMost(_) => *figure <= limit,
            Target::RatioAtLeast(_) => *figure >= limit,
        });
        self.target = Some(target);
    }
}

fn by_id<S: serde::Serializer>(figures: &Figures, serializer: S) -> Result<S::Ok, S::Error> {
    figures.iter().map(|(way, figure)| (way.id(), figure)).collect::<BTreeMap<_, _>>().serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(quick: bool) -> Report {
        Report { machine: Machine::default(), quick, rows: Vec::new(), ways: Vec::new() }
    }

    #[test]
    fn few_rounds_meet_no_target_and_miss_none() {
        let mut report = report(true);
        let row = report.row("key to echo", Unit("ms", 2), Figures::from([(Way::Page, 1.0)]));
        row.should_be(Target::AtMost(2.0));
        assert_eq!(row.met, None);
    }

    #[test]
    fn a_target_is_of_the_page_and_beside_ssh() {
        let mut report = report(false);
        for (ssh, page, target, met) in [
            (2.0, 3.0, Target::RatioAtMost(1.5), true),
            (2.0, 3.1, Target::RatioAtMost(1.5), false),
            (2.0, 1.9, Target::RatioAtLeast(0.95), true),
            (2.0, 1.8, Target::RatioAtLeast(0.95), false),
            (2.0, 5.0, Target::AtMost(5.0), true),
            (9.0, 5.1, Target::AtMost(5.0), false),
        ] {
            let figures = Figures::from([(Way::Ssh, ssh), (Way::Page, page), (Way::Original, 0.0)]);
            let row = report.row("key to echo", Unit("ms", 2), figures);
            row.should_be(target);
            assert_eq!(row.met, Some(met), "{target:?} of {page} beside {ssh}");
        }
    }
}
