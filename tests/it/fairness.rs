//! What must not wait behind output: Ctrl-C, and other people's keys.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use testkit::{PageClient, Sshd};
use tokio_util::task::AbortOnDropHandle;
use wire::limits;

use crate::{
    resume_setup::Gateway,
    setup::{Result, key_order},
};

const MEBIBYTE: u64 = 1024 * 1024;

/// The most output that may follow a Ctrl-C, with the prompt, beside what was on its way to the page.
const AFTER_CTRL_C: u64 = 300_000;

#[tokio::test]
async fn a_flood_ends_shortly_behind_its_ctrl_c() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let mut page = gateway.open_bash(&sshd).await?;
    let mut all = Vec::new();
    for _ in 0..20 {
        page.clear();
        page.type_keys("yes\r").await?;
        page.until_offset(page.have() + 2 * MEBIBYTE).await?;
        page.clear();
        // What is not acknowledged is on its way.
        let (pressed, acknowledged) = (page.have(), page.acknowledged());
        page.type_keys("\x03").await?;
        page.until("$ ").await?;
        all.push((page.have() - pressed, page.have() - acknowledged));
    }
    println!("bytes behind Ctrl-C, and behind the last acknowledgement: {all:?}");
    assert!(
        all.iter().all(|(_, unacknowledged)| *unacknowledged <= limits::OUTPUT_HIGH_WATER + AFTER_CTRL_C)
    );
    Ok(())
}

const FLOODS: usize = 4;
const PEOPLE: usize = 50;
/// How much all floods print while people type...
const TOGETHER: u64 = 48 * MEBIBYTE;
/// ...and how much of it may come between a key and its echo.
const BETWEEN: u64 = 24 * MEBIBYTE;
const KEYS: usize = 20;

/// Reads a flood for ever and counts it.
async fn flood(mut page: PageClient, printed: Arc<AtomicU64>) -> Result {
    page.type_keys("yes 0123456789012345678901234567890123456789\r").await?;
    loop {
        let before = page.have();
        page.step().await?;
        printed.fetch_add(page.have() - before, Ordering::Relaxed);
    }
}

/// Types until the floods have printed enough; returns the most that they printed before an echo came.
async fn person(mut page: PageClient, printed: Arc<AtomicU64>, until: u64) -> Result<u64> {
    page.patience = Duration::from_secs(60);
    page.type_keys("stty raw -echo; echo rea''dy; cat\r").await?;
    page.until("ready\n").await?;
    let (mut worst, mut keys) = (0, 0);
    while keys < KEYS || printed.load(Ordering::Relaxed) < until {
        let before = printed.load(Ordering::Relaxed);
        page.type_keys("k").await?;
        page.until_offset(page.have() + 1).await?;
        worst = worst.max(printed.load(Ordering::Relaxed) - before);
        keys += 1;
    }
    Ok(worst)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_people_type_beside_four_floods() -> Result {
    let gateway = Gateway::start(&["--max-sessions-per-address", "60", "--detach-grace", "1s"]).await?;
    let sshd = Sshd::start().await?;
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        people.push(gateway.open(&key_order(&sshd)?).await?);
    }
    let printed = Arc::new(AtomicU64::new(0));
    let mut floods = Vec::new();
    for _ in 0..FLOODS {
        let page = gateway.open_bash(&sshd).await?;
        floods.push(AbortOnDropHandle::new(tokio::spawn(flood(page, Arc::clone(&printed)))));
    }
    let typing: Vec<_> = people
        .into_iter()
        .map(|page| AbortOnDropHandle::new(tokio::spawn(person(page, Arc::clone(&printed), TOGETHER))))
        .collect();
    let mut worst = 0;
    for person in typing {
        worst = worst.max(person.await??);
    }
    println!("at most {} KiB of the floods came between a key and its echo", worst / 1024);
    assert!(worst <= BETWEEN, "{worst}");
    assert!(floods.iter().all(|flood| !flood.is_finished()), "a flood ended");
    drop(floods);
    gateway.base.is_back().await
}
