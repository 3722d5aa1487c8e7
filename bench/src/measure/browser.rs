//! The page in a real browser, by Playwright: `web/bench/` says how. It needs Chromium and what `npm ci`
//! installs.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;

use crate::{
    lab::Lab,
    report::{Report, Target, Unit},
    samples::Figures,
    slow_link,
    way::Way,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web");
/// The figure that has a target.
const SLOW_AND_COLD: &str = "first prompt, 1.6 Mbit/s 150 ms, cold";

#[derive(Deserialize)]
struct Figure {
    name: String,
    unit: String,
    value: f64,
}

pub(super) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let installed = Path::new(FOLDER).join("node_modules/@playwright/test").is_dir();
    ensure!(installed, "Playwright is not installed: run `npm ci` in web");
    let gateway = lab.gateway.address()?;
    let output = lab.sshd.dir().join("browser.json");
    let told = json!({
        "origin": format!("http://{gateway}"),
        "slow_origin": format!("http://{}", slow_link::start(gateway).await?),
        "order": lab.order()?,
        "visits": lab.rounds(10, 1),
        "keys": lab.rounds(200, 5),
        "output": output,
    });
    let status = Command::new("npx")
        .args(["playwright", "test", "--config", "playwright.bench.config.ts"])
        .env("BENCH_LAB", told.to_string())
        .current_dir(FOLDER)
        .kill_on_drop(true)
        .status()
        .await
        .context("npx does not start")?;
    ensure!(status.success(), "the browser's part failed");
    let figures: Vec<Figure> = serde_json::from_str(&fs::read_to_string(output)?)?;
    for Figure { name, unit, value } in figures {
        let unit = if unit == "ms" { Unit("ms", 1) } else { Unit("/s", 0) };
        let is_judged = name == SLOW_AND_COLD;
        let row = report.row(format!("browser: {name}"), unit, Figures::from([(Way::Page, value)]));
        if is_judged {
            row.should_be(Target::AtMost(1200.0));
        }
    }
    Ok(())
}
