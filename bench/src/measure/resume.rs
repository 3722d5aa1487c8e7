//! A page whose socket was cut: until it has all of the output again; and a page that was just loaded:
//! until it has the screen, which must be the exact one.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use screen::Screen;
use testkit::PageClient;
use tokio::time::sleep;

use crate::{
    lab::Lab,
    report::{Report, Unit},
    samples::{Samples, kib, millis},
    way::Way,
};

/// What is printed while nobody is there.
const PRINTED: &str = "{ sleep 0.2; seq 1 5000; echo pr''inted; }\r";
const END: &str = "\r\nprinted\r\n";
const MS: Unit = Unit("ms", 1);
const KIB: Unit = Unit("KiB", 1);
const AWAY: Duration = Duration::from_millis(600);

pub(super) async fn measure(lab: &Lab, report: &mut Report) -> anyhow::Result<()> {
    let gateway = lab.another_gateway(&["--detach-grace", "60s"]).await?;
    let address = gateway.address()?;
    let mut figures = [(); 4].map(|()| Samples::default());
    for _ in 0..lab.rounds(20, 2) {
        let mut page = PageClient::open(address, &gateway.create(&lab.order()?).await?).await?;
        page.until("$ ").await?;
        page.type_keys(PRINTED).await?;
        page.until("\n").await?;
        let have = page.have();
        page.cut();
        sleep(AWAY).await;
        let began = Instant::now();
        page.until(END).await?;
        page.until_that("the prompt", |page| page.output().ends_with(b"$ ")).await?;
        figures[0].add(Way::Page, millis(began.elapsed()));
        figures[1].add(Way::Page, kib(page.have() - have));

        let mut seen = Screen::new(80, 24);
        seen.feed(page.output());
        let token = page.token()?;
        page.cut();
        let began = Instant::now();
        let fresh = PageClient::resume(address, &token).await?;
        figures[2].add(Way::Page, millis(began.elapsed()));
        let snapshot = fresh.screen().context("no screen came")?;
        figures[3].add(Way::Page, kib(snapshot.bytes.len() as u64));
        let mut shown = Screen::new(snapshot.cols, snapshot.rows);
        shown.feed(&snapshot.bytes);
        ensure!(shown.snapshot() == seen.snapshot(), "the screen is another");
    }
    let [cut_time, cut_size, fresh_time, fresh_size] = figures.map(|samples| samples.median());
    report.row("back after a cut with all output, median", MS, cut_time);
    report.row("output that is sent for it", KIB, cut_size);
    report.row("a fresh page with its exact screen, median", MS, fresh_time);
    report.row("screen and history that are sent for it", KIB, fresh_size);
    Ok(())
}
