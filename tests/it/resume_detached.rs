//! A session that nobody looks at: how long it waits, what its shell may do, and what is told later.

use std::{fs, path::Path};

use testkit::{PATIENCE, Page, PageClient, Protocol, Sshd, demo_sshd::Script, process, sha256};
use wire::{Code, Peer, event};

use crate::{
    resume_setup::{Gateway, numbered, watch_for_hang_up},
    setup::{Result, eventually, key_order, password_order, scripted, seen},
};

const MEBIBYTE: usize = 1024 * 1024;

#[tokio::test]
async fn the_grace_ends_and_with_it_the_shell_and_the_token() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&["--detach-grace", "2s"]).await?);
    let mut page = gateway.open_bash(&sshd).await?;
    let file = sshd.dir().join("hang-up");
    let shell = watch_for_hang_up(&mut page, &file).await?;
    // Whoever comes in time finds it as it was, and the time begins anew.
    page.cut();
    page.until_attached().await?;
    assert!(process::is_alive(shell));
    let (token, connections) = (page.token()?, sshd.connections());
    drop(page);
    gateway.until_detached(1).await?;
    process::wait_gone(shell, PATIENCE).await?;
    process::wait_gone(connections[0], PATIENCE).await?;
    assert_eq!(fs::read_to_string(file)?, "hup\n");
    gateway.forgets(&token).await?;
    gateway.base.is_back().await
}

#[tokio::test]
async fn without_grace_a_session_ends_with_its_socket_and_offers_no_way_back() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&["--detach-grace", "0"]).await?);
    let mut page = gateway.open_bash(&sshd).await?;
    let shell = watch_for_hang_up(&mut page, &sshd.dir().join("hang-up")).await?;
    assert_eq!(page.attaches(), 0);
    drop(page);
    process::wait_gone(shell, PATIENCE).await?;
    assert_eq!(fs::read_to_string(sshd.dir().join("hang-up"))?, "hup\n");
    gateway.forgets(&"A".repeat(43)).await?;
    gateway.base.is_back().await
}

/// A page that says nothing but its start: the gateway does not know that the token arrived.
async fn silent_start(gateway: &Gateway, ticket: &str) -> Result<PageClient> {
    let mut page = PageClient::for_ticket(gateway.address()?, ticket);
    page.acknowledges_tokens = false;
    page.acknowledges = false;
    page.until_event(event::CONNECTION_READY).await?;
    Ok(page)
}

async fn ticket_is_used(gateway: &Gateway, ticket: &str) -> Result {
    let closed = PageClient::for_ticket(gateway.address()?, ticket).until_closed().await?;
    assert_eq!((closed.code, closed.retry), (Code::TicketUnknown, false));
    Ok(())
}

#[tokio::test]
async fn until_a_first_token_is_kept_the_ticket_leads_back_to_the_session() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let ticket = gateway.create(&key_order(&sshd)?).await?;
    let mut connections = Vec::new();
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let lost = silent_start(&gateway, &ticket).await?;
        connections.extend(sshd.connections());
        tokens.push(lost.token()?);
        // While somebody has the session the ticket is as good as used.
        ticket_is_used(&gateway, &ticket).await?;
        drop(lost);
        gateway.until_detached(1).await?;
    }
    let mut page = PageClient::open(gateway.address()?, &ticket).await?;
    page.type_keys("echo $((40+2))\r").await?;
    page.until("42\r\n").await?;
    // It was one shell all the time, and now that the token is kept the ticket is used for good.
    connections.dedup();
    assert_eq!((connections.len(), sshd.connections().len()), (1, 1));
    page.returns = false;
    page.cut();
    gateway.until_detached(1).await?;
    ticket_is_used(&gateway, &ticket).await?;
    for token in tokens {
        gateway.forgets(&token).await?;
    }
    page.returns = true;
    page.type_keys("exit\r").await?;
    page.until_closed().await?;
    drop(page);
    gateway.base.is_back().await
}

#[tokio::test]
async fn a_first_token_counts_as_kept_once_something_was_typed() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = silent_start(&gateway, &ticket).await?;
    page.type_keys("typed").await?;
    page.until("typed").await?;
    let token = page.token()?;
    drop(page);
    gateway.until_detached(1).await?;
    ticket_is_used(&gateway, &ticket).await?;
    let mut page = gateway.resume(&token).await?;
    page.type_keys("\x04").await?;
    assert_eq!(page.until_closed().await?.code, Code::Exited);
    drop(page);
    gateway.base.is_back().await
}

/// Waits until this file exists, which the shell says it does.
async fn appears(file: &Path) -> Result {
    eventually(async || Ok(file.exists())).await
}

#[tokio::test]
async fn whoever_comes_back_to_a_shell_that_ended_gets_the_rest_and_the_reason() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    for is_fresh in [false, true] {
        let mut page = gateway.open_bash(&sshd).await?;
        let go = sshd.dir().join(format!("go-{is_fresh}"));
        let command =
            format!("until [ -e {} ]; do sleep 0.05; done; seq 30000; echo en''d; exit 3\r", go.display());
        page.type_keys(command).await?;
        page.until("exit 3\r\n").await?;
        let token = page.token()?;
        page.returns = false;
        page.cut();
        gateway.until_detached(1).await?;
        fs::write(&go, "")?;
        eventually(async || Ok(sshd.connections().is_empty())).await?;
        if is_fresh {
            page = PageClient::for_token(gateway.address()?, &token);
        }
        page.returns = true;
        let closed = page.until_closed().await?;
        assert_eq!((closed.code, closed.exit_status), (Code::Exited, Some(3)));
        assert_eq!((closed.peer, closed.retry), (Peer::Target, false));
        assert!(closed.duration_s.is_some_and(|seconds| seconds < 60), "{closed:?}");
        let text = match page.screen() {
            Some(screen) => String::from_utf8_lossy(&screen.bytes).into_owned() + &page.text(),
            None => page.text(),
        };
        assert_eq!(page.screen().is_some(), is_fresh);
        if is_fresh {
            assert!(text.contains("29990") && text.contains("end"), "{text}");
        } else {
            let numbers: String = (1..=30_000).map(|number| format!("{number}\r\n")).collect();
            assert!(text.contains(&format!("{numbers}end\r\n")), "{text}");
        }
        // It was told: now it is over.
        gateway.forgets(&page.token()?).await?;
    }
    gateway.base.is_back().await
}

/// The socket was dead, and took the last word.
#[tokio::test]
async fn whoever_did_not_hear_the_end_is_told_again() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let mut page = gateway.open_bash(&sshd).await?;
    page.acknowledges_end = false;
    page.type_keys("exit 3\r").await?;
    assert_eq!(page.until_closed().await?.exit_status, Some(3));
    let token = page.token()?;
    page.cut();
    gateway.until_detached(1).await?;
    let mut again = PageClient::resume(gateway.address()?, &token).await?;
    let closed = again.until_closed().await?;
    assert_eq!((closed.code, closed.exit_status), (Code::Exited, Some(3)));
    gateway.forgets(&again.token()?).await?;
    gateway.base.is_back().await
}

#[tokio::test]
async fn a_target_that_goes_while_nobody_looks_is_told_later() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let mut page = gateway.open_bash(&sshd).await?;
    page.returns = false;
    page.cut();
    gateway.until_detached(1).await?;
    for connection in sshd.connections() {
        process::signal(connection, rustix::process::Signal::KILL)?;
    }
    eventually(async || Ok(sshd.connections().is_empty())).await?;
    page.returns = true;
    let closed = page.until_closed().await?;
    assert_eq!((closed.code, closed.peer), (Code::LinkLost, Peer::Target));
    drop(page);
    gateway.base.is_back().await
}

/// A page whose shell will print so many numbered bytes, then make this file, and then wait.
async fn printing(gateway: &Gateway, sshd: &Sshd, bytes: &[u8], marker: &Path) -> Result<PageClient> {
    fs::write(marker.with_extension("text"), bytes)?;
    let mut page = gateway.open_bash(sshd).await?;
    let (text, marker) = (marker.with_extension("text"), marker.display());
    page.type_keys(format!(
        "stty raw -echo; echo rea''dy; read go; cat {}; touch {marker}; head -c 6; exit\r",
        text.display()
    ))
    .await?;
    page.until("ready\n").await?;
    Ok(page)
}

#[tokio::test]
async fn a_build_runs_to_its_end_while_nobody_looks() -> Result {
    let length = 64 * MEBIBYTE;
    let output = numbered(length);
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    for is_fresh in [false, true] {
        let marker = sshd.dir().join(format!("done-{is_fresh}"));
        let mut page = printing(&gateway, &sshd, &output, &marker).await?;
        let end = page.have() + length as u64;
        let token = page.token()?;
        page.type_keys("\n").await?;
        page.until_offset(end - length as u64 + 1000).await?;
        page.returns = false;
        page.cut();
        gateway.until_detached(1).await?;
        appears(&marker).await?;
        if is_fresh {
            page = gateway.resume(&token).await?;
        }
        page.returns = true;
        page.until_attached().await?;
        let screen = page.screen().unwrap();
        assert!(screen.offset >= end - MEBIBYTE as u64 * 2, "{} of {end}", screen.offset);
        page.until_offset(end).await?;
        let rest = page.output();
        assert!(rest == &output[output.len() - rest.len()..]);
        // It goes on as if nothing had been.
        page.type_keys("and on").await?;
        assert_eq!(page.until_closed().await?.code, Code::Exited);
        assert!(page.text().ends_with("and onexit\n"), "{}", page.text());
        assert_eq!(page.have(), end + "and onexit\n".len() as u64);
    }
    gateway.base.is_back().await
}

/// With `keep` the shell comes no further than the queues on the way are long. Another one, which somebody
/// looks at, prints four times as much in the meantime: time enough there was.
#[tokio::test]
async fn a_shell_whose_every_byte_is_kept_waits_for_somebody() -> Result {
    let (kept, seen_by_all) = (numbered(16 * MEBIBYTE), numbered(64 * MEBIBYTE));
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&["--detached-output", "keep"]).await?);
    let marker = sshd.dir().join("kept");
    let mut page = printing(&gateway, &sshd, &kept, &marker).await?;
    page.tally(kept.len());
    page.type_keys("\n").await?;
    page.until_offset(page.have() + 100_000).await?;
    page.returns = false;
    page.cut();
    gateway.base.until(|now| now.sessions("detached") == 1).await?;

    let other_marker = sshd.dir().join("other");
    let mut other = printing(&gateway, &sshd, &seen_by_all, &other_marker).await?;
    other.tally(seen_by_all.len());
    other.type_keys("\n").await?;
    other.until_that("everything", |page| page.tallied().is_some()).await?;
    assert_eq!(other.tallied(), Some(sha256(&seen_by_all)));
    appears(&other_marker).await?;
    assert!(!marker.exists(), "it printed all of it to nobody");

    page.returns = true;
    page.until_that("everything", |page| page.tallied().is_some()).await?;
    assert_eq!(page.tallied(), Some(sha256(&kept)));
    assert!(page.screen().is_none(), "nothing was dropped, so nothing has to be replaced");
    appears(&marker).await
}

/// A socket of the original's protocol has nobody who could come back.
#[tokio::test]
async fn the_originals_session_ends_with_its_socket() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let page = Page::open(gateway.address()?, Protocol::Original, &ticket).await?;
    page.socket.cut();
    seen(&sshd, |record| record.shells_ended == 1).await?;
    gateway.base.is_back().await
}
