//! Pages that take nothing: what they cost is bounded, and whoever types is heard.

use std::{env, fs, path::Path, time::Duration};

use testkit::{PageClient, Sshd, demo_sshd::Script, process};
use tokio::time::{Instant, sleep};

use crate::{
    resume_setup::Gateway,
    setup::{Result, eventually, password_order, scripted, seen},
};

const MEBIBYTE: u64 = 1024 * 1024;
/// What one session may cost more.
const EACH: u64 = 4 * MEBIBYTE;
/// The credit of a page but for one chunk, which may not fit into the rest.
const NEARLY_ALL: u64 = (256 - 64) * 1024;

/// Output of each session; all of it where `ALFRESCO_SSH_FULL` is set.
fn output() -> u64 {
    if env::var_os("ALFRESCO_SSH_FULL").is_some() { 1024 * MEBIBYTE } else { 96 * MEBIBYTE }
}

/// The resident memory of the gateway, and the most that was seen of it.
struct Memory<'a> {
    gateway: &'a Gateway,
    before: u64,
    most: u64,
}

impl<'a> Memory<'a> {
    fn of(gateway: &'a Gateway) -> Result<Self> {
        let before = process::memory(gateway.binary.id()?, "status", "VmRSS")?;
        Ok(Self { gateway, before, most: before })
    }

    fn look(&mut self) -> Result {
        self.most = self.most.max(process::memory(self.gateway.binary.id()?, "status", "VmRSS")?);
        Ok(())
    }

    fn grown(&self) -> u64 {
        self.most - self.before
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
    eventually(async || Ok(fs::read_to_string(keys).is_ok_and(|text| text.ends_with(&word)))).await
}

/// One page reads and never acknowledges, one does not even read. Both still type; then both are gone.
#[tokio::test]
async fn output_that_nobody_takes_costs_little_attached_or_not() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    // What is loaded once is loaded.
    let mut first = gateway.open_bash(&sshd).await?;
    first.type_keys("yes | head -c 4M; exit\r").await?;
    first.until_closed().await?;
    let mut pages = [
        flood_beside_keys(&gateway, &sshd, "unacknowledged").await?,
        flood_beside_keys(&gateway, &sshd, "unread").await?,
    ];
    let mut memory = Memory::of(&gateway)?;
    for page in &mut pages {
        page.acknowledges = false;
        page.returns = false;
    }
    let begun = pages[0].have();
    pages[0].until_offset(begun + NEARLY_ALL).await?;
    for number in 0..30 {
        for (page, name) in pages.iter_mut().zip(["unacknowledged", "unread"]) {
            typed(page, &sshd.dir().join(format!("{name}.keys")), number).await?;
        }
        memory.look()?;
    }
    let (sessions, attached) = (pages.len() as u64, memory.grown());
    println!("attached: {} KiB for each of {sessions}", attached / sessions / 1024);
    assert!(attached <= sessions * EACH, "{} KiB", attached / 1024);
    drop(pages);
    let deadline = Instant::now() + Duration::from_secs(150);
    let done = ["unacknowledged.done", "unread.done"].map(|name| sshd.dir().join(name));
    while !done.iter().all(|file| file.exists()) {
        memory.look()?;
        anyhow::ensure!(Instant::now() < deadline, "nobody printed to the end");
        sleep(Duration::from_millis(20)).await;
    }
    memory.look()?;
    let detached = memory.grown();
    println!("{} MiB detached: {} KiB for each", output() / MEBIBYTE, detached / sessions / 1024);
    assert!(detached <= sessions * EACH, "{} KiB", detached / 1024);
    Ok(())
}

#[tokio::test]
async fn a_hundred_pages_that_take_nothing_stay_below_400_mib() -> Result {
    const PAGES: usize = 100;
    let sshd = scripted(Script::Flood).await?;
    let gateway = Gateway::start(&["--max-sessions-per-address", "100"]).await?;
    let mut memory = Memory::of(&gateway)?;
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
            page.type_keys("x").await?;
        }
        seen(&sshd, |record| record.input_bytes == (round * PAGES) as u64).await?;
        memory.look()?;
    }
    println!("{} KiB for each of {PAGES}", memory.grown() / PAGES as u64 / 1024);
    assert!(memory.grown() <= PAGES as u64 * EACH, "{} KiB", memory.grown() / 1024);
    Ok(())
}
