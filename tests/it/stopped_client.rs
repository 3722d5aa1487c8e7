//! A client whose process is stopped, as a laptop's is that sleeps: the kernel keeps its socket, and it says
//! nothing. The real signal, and the official Socket.IO client.

use std::{fs, path::Path, time::Duration};

use testkit::{
    NodeClient, Sshd,
    process::{self, ProcessId},
    sha256,
};
use tokio::time::Instant;
use wire::event;

use crate::{
    resume_setup::Gateway,
    setup::{Result, eventually, key_order},
};

const MEBIBYTE: usize = 1024 * 1024;
/// By the second ping that is not answered.
const NOTICED: Duration = Duration::from_secs(25);
/// What a session may cost besides what it is told to keep.
const EACH: u64 = 4 * MEBIBYTE as u64;

async fn open(gateway: &Gateway, sshd: &Sshd) -> Result<NodeClient> {
    let mut page = NodeClient::page(gateway.address()?, &gateway.create(&key_order(sshd)?).await?).await?;
    page.until_event(event::CONNECTION_READY).await?;
    page.until_output("$ ").await?;
    Ok(page)
}

/// Waits until the process is stopped.
async fn stopped(pid: ProcessId) -> Result {
    let state = || anyhow::Ok(fs::read_to_string(format!("/proc/{pid}/stat"))?);
    eventually(async || Ok(state()?.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))).await
}

/// Waits until the gateway has noticed that the client, which was stopped just now, is gone.
async fn noticed(gateway: &Gateway) -> Result {
    let since = Instant::now();
    gateway.until_detached(1).await?;
    let took = since.elapsed();
    println!("noticed after {took:.1?}");
    assert!(took <= NOTICED, "{took:?}");
    Ok(())
}

/// Lets the process go on: it finds its socket closed and has its session again. Returns its screen, if it got one.
async fn comes_back(page: &mut NodeClient) -> Result<Option<String>> {
    process::signal(page.id()?, rustix::process::Signal::CONT)?;
    page.until(|told| told[0] == "disconnect").await?;
    let attached = page.until(|told| told[1] == event::SESSION_ATTACHED).await?;
    Ok(attached[2]["screen"].as_str().map(str::to_owned))
}

/// Ends the shell, and waits until the gateway is as it was before.
async fn ends(gateway: &Gateway, mut page: NodeClient) -> Result {
    page.type_keys("exit\r").await?;
    page.until_event(event::SESSION_CLOSED).await?;
    drop(page);
    gateway.base.is_back().await
}

/// Prints a file as it is, once it got a key, and then makes `done`.
fn flood(bytes: &[u8], dir: &Path) -> Result {
    fs::write(dir.join("flood"), bytes)?;
    let script =
        "stty raw -echo\nprintf 'ready\\n'\nhead -c 1 > /dev/null\ncat flood\ntouch done\nstty sane\n";
    Ok(fs::write(dir.join("print"), script)?)
}

/// A page that has stopped itself in the middle of the flood.
async fn stopped_in(flooded: &[u8], gateway: &Gateway, sshd: &Sshd) -> Result<NodeClient> {
    flood(flooded, sshd.dir())?;
    let mut page = open(gateway, sshd).await?;
    page.type_keys(&format!("cd {}; bash print\r", sshd.dir().display())).await?;
    page.until_output("ready\n").await?;
    page.tally(flooded.len(), flooded.len() / 8).await?;
    page.type_keys("g").await?;
    page.until(|told| told[0] == "stops").await?;
    stopped(page.id()?).await?;
    assert!(!sshd.dir().join("done").exists(), "the shell waits for a page that takes nothing");
    Ok(page)
}

/// The gateway notices, the shell prints everything all the same, and the gateway takes no more memory than this.
async fn flows_unseen(gateway: &Gateway, sshd: &Sshd, most: u64) -> Result {
    let before = process::memory(gateway.binary.id()?, "status", "VmRSS")?;
    noticed(gateway).await?;
    eventually(async || Ok(sshd.dir().join("done").exists())).await?;
    // The peak, so that nothing hides between two looks.
    let more = process::memory(gateway.binary.id()?, "status", "VmHWM")? - before;
    println!("{} KiB more", more / 1024);
    assert!(more <= most, "{more}");
    Ok(())
}

/// All output while the client is away is kept, so that it has everything in the end.
#[tokio::test]
async fn a_client_that_is_stopped_in_a_flood_gets_every_byte_once() -> Result {
    const BACKLOG: usize = 32 * MEBIBYTE;
    let mut flooded = vec![0; 24 * MEBIBYTE];
    fastrand::Rng::new().fill(&mut flooded);
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&["--backlog", &BACKLOG.to_string()]).await?);
    let mut page = stopped_in(&flooded, &gateway, &sshd).await?;
    flows_unseen(&gateway, &sshd, BACKLOG as u64 + EACH).await?;

    assert_eq!(comes_back(&mut page).await?, None, "it goes on where it was");
    let tallied = page.until(|told| told[0] == "tallied").await?;
    assert_eq!(tallied[1], sha256(&flooded));
    page.until_output("$ ").await?;
    ends(&gateway, page).await
}

/// Much more than is kept: the shell goes on all the same, and the client gets the screen instead.
#[tokio::test]
async fn a_client_that_is_stopped_in_an_endless_flood_costs_little_and_gets_the_screen() -> Result {
    let flooded: Vec<u8> =
        (0..2_000_000).flat_map(|n| format!("line {n:07}, and so on\r\n").into_bytes()).collect();
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let mut page = stopped_in(&flooded, &gateway, &sshd).await?;
    flows_unseen(&gateway, &sshd, EACH).await?;

    let screen = comes_back(&mut page).await?;
    let screen = screen.as_deref().unwrap_or_default();
    assert!(screen.contains("line 1999999, and so on"), "{screen:?}");
    ends(&gateway, page).await
}

/// Nothing moves when it is stopped; what the shell prints and what is typed in the meantime arrives once.
#[tokio::test]
async fn a_client_that_is_stopped_while_idle_comes_back_to_what_it_missed() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let mut page = open(&gateway, &sshd).await?;
    let go = sshd.dir().join("go");
    let wait = format!("until [ -e {} ]; do sleep 0.05; done; seq -s, 1000; read -n 8 k", go.display());
    page.type_keys(&format!("{wait}; echo \"[$k]\"; echo e''nd\r")).await?;
    page.until_output("nd\r\n").await?;
    process::signal(page.id()?, rustix::process::Signal::STOP)?;
    stopped(page.id()?).await?;
    // It reads that when it goes on, before it knows that its socket is closed.
    page.type_keys("once").await?;
    noticed(&gateway).await?;
    fs::write(&go, "")?;
    page.type_keys("more").await?;
    assert_eq!(comes_back(&mut page).await?, None, "it goes on where it was");
    let output = page.until_output("end\r\n").await?;
    let missed: Vec<String> = (1..=1000).map(|n| n.to_string()).collect();
    assert!(output.contains(&format!("{}\r\n", missed.join(","))), "{output:?}");
    assert!(output.contains("[oncemore]\r\n"), "{output:?}");
    ends(&gateway, page).await
}
