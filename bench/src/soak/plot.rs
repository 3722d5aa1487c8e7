//! The samples as a picture: memory above, counts below.

use std::fmt::Write as _;

use super::sample::Sample;
use crate::samples::mib;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 60.0;
const GAP: f64 = 50.0;

/// A line in a picture.
struct Curve {
    name: &'static str,
    colour: &'static str,
    of: fn(&Sample) -> f64,
}

const MEMORY: [Curve; 2] = [
    Curve { name: "RSS, MiB", colour: "#c2410c", of: |sample| mib(sample.rss) },
    Curve { name: "PSS, MiB", colour: "#1d4ed8", of: |sample| mib(sample.pss) },
];
const COUNTS: [Curve; 3] = [
    Curve { name: "descriptors", colour: "#15803d", of: |sample| sample.descriptors as f64 },
    Curve { name: "tasks", colour: "#7e22ce", of: |sample| sample.tasks as f64 },
    Curve { name: "sessions", colour: "#0f766e", of: |sample| sample.sessions as f64 },
];

/// The picture.
pub(crate) fn svg(samples: &[Sample]) -> String {
    let (width, height) = (LEFT + WIDTH + 20.0, 2.0 * (HEIGHT + GAP) + 20.0);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    panel(&mut text, samples, &MEMORY, GAP);
    panel(&mut text, samples, &COUNTS, HEIGHT + 2.0 * GAP);
    text.push_str("</svg>\n");
    text
}

/// Curves that share an axis, from this height down. Writing to a string does not fail.
fn panel(text: &mut String, samples: &[Sample], curves: &[Curve], top: f64) {
    let end = samples.last().map_or(1.0, |sample| sample.at.as_secs_f64()).max(1.0);
    let values = samples.iter().flat_map(|sample| curves.iter().map(|curve| (curve.of)(sample)));
    let most = values.fold(1.0, f64::max) * 1.1;
    let bottom = top + HEIGHT;
    for part in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let (x, y) = (LEFT + WIDTH * part, bottom - HEIGHT * part);
        let (minutes, value) = (end * part / 60.0, most * part);
        let right = LEFT + WIDTH;
        let _ = writeln!(text, "<path d=\"M{LEFT} {y}H{right}\" stroke=\"#ddd\"/>");
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{value:.0}</text>",
            LEFT - 6.0,
            y + 4.0
        );
        let below = bottom + 16.0;
        let _ =
            writeln!(text, "<text x=\"{x}\" y=\"{below}\" text-anchor=\"middle\">{minutes:.1} min</text>");
    }
    for (index, Curve { name, colour, of }) in curves.iter().enumerate() {
        let points = samples.iter().map(|sample| {
            let x = LEFT + WIDTH * sample.at.as_secs_f64() / end;
            format!("{x:.1},{:.1}", bottom - HEIGHT * of(sample) / most)
        });
        let points = points.collect::<Vec<_>>().join(" ");
        let _ = writeln!(
            text,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
        );
        let (x, y) = (LEFT + 120.0 * index as f64, top - 10.0);
        let _ = writeln!(text, "<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\">{name}</text>");
    }
}
