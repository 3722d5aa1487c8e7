//! What of the credentials can be read in the process's memory, by somebody who can read it all.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
};

use serde_json::{Value, json};
use testkit::{Binary, BinaryOptions, Page, Protocol, Sshd, demo_sshd::Script};

use crate::setup::{Result, eventually, password_order, scripted};

/// How often each word stands in the process's writable memory. Only root may look: the process
/// is closed to others.
pub(crate) fn count(binary: &Binary, words: &[String]) -> Result<Vec<usize>> {
    let proc = format!("/proc/{}", binary.id()?);
    let memory = File::open(format!("{proc}/mem"))?;
    let mut counts = vec![0; words.len()];
    for line in fs::read_to_string(format!("{proc}/maps"))?.lines() {
        let Some((range, rights)) = line.split_once(' ') else { continue };
        let Some((from, to)) = range.split_once('-') else { continue };
        if !rights.starts_with("rw") {
            continue;
        }
        let (from, to) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(to, 16)?);
        let mut bytes = vec![0; usize::try_from(to - from)?];
        // A mapping that went away meanwhile holds nothing.
        if memory.read_exact_at(&mut bytes, from).is_err() {
            continue;
        }
        for (word, count) in words.iter().zip(&mut counts) {
            *count += bytes.windows(word.len()).filter(|window| *window == word.as_bytes()).count();
        }
    }
    Ok(counts)
}

pub(crate) async fn holds_none_of(binary: &Binary, words: &[String]) -> Result {
    eventually(async || Ok(count(binary, words)?.iter().sum::<usize>() == 0)).await
}

#[tokio::test]
async fn credentials_cannot_be_read_while_they_wait_nor_after_the_login() -> Result {
    if !rustix::process::geteuid().is_root() {
        // Nobody else may read the memory, which is the point.
        return Ok(());
    }
    let (demo, sshd) = (scripted(Script::Echo).await?, Sshd::start().await?);
    let key = sshd.new_client_key("ed25519", "opens-the-key-8835", &[]).await?;
    let by_key: Value = json!({
        "hostname": "127.0.0.1", "port": sshd.port(), "username": sshd.username(),
        "ssh_key": key, "passphrase": "opens-the-key-8835",
    });
    let binary = Binary::start(BinaryOptions::default()).await?;
    let secrets =
        [demo.password().to_owned(), "opens-the-key-8835".to_owned(), key.lines().nth(2).unwrap().to_owned()];
    let mut tickets = Vec::new();
    for order in [password_order(&demo), by_key] {
        tickets.push(binary.create(&order).await?);
    }
    // The search finds what is there: the state directory's name, which is no secret.
    let known = binary.state_dir().display().to_string();
    assert!(count(&binary, &[known])?[0] > 0);
    holds_none_of(&binary, &secrets).await?;
    let mut pages = Vec::new();
    for ticket in &tickets {
        let mut page = Page::open(binary.address()?, Protocol::Ours, ticket).await?;
        page.type_keys("x").await?;
        page.until("x").await?;
        pages.push(page);
    }
    holds_none_of(&binary, &secrets).await
}
