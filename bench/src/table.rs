//! A report as Markdown. Knows figures and nothing of how they were measured.

use std::fmt::Write as _;

use crate::{
    report::{Report, Row, Target},
    way::Way,
};

/// The machine and all rows.
pub(crate) fn whole(report: &Report) -> String {
    format!("{}\n\n{}", machine(report), rows(report))
}

/// What it ran on, and how.
fn machine(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "{}: `{}` on {} ({} cores, {} GiB), Linux {}, {}, {}.",
        machine.date,
        machine.command,
        machine.cpu,
        machine.cores,
        machine.memory_gib,
        machine.kernel,
        machine.openssh,
        machine.gateway
    );
    if report.quick {
        text.push_str(" Few rounds: the figures mean little.");
    }
    text
}

fn rows(report: &Report) -> String {
    let mut text = "| |".to_owned();
    let shown: Vec<Way> = report.ways.iter().copied().filter(|way| has(report, *way)).collect();
    for way in &shown {
        let _ = write!(text, " {} |", way.name());
    }
    let _ = write!(text, " target |\n|---|{}---|\n", "--:|".repeat(shown.len()));
    for row in &report.rows {
        let _ = write!(text, "| {} |", title(row));
        for way in &shown {
            let _ = write!(text, " {} |", cell(row, *way));
        }
        let _ = writeln!(text, " {} |", target(row));
    }
    text
}

fn has(report: &Report, way: Way) -> bool {
    report.rows.iter().any(|row| row.figures.contains_key(&way))
}

fn title(row: &Row) -> String {
    if row.unit.is_empty() { row.name.clone() } else { format!("{}, {}", row.name, row.unit) }
}

fn cell(row: &Row, way: Way) -> String {
    let decimals = row.decimals;
    let figure = row.figures.get(&way).map(|figure| format!("{figure:.decimals$}"));
    let ratio = row.ratios.get(&way).map(|ratio| format!(" ({ratio:.2}x)"));
    figure.unwrap_or_default() + &ratio.unwrap_or_default()
}

fn target(row: &Row) -> String {
    let Some(target) = row.target else { return String::new() };
    let wanted = match target {
        Target::AtMost(limit) => format!("at most {limit}"),
        Target::RatioAtMost(limit) => format!("at most {limit}x"),
        Target::RatioAtLeast(limit) => format!("at least {limit}x"),
    };
    match row.met {
        Some(true) => wanted + ": met",
        Some(false) => wanted + ": **missed**",
        None => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{machine::Machine, report::Unit, samples::Figures};

    #[test]
    fn a_way_without_figures_has_no_column() {
        let ways = vec![Way::Ssh, Way::Page, Way::Original];
        let mut report = Report { machine: Machine::default(), quick: false, rows: Vec::new(), ways };
        let figures = Figures::from([(Way::Ssh, 0.5), (Way::Page, 0.75)]);
        report.row("key to echo", Unit("ms", 2), figures).should_be(Target::RatioAtMost(1.4));
        report.row("resume", Unit("ms", 1), Figures::from([(Way::Page, 3.0)]));
        assert_eq!(
            rows(&report),
            "| | plain `ssh` | page | target |\n\
             |---|--:|--:|---|\n\
             | key to echo, ms | 0.50 | 0.75 (1.50x) | at most 1.4x: **missed** |\n\
             | resume, ms |  | 3.0 |  |\n"
        );
    }
}
