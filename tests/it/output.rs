//! From the shell to the browser: every byte, once, in order, and never more than it takes.

use std::time::Duration;

use serde_json::json;
use testkit::{
    Binary, BinaryOptions, Page, Protocol, SocketClient, Sshd, TestGateway,
    demo_sshd::{Script, flood, utf8_text},
    process, sha256,
};
use wire::{Code, event, limits};

use crate::setup::{BOTH, Result, eventually, key_order, open_bash, open_script, password_order, scripted};

const CHARACTERS: usize = 300_000;
/// The credit of a page but for one chunk, which may not fit into the rest.
const NEARLY_ALL: usize = (256 - 64) * 1024;

#[tokio::test]
async fn characters_never_break_in_text() -> Result {
    let (sshd, gateway) = (scripted(Script::Utf8(CHARACTERS)).await?, TestGateway::start().await?);
    let mut page = open_script(&sshd, &gateway, Protocol::Original).await?;
    page.until_length(3 * CHARACTERS).await?;
    let expected = utf8_text(CHARACTERS);
    assert!(
        page.output()[..3 * CHARACTERS] == *expected.as_bytes(),
        "{}",
        page.text().matches('\u{fffd}').count()
    );
    page.until_disconnected().await?;
    assert_eq!(&page.text()[3 * CHARACTERS..], "\u{1b}[91mThe shell exited.\u{1b}[0m");
    Ok(())
}

#[tokio::test]
async fn characters_are_the_same_bytes_for_our_page() -> Result {
    let (sshd, gateway) = (scripted(Script::Utf8(CHARACTERS)).await?, TestGateway::start().await?);
    let mut page = open_script(&sshd, &gateway, Protocol::Ours).await?;
    assert_eq!(page.until_closed().await?.code, Code::Exited);
    assert!(page.output() == utf8_text(CHARACTERS).as_bytes(), "{}", page.output().len());
    Ok(())
}

#[tokio::test]
async fn a_flood_arrives_whole_before_the_exit_status() -> Result {
    const LENGTH: usize = 8_000_001;
    let (sshd, gateway) = (scripted(Script::FloodBytes(LENGTH as u64)).await?, TestGateway::start().await?);
    let mut expected: Vec<u8> = flood().take(LENGTH.div_ceil(32 * 1024)).flatten().collect();
    expected.truncate(LENGTH);
    for protocol in BOTH {
        let mut page = open_script(&sshd, &gateway, protocol).await?;
        let closed = page.until_closed().await?;
        assert_eq!((closed.code, closed.exit_status), (Code::Exited, Some(0)));
        assert!(page.output().len() >= LENGTH, "{protocol:?}: {}", page.output().len());
        assert_eq!(sha256(&page.output()[..LENGTH]), sha256(&expected), "{protocol:?}");
    }
    Ok(())
}

/// Asks the gateway something that it answers, so that all it had to send before has arrived.
async fn round_trip(page: &mut Page) -> Result {
    page.socket.emit(event::RESIZE, json!("no size")).await?;
    page.until_event(event::SESSION_ERROR).await?;
    Ok(())
}

#[tokio::test]
async fn at_most_256_kib_are_in_flight_to_a_page_that_never_acknowledges() -> Result {
    let (sshd, gateway) = (scripted(Script::Flood).await?, TestGateway::start().await?);
    let mut page = open_script(&sshd, &gateway, Protocol::Ours).await?;
    page.acknowledges = false;
    page.until_length(NEARLY_ALL).await?;
    for _ in 0..200 {
        round_trip(&mut page).await?;
    }
    let in_flight = page.output().len() as u64;
    assert!(in_flight <= limits::OUTPUT_HIGH_WATER, "{in_flight}");
    // Half an acknowledgement is none yet: above the low water the session stays paused.
    page.socket.emit(event::SSH_OUTPUT_ACK, json!({ "offset": 1 })).await?;
    for _ in 0..50 {
        round_trip(&mut page).await?;
    }
    assert_eq!(page.output().len() as u64, in_flight);
    // With one it goes on from the very next byte, and the Ctrl-C that waited ends the flood.
    page.type_keys("\x03").await?;
    page.acknowledges = true;
    page.socket.emit(event::SSH_OUTPUT_ACK, json!({ "offset": in_flight })).await?;
    page.until("interrupted\r\n").await?;
    let printed = page.output().len() - "interrupted\r\n".len();
    let expected: Vec<u8> = flood().take(printed.div_ceil(32 * 1024)).flatten().collect();
    assert!(page.output()[..printed] == expected[..printed]);
    Ok(())
}

#[tokio::test]
async fn an_acknowledgement_of_what_was_never_sent_gives_nothing() -> Result {
    let (sshd, gateway) = (scripted(Script::Flood).await?, TestGateway::start().await?);
    let mut page = open_script(&sshd, &gateway, Protocol::Ours).await?;
    page.acknowledges = false;
    page.until_length(NEARLY_ALL).await?;
    for offset in [u64::MAX / 4, 1 << 40] {
        page.socket.emit(event::SSH_OUTPUT_ACK, json!({ "offset": offset })).await?;
    }
    for _ in 0..100 {
        round_trip(&mut page).await?;
    }
    assert!(page.output().len() as u64 <= limits::OUTPUT_HIGH_WATER, "{}", page.output().len());
    Ok(())
}

#[tokio::test]
async fn a_flood_into_pages_that_stopped_taking_it_costs_little_and_ctrl_c_gets_through() -> Result {
    const PAGES: u64 = 10;
    let (sshd, binary) = (Sshd::start().await?, Binary::start(BinaryOptions::default()).await?);
    let memory = || process::memory(binary.id().unwrap(), "status", "VmRSS");
    let mut pages = Vec::new();
    for _ in 0..PAGES {
        let ticket = binary.create(&key_order(&sshd)?).await?;
        let mut page = Page::open(binary.address()?, Protocol::Ours, &ticket).await?;
        page.until("$ ").await?;
        pages.push(page);
    }
    let before = memory()?;
    for page in &mut pages {
        page.acknowledges = false;
        page.type_keys("yes 0123456789012345678901234567890123456789\r").await?;
        page.until_length(100 * 1024).await?;
    }
    for (number, page) in pages.iter_mut().enumerate() {
        let marker = sshd.dir().join(format!("interrupted-{number}"));
        page.type_keys("\x03").await?;
        page.type_keys(&format!("touch {}\r", marker.display())).await?;
        eventually(async || Ok(marker.exists())).await?;
    }
    let grown = memory()?.saturating_sub(before);
    assert!(grown <= PAGES * 4 * 1024 * 1024, "{} KiB for each page", grown / PAGES / 1024);
    Ok(())
}

#[tokio::test]
async fn ctrl_c_ends_a_flood_for_a_page_that_keeps_up() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    for protocol in BOTH {
        let mut page = open_bash(&sshd, &gateway, protocol).await?;
        page.type_keys("yes\r").await?;
        page.until_length(1_000_000).await?;
        page.type_keys("\x03").await?;
        page.until("^C").await?;
        page.clear();
        page.type_keys("echo $((40+2))\r").await?;
        page.until("42\r\n").await?;
    }
    Ok(())
}

/// A link of 160 KB/s for longer than two missed pings: the pause is the link, not a wait.
#[tokio::test]
async fn a_slow_client_of_the_originals_protocol_loses_nothing_and_is_not_dropped() -> Result {
    const LENGTH: usize = 3_600_000;
    const PIECE: usize = 16_000;
    let (sshd, gateway) = (scripted(Script::FloodBytes(LENGTH as u64)).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut socket = SocketClient::with_receive_buffer(gateway.address(), 16 * 1024).await?;
    socket.emit(event::START_SESSION, json!({ "credentials_uuid": ticket })).await?;
    let (mut output, mut paid_for) = (String::new(), 0);
    loop {
        match socket.next().await? {
            testkit::Incoming::Event(event) if event.name == event::SSH_OUTPUT => {
                output.push_str(event.payload["output"].as_str().unwrap());
                while output.len() > paid_for {
                    paid_for += PIECE;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            testkit::Incoming::Event(event) if event.name == event::SESSION_CLOSED => {
                assert_eq!(event.payload["code"], json!(Code::Exited), "{}", event.payload);
                break;
            }
            testkit::Incoming::Event(_) => {}
            other => anyhow::bail!("{other:?} after {} bytes", output.len()),
        }
    }
    let mut expected: Vec<u8> = flood().take(LENGTH.div_ceil(32 * 1024)).flatten().collect();
    expected.truncate(LENGTH);
    assert!(output.as_bytes()[..LENGTH] == expected);
    Ok(())
}
