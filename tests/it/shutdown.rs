//! The real binary and its signals: pages are told, nothing is left, and it does not take long.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use testkit::{
    Binary, BinaryOptions, PATIENCE, Page, Protocol, Sshd,
    demo_sshd::{Quirk, Script},
    process,
};
use wire::{Code, Peer, event};

use crate::setup::{BOTH, Result, faulty, key_order, password_order, scripted, seen};

const LIMIT: Duration = Duration::from_secs(10);

/// A gateway that lets sessions go on for so long once it was asked to end.
async fn draining(drain: &str) -> Result<Binary> {
    let arguments = ["--drain", drain].map(str::to_owned).to_vec();
    Binary::start(BinaryOptions { arguments, ..BinaryOptions::default() }).await
}

#[tokio::test]
async fn either_signal_tells_each_page_ends_each_shell_and_exits_in_good_order() -> Result {
    let sshd = Sshd::start().await?;
    for signal in [Signal::TERM, Signal::INT] {
        let mut binary = draining("0").await?;
        let mut pages = Vec::new();
        for protocol in BOTH {
            let ticket = binary.create(&key_order(&sshd)?).await?;
            pages.push(Page::open(binary.address()?, protocol, &ticket).await?);
        }
        let connections = sshd.connections();
        assert_eq!(connections.len(), 2);
        let asked = Instant::now();
        binary.signal(signal)?;
        for page in &mut pages {
            let closed = page.until_closed().await?;
            assert_eq!(
                (closed.code, closed.message.as_str()),
                (Code::Shutdown, "The gateway is shutting down.")
            );
        }
        assert_eq!(binary.ended().await?.code(), Some(0), "{}", binary.stderr());
        assert!(asked.elapsed() < LIMIT, "{:?}", asked.elapsed());
        for connection in connections {
            process::wait_gone(connection, PATIENCE).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn pages_that_take_nothing_do_not_delay_the_end() -> Result {
    let sshd = scripted(Script::Flood).await?;
    let mut binary = draining("0").await?;
    let mut stalled = Vec::new();
    for protocol in BOTH {
        for _ in 0..5 {
            let ticket = binary.create(&password_order(&sshd)).await?;
            let mut page = Page::open(binary.address()?, protocol, &ticket).await?;
            page.acknowledges = false;
            page.until_length(100_000).await?;
            stalled.push(page);
        }
    }
    let asked = Instant::now();
    binary.signal(Signal::TERM)?;
    assert_eq!(binary.ended().await?.code(), Some(0), "{}", binary.stderr());
    assert!(asked.elapsed() < LIMIT, "{:?}", asked.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_still_dialling_does_not_delay_the_end() -> Result {
    let sshd = faulty(Quirk::LoginUnanswered).await?;
    let mut binary = draining("0").await?;
    let ticket = binary.create(&password_order(&sshd)).await?;
    let mut page = Page::start(binary.address()?, Protocol::Ours, &ticket).await?;
    seen(&sshd, |record| record.logins.iter().any(|login| login.method == "password")).await?;
    let asked = Instant::now();
    binary.signal(Signal::TERM)?;
    assert_eq!(page.until_closed().await?.code, Code::Shutdown);
    assert_eq!(binary.ended().await?.code(), Some(0));
    assert!(asked.elapsed() < LIMIT, "{:?}", asked.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() -> Result {
    let sshd = scripted(Script::Flood).await?;
    let mut binary = draining("0").await?;
    let ticket = binary.create(&password_order(&sshd)).await?;
    let mut page = Page::open(binary.address()?, Protocol::Original, &ticket).await?;
    page.until_length(100_000).await?;
    let asked = Instant::now();
    binary.signal(Signal::TERM)?;
    binary.logged("signal").await?;
    // It may be through with the first one already.
    let _ = binary.signal(Signal::TERM);
    binary.ended().await?;
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    Ok(())
}

#[tokio::test]
async fn nothing_new_is_taken_while_it_goes_down() -> Result {
    let sshd = Sshd::start().await?;
    let mut binary = draining("0").await?;
    let ticket = binary.create(&key_order(&sshd)?).await?;
    let waiting = binary.create(&key_order(&sshd)?).await?;
    let mut page = Page::open(binary.address()?, Protocol::Ours, &ticket).await?;
    binary.signal(Signal::TERM)?;
    assert_eq!(page.until_closed().await?.code, Code::Shutdown);
    // The socket may be closed before it can ask.
    let asked = page.socket.emit(event::START_SESSION, json!({ "create_session_id": waiting })).await;
    if asked.is_ok() && page.until_event(event::SESSION_CLOSED).await.is_ok() {
        assert!(page.events.iter().all(|event| event.name != event::CONNECTION_READY));
    }
    assert_eq!(binary.ended().await?.code(), Some(0));
    assert!(tokio::net::TcpStream::connect(binary.address()?).await.is_err());
    Ok(())
}

#[tokio::test]
async fn while_it_drains_what_is_open_goes_on_and_nothing_new_begins() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let mut binary = draining("10m").await?;
    let (ticket, waiting) =
        (binary.create(&password_order(&sshd)).await?, binary.create(&password_order(&sshd)).await?);
    let mut page = Page::open(binary.address()?, Protocol::Ours, &ticket).await?;
    let token = page.until_event(event::SESSION_ATTACHED).await?.payload["token"].clone();
    binary.signal(Signal::TERM)?;
    let warning = page.until_event(event::SESSION_WARNING).await?.payload;
    assert_eq!(warning["code"], json!("shutdown"));
    assert!(warning["seconds"].as_u64().is_some_and(|seconds| (1..=600).contains(&seconds)), "{warning}");

    let http = binary.http()?;
    let health = http.get("/healthz").await?;
    assert_eq!((health.status, health.json()?), (503, json!({ "status": "draining" })));
    let refused = http.post_json("/create-session", &password_order(&sshd)).await?;
    assert_eq!((refused.status, refused.json()?["code"].clone()), (503, json!("shutdown")));
    assert!(refused.header("retry-after").parse::<u32>().is_ok(), "{:?}", refused.headers);
    assert_eq!(http.get("/").await?.status, 200);
    let mut late = Page::start(binary.address()?, Protocol::Ours, &waiting).await?;
    let closed = late.until_closed().await?;
    assert_eq!((closed.code, closed.peer, closed.retry), (Code::Shutdown, Peer::Gateway, false));

    page.type_keys("still here").await?;
    page.until("still here").await?;
    page.socket.cut();
    let mut back = Page::connect(binary.address()?, Protocol::Ours).await?;
    back.socket.emit(event::RESUME_SESSION, json!({ "token": token, "have": 10 })).await?;
    back.until_event(event::SESSION_ATTACHED).await?;
    back.type_keys("here again").await?;
    back.until("here again").await?;
    // The end of the last session is the end of the gateway.
    back.type_keys("\u{4}").await?;
    assert_eq!(back.until_closed().await?.code, Code::Exited);
    assert_eq!(binary.ended().await?.code(), Some(0), "{}", binary.stderr());
    Ok(())
}

#[tokio::test]
async fn each_signal_ends_a_gateway_without_sessions_and_a_second_one_has_its_exit_code() -> Result {
    let sshd = scripted(Script::Echo).await?;
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let mut idle = draining("10m").await?;
        idle.signal(signal)?;
        assert_eq!(idle.ended().await?.code(), Some(0), "{}", idle.stderr());
        let mut busy = draining("10m").await?;
        let ticket = busy.create(&password_order(&sshd)).await?;
        let mut page = Page::open(busy.address()?, Protocol::Ours, &ticket).await?;
        busy.signal(Signal::TERM)?;
        page.until_event(event::SESSION_WARNING).await?;
        busy.signal(signal)?;
        assert_eq!(busy.ended().await?.code(), Some(code), "{}", busy.stderr());
    }
    Ok(())
}
