//! Pages that take nothing: what they cost is bounded, and whoever types is heard.

use std::{env, fs, path::Path, time::Duration};

use anyhow::Context as _;
use futures_util::FutureExt as _;
use testkit::{PageClient, Sshd, demo_sshd::Script, process};
use tokio::time::{Instant, sleep};
use wire::{Code, event};

use crate::{
    resume_setup::Gateway,
    setup::{Result, eventually, password_order, scripted, seen},
};

const MEBIBYTE: u64 = 1024 * 1024;
/// What one session may cost more.
const EACH: u64 = 4 * MEBIBYTE;
/// The credit of a page but for one chunk, which may not fit into the rest.
const NEARLY_ALL: u64 = (256 - 64) * 1024;

/// How many sessions print it.
const SESSIONS: usize = 4;

/// Output of each session; all of it where `ALFRESCO_SSH_FULL` is set.
fn output() -> u64 {
    if env::var_os("ALFRESCO_SSH_FULL").is_some() { 1024 * MEBIBYTE } else { 96 * MEBIBYTE }
}

/// The resident memory of the gateway before its sessions took something, and the most that was seen since.
struct Memory<'a> {
    gateway: &'a Gateway,
    sessions: u64,
    before: u64,
    most: u64,
}

impl<'a> Memory<'a> {
    fn of(gateway: &'a Gateway, sessions: usize) -> Result<Self> {
        let before = process::memory(gateway.binary.id()?, "status", "VmRSS")?;
        Ok(Self { gateway, sessions: sessions as u64, before, most: before })
    }

    fn look(&mut self) -> Result {
        self.most = self.most.max(process::memory(self.gateway.binary.id()?, "status", "VmRSS")?);
        Ok(())
    }

    fn assert_little(&mut self, when: &str) -> Result {
        self.look()?;
        let each = (self.most - self.before) / self.sessions;
        println!("{when}: {} KiB for each of {}", each / 1024, self.sessions);
        assert!(each <= EACH, "{when}: {} KiB", each / 1024);
        Ok(())
    }
}

/// A shell that prints much behind the back of one that writes down every line it reads.
async fn flood_beside_keys(gateway: &Gateway, sshd: &Sshd, name: &str) -> Result<PageClient> {
    let mut page = gateway.open_bash(sshd).await?;
    let dir = sshd.dir().display();
    fs::write(
        sshd.dir().join(name),
        format!(
            "stty -echo\n(yes 0123456789012345678901234567890123456789 | head -c {}; touch {dir}/{name}.done) &\n\
             while read key; do echo $key >> {dir}/{name}.keys; done\n",
            output()
        ),
    )?;
    page.type_keys(format!("bash {dir}/{name}\r")).await?;
    Ok(page)
}

/// A key that the shell wrote down.
async fn typed(page: &mut PageClient, keys: &Path, number: usize) -> Result {
    page.type_keys(format!("key-{number}\r")).await?;
    let word = format!("key-{number}\n");
    let written =
        eventually(async || Ok(fs::read_to_string(keys).is_ok_and(|text| text.ends_with(&word)))).await;
    written.with_context(|| format!("{} never held {word:?}", keys.display()))
}

/// Half of the pages read and never acknowledge, half do not even read. All still type; then all are gone.
#[tokio::test]
async fn output_that_nobody_takes_costs_little_attached_or_not() -> Result {
    let names: Vec<String> = (0..SESSIONS).map(|number| format!("flood-{number}")).collect();
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    // What is loaded once is loaded.
    let mut first = gateway.open_bash(&sshd).await?;
    first.type_keys("yes | head -c 4M; exit\r").await?;
    first.until_closed().await?;
    drop(first);
    let mut pages = Vec::new();
    for name in &names {
        pages.push(flood_beside_keys(&gateway, &sshd, name).await?);
    }
    let mut memory = Memory::of(&gateway, names.len())?;
    for (number, page) in pages.iter_mut().enumerate() {
        page.acknowledges = false;
        page.returns = false;
        if number % 2 == 0 {
            page.until_offset(page.have() + NEARLY_ALL).await?;
        }
    }
    for number in 0..30 {
        for (page, name) in pages.iter_mut().zip(&names) {
            typed(page, &sshd.dir().join(format!("{name}.keys")), number).await?;
        }
        memory.look()?;
    }
    memory.assert_little("attached")?;
    let tokens = pages.iter().map(PageClient::token).collect::<Result<Vec<_>>>()?;
    drop(pages);
    let deadline = Instant::now() + Duration::from_secs(150);
    while !names.iter().all(|name| sshd.dir().join(format!("{name}.done")).exists()) {
        memory.look()?;
        anyhow::ensure!(Instant::now() < deadline, "nobody printed to the end");
        sleep(Duration::from_millis(20)).await;
    }
    memory.assert_little(&format!("{} MiB detached", output() / MEBIBYTE))?;
    for token in tokens {
        let mut page = gateway.resume(&token).await?;
        page.type_keys("\x04exit\r").await?;
        page.until_closed().await?;
    }
    gateway.base.is_back().await
}

#[tokio::test]
async fn a_hundred_pages_that_take_nothing_stay_below_400_mib() -> Result {
    const PAGES: usize = 100;
    let sshd = scripted(Script::Flood).await?;
    let gateway = Gateway::start(&["--max-sessions-per-address", "100"]).await?;
    let mut memory = Memory::of(&gateway, PAGES)?;
    let mut pages = Vec::new();
    for _ in 0..PAGES {
        let mut page =
            PageClient::for_ticket(gateway.address()?, &gateway.create(&password_order(&sshd)).await?);
        page.acknowledges = false;
        page.until_offset(NEARLY_ALL).await?;
        pages.push(page);
    }
    memory.look()?;
    // Each key lets the gateway read more of what stands before it.
    for round in 1..=12 {
        for page in &mut pages {
            // Whoever answers no pings is gone.
            while let Some(step) = page.step().now_or_never() {
                step?;
            }
            page.type_keys("x").await?;
        }
        seen(&sshd, |record| record.input_bytes == (round * PAGES) as u64).await?;
        memory.look()?;
    }
    memory.assert_little("attached")?;
    for page in &mut pages {
        page.socket()?.emit_bare(event::TIMEOUT).await?;
        page.acknowledges = true;
        assert_eq!(page.until_closed().await?.code, Code::TimedOut);
    }
    drop(pages);
    gateway.base.is_back().await
}
