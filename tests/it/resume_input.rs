//! What is typed around a cut: exactly once, in order, or refused in so many words.

use serde_json::json;
use testkit::{Cut, PageClient, Proxy, Sshd, demo_sshd::Script};
use wire::{Code, event};

use crate::{
    resume_setup::Gateway,
    setup::{Result, key_order, password_order, scripted},
};

#[tokio::test]
async fn what_was_taken_is_dropped_and_a_gap_is_refused() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let mut page = gateway.open_script(&sshd).await?;
    let socket = page.socket()?;
    socket.emit_input_at(0, "abc").await?;
    socket.emit_input_at(0, "abc").await?;
    // Half of it is new.
    socket.emit_input_at(0, "abcdef").await?;
    socket.emit_input_at(2, "cde").await?;
    // Text counts as the bytes that it becomes.
    socket.emit(event::SSH_INPUT, json!({ "input": "fé", "offset": 5 })).await?;
    socket.emit(event::SSH_INPUT, json!({ "input": "é!", "offset": 6 })).await?;
    socket.emit_input_at(10, "a hole before it").await?;
    socket.emit_input_at(u64::MAX, "x").await?;
    for _ in 0..2 {
        let error = page.until_event(event::SESSION_ERROR).await?.payload;
        assert_eq!((&error["code"], &error["peer"]), (&json!(Code::InputGap), &json!("browser")), "{error}");
    }
    // Without an offset it follows; with the right one it does as well.
    page.socket()?.emit(event::SSH_INPUT, json!({ "input": "g" })).await?;
    page.socket()?.emit_input_at(10, "h\n").await?;
    page.until("\n").await?;
    assert_eq!(page.text(), "abcdefé!gh\n");
    // The next page goes on there.
    let next = gateway.resume(&page.token()?).await?;
    assert_eq!(next.typed(), 12);
    drop(page);
    gateway.ends(next).await
}

#[tokio::test]
async fn wrong_offsets_are_no_offsets() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let mut page = gateway.open_script(&sshd).await?;
    for offset in [json!(-1), json!("0"), json!(1.5), json!([])] {
        page.socket()?.emit(event::SSH_INPUT, json!({ "input": "x", "offset": offset })).await?;
        let error = page.until_event(event::SESSION_ERROR).await?.payload;
        assert_eq!(error["code"], json!(Code::InvalidPayload), "{offset}");
    }
    page.type_keys("y").await?;
    page.until("y").await?;
    assert_eq!(page.text(), "y");
    gateway.ends(page).await
}

/// Keys before, during and after every kind of cut, some more than a piece.
#[tokio::test]
async fn keys_around_a_cut_arrive_exactly_once() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let proxy = Proxy::start(gateway.address()?, 1).await?;
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = PageClient::open(proxy.address(), &ticket).await?;
    let mut typed = Vec::new();
    for round in 0..60_usize {
        let keys = format!("{round}:{} ", "k".repeat(round * 331 % 20_000));
        page.type_keys(&keys).await?;
        typed.extend_from_slice(keys.as_bytes());
        let attaches = page.attaches();
        match round % 5 {
            0 => proxy.cut(Cut::Reset),
            1 => proxy.cut(Cut::Finish),
            2 => proxy.cut(Cut::Vanish),
            3 => page.cut(),
            // The way back is cut as well.
            _ => {
                page.cut();
                page.step().await?;
                page.cut();
            }
        }
        // Typed while nobody knows yet, or while the way back is not open.
        let late = format!("late {round} ");
        page.type_keys(&late).await?;
        typed.extend_from_slice(late.as_bytes());
        page.until_that("the session again", |page| page.attaches() > attaches).await?;
    }
    page.until_offset(typed.len() as u64).await?;
    assert!(page.output() == typed, "{}", page.text());
    assert_eq!(page.attaches(), 61);
    // What vanished ends with the proxy.
    drop(proxy);
    page.go_through(gateway.address()?);
    gateway.ends(page).await
}

/// A link that is slow, then holds, then goes on: nothing is lost, and nothing has to be resumed.
#[tokio::test]
async fn a_link_that_pauses_loses_nothing() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let proxy = Proxy::start(gateway.address()?, 1).await?;
    let mut page = PageClient::open(proxy.address(), &gateway.create(&key_order(&sshd)?).await?).await?;
    page.until("$ ").await?;
    proxy.throttle(Some(200_000));
    page.type_keys("seq -s, 60000; echo do''ne\r").await?;
    page.until("1000,").await?;
    proxy.hold();
    page.type_keys("echo after\r").await?;
    // Meanwhile others work.
    let mut other = gateway.open_bash(&sshd).await?;
    other.type_keys("seq 20000; exit\r").await?;
    other.until_closed().await?;
    proxy.open();
    page.until("30000,").await?;
    proxy.throttle(None);
    let text = page.until("after\r\n").await?;
    let numbers = (1..=60_000).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    assert!(text.contains(&numbers), "{} bytes", text.len());
    assert_eq!(page.attaches(), 1);
    drop(other);
    gateway.ends(page).await
}
