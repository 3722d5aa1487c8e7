//! From the browser to the shell: every key, once, in order, however many and however fast.

use std::fmt::Write as _;

use serde_json::json;
use testkit::{
    ClientVersion, NodeClient, PATIENCE, Page, Protocol, Sshd, TestGateway, demo_sshd::Script, sha256,
};
use tokio::time::timeout;
use wire::{Code, Peer, event, limits};

use crate::setup::{
    BOTH, Result, eventually, key_order, open_bash, open_script, password_order, scripted, seen,
};

const COUNT: u32 = 20_000;

fn numbers() -> String {
    (0..COUNT).fold(String::new(), |mut text, number| {
        let _ = write!(text, "{number},");
        text
    })
}

#[tokio::test]
async fn twenty_thousand_inputs_of_the_official_clients_keep_their_order() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    for version in [ClientVersion::Original, ClientVersion::Newest] {
        let ticket = gateway.create(&password_order(&sshd)).await?;
        let mut node = NodeClient::connect(version, gateway.address(), &json!(null)).await?;
        node.emit(event::START_SESSION, &json!({ "credentials_uuid": ticket })).await?;
        node.until_event(event::CONNECTION_READY).await?;
        node.emit_numbers(COUNT).await?;
        let echo = node.until_output(&format!(",{},", COUNT - 1)).await?;
        assert!(echo == numbers(), "{version:?}: {} bytes", echo.len());
    }
    Ok(())
}

#[tokio::test]
async fn twenty_thousand_inputs_keep_their_order_in_both_protocols() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    for protocol in BOTH {
        let mut page = open_script(&sshd, &gateway, protocol).await?;
        for number in 0..COUNT {
            page.type_keys(&format!("{number},")).await?;
        }
        page.until_length(numbers().len()).await?;
        assert!(page.text() == numbers(), "{protocol:?}");
    }
    Ok(())
}

/// A megabyte with characters of one to four bytes.
fn megabyte() -> String {
    let mut text = String::new();
    for number in 0_u32.. {
        let _ = write!(text, "{number} àß 日本 🚀 ~!@#$%^&*(){{}}|:<>? ");
        if text.len() >= 1_000_000 {
            break;
        }
    }
    while text.len() > 1_000_000 {
        text.pop();
    }
    text
}

/// A page whose shell will print the SHA-256 of the next so many bytes.
async fn checksum(sshd: &Sshd, gateway: &TestGateway, protocol: Protocol, bytes: usize) -> Result<Page> {
    let mut page = open_bash(sshd, gateway, protocol).await?;
    page.type_keys(&format!("stty raw -echo; echo rea''dy; head -c {bytes} | sha256sum; stty sane\r"))
        .await?;
    page.until("ready").await?;
    Ok(page)
}

#[tokio::test]
async fn a_megabyte_pasted_by_our_page_arrives_whole() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let text = megabyte();
    let mut page = checksum(&sshd, &gateway, Protocol::Ours, text.len()).await?;
    page.paste(&text).await?;
    page.until(&sha256(text.as_bytes())).await?;
    Ok(())
}

#[tokio::test]
async fn a_megabyte_pasted_as_one_event_arrives_whole() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let text = megabyte();
    let mut page = checksum(&sshd, &gateway, Protocol::Original, text.len()).await?;
    page.type_keys(&text).await?;
    page.until(&sha256(text.as_bytes())).await?;
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_no_text_arrive_as_they_are() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let mut page = open_script(&sshd, &gateway, Protocol::Ours).await?;
    let bytes: Vec<u8> = (0..=255).filter(|byte| *byte != 4).cycle().take(5_100).collect();
    page.socket.emit_input_bytes(bytes.clone()).await?;
    page.until_length(bytes.len()).await?;
    assert!(page.output() == bytes);
    Ok(())
}

#[tokio::test]
async fn input_is_acknowledged_often_enough_for_a_page_that_waits_for_it() -> Result {
    let (sshd, gateway) = (scripted(Script::Silent).await?, TestGateway::start().await?);
    let mut page = open_script(&sshd, &gateway, Protocol::Ours).await?;
    let text = "é".repeat(400_000);
    // Goes on only while less than 64 KiB are not acknowledged.
    timeout(PATIENCE, page.paste(&text)).await??;
    let sent = text.len() as u64;
    let last = async {
        while page.taken() + limits::INPUT_ACK_EVERY <= sent {
            page.step().await?;
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, last).await??;
    assert!(page.taken() <= sent, "more than was sent: {}", page.taken());
    assert_eq!(seen(&sshd, |record| record.input_bytes == sent).await?.input_bytes, sent);
    Ok(())
}

#[tokio::test]
async fn more_than_the_server_takes_ends_the_session_and_says_so() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    for protocol in BOTH {
        let mut page = open_bash(&sshd, &gateway, protocol).await?;
        page.type_keys("stty raw -echo; echo rea''dy; sleep 1000\r").await?;
        page.until("ready").await?;
        for _ in 0..64 {
            // The session may end while this is still being sent.
            if page.type_keys(&"x".repeat(256 * 1024)).await.is_err() {
                break;
            }
        }
        let closed = page.until_closed().await?;
        assert_eq!((closed.code, closed.peer, closed.retry), (Code::InputOverflow, Peer::Browser, false));
    }
    eventually(async || Ok(sshd.connections().is_empty())).await
}

#[tokio::test]
async fn keys_typed_while_the_session_is_dialled_are_not_lost() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    for protocol in BOTH {
        let ticket = gateway.create(&password_order(&sshd)).await?;
        let mut page = Page::start(gateway.address(), protocol, &ticket).await?;
        page.type_keys("typed ahead").await?;
        page.until("typed ahead").await?;
    }
    Ok(())
}

/// A line for the shell that ends once its terminal has this size.
fn until_size(size: &str) -> String {
    format!("until [ \"$(stty size)\" = '{size}' ]; do sleep 0.02; done; echo '{size}' se''en\r")
}

#[tokio::test]
async fn the_size_follows_the_page_and_the_last_one_stands() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    for protocol in BOTH {
        let ticket = gateway.create(&key_order(&sshd)?).await?;
        let mut page = Page::open(gateway.address(), protocol, &ticket).await?;
        page.until("$ ").await?;
        // The terminal itself is asked: a trap for its signal may miss one that comes while it runs.
        page.resize(101, 31).await?;
        page.type_keys(&until_size("31 101")).await?;
        page.until("31 101 seen\r\n").await?;
        for step in 0..200 {
            page.resize(40 + step, 20).await?;
        }
        page.type_keys(&until_size("20 239")).await?;
        page.until("20 239 seen\r\n").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_burst_of_sizes_is_no_burst_of_requests() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let mut page = open_script(&sshd, &gateway, Protocol::Ours).await?;
    for step in 0..1000 {
        page.resize(40 + step % 200, 20).await?;
    }
    page.resize(77, 33).await?;
    let record = seen(&sshd, |record| record.window_changes.last() == Some(&(77, 33))).await?;
    assert!(record.window_changes.len() < 1000, "{}", record.window_changes.len());
    Ok(())
}
