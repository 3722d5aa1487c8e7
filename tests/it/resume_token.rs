//! The right to come back: it changes at every attach, is of one session, and stands nowhere.

use rustix::process::Signal;
use serde_json::json;
use testkit::{Binary, BinaryOptions, Incoming, PageClient, SocketClient, Sshd, demo_sshd::Script};
use wire::{Code, Peer, event};

use crate::{
    memory::holds_none_of,
    resume_setup::Gateway,
    setup::{Result, eventually, key_order, password_order, scripted},
};

/// A token as it is made: base64url of 32 bytes.
fn is_token(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[tokio::test]
async fn every_attach_gives_a_new_token_and_voids_the_ones_before_once_it_is_kept() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let mut page = gateway.open_script(&sshd).await?;
    let mut tokens = vec![page.token()?];
    for round in 0..5 {
        let token = page.token()?;
        let mut newer = gateway.resume(&token).await?;
        newer.round_trip().await?;
        tokens.push(newer.token()?);
        // It said that it keeps the new one: what was good for it is not any more.
        for old in &tokens[..=round] {
            gateway.forgets(old).await?;
        }
        newer.type_keys(format!("still here {round} ")).await?;
        newer.until(&format!("still here {round} ")).await?;
        page = newer;
    }
    assert!(tokens.iter().all(|token| is_token(token)), "{tokens:?}");
    assert!((1..tokens.len()).all(|index| !tokens[..index].contains(&tokens[index])), "{tokens:?}");
    gateway.ends(page).await
}

#[tokio::test]
async fn a_token_is_good_until_the_next_one_is_kept() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let page = gateway.open_script(&sshd).await?;
    let kept = page.token()?;
    drop(page);
    // Three sockets in a row break before they say that they keep what they got.
    let mut unkept = Vec::new();
    for _ in 0..3 {
        let mut page = PageClient::for_token(gateway.address()?, &kept);
        page.acknowledges_tokens = false;
        page.until_attached().await?;
        unkept.push(page.token()?);
    }
    // The last of them is good as well.
    let last = unkept.pop().unwrap();
    let mut page = gateway.resume(&last).await?;
    page.round_trip().await?;
    for void in [&unkept[0], &unkept[1], &kept, &last] {
        gateway.forgets(void).await?;
    }
    page.type_keys("x").await?;
    page.until("x").await?;
    gateway.ends(page).await
}

#[tokio::test]
async fn what_is_no_token_is_answered_alike_and_touches_nobody() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let mut page = gateway.open_script(&sshd).await?;
    let token = page.token()?;
    let mut changed = token.clone().into_bytes();
    changed[20] ^= 1;
    for wrong in [
        String::new(),
        "x".to_owned(),
        "A".repeat(43),
        String::from_utf8(changed)?,
        token[..42].to_owned(),
        format!("{token}="),
        format!(" {token}"),
        "\u{0}é🚀".to_owned(),
        "A".repeat(100_000),
    ] {
        let closed = gateway.refused(&wrong).await?;
        assert_eq!((closed.code, closed.peer, closed.retry), (Code::SessionUnknown, Peer::Browser, false));
        assert!(closed.message.len() > 10 && closed.duration_s.is_none(), "{closed:?}");
    }
    let mut socket = SocketClient::ours(gateway.address()?).await?;
    for payload in [
        json!({}),
        json!({ "token": 7 }),
        json!({ "token": token, "have": -1 }),
        json!({ "token": token, "have": "0" }),
        json!({ "token": token, "cols": 80 }),
        json!(token),
    ] {
        socket.emit(event::RESUME_SESSION, payload.clone()).await?;
        let Incoming::Event(error) = socket.next().await? else { anyhow::bail!("no answer to {payload}") };
        assert_eq!(error.payload["code"], json!(Code::InvalidPayload), "{payload}");
    }
    // It never lost its session, and nobody else got it.
    page.type_keys("x").await?;
    page.until("x").await?;
    assert_eq!((page.attaches(), page.token()?), (1, token));
    drop(socket);
    gateway.ends(page).await
}

/// A client of the original's protocol has no token, and cannot come with one.
#[tokio::test]
async fn the_originals_protocol_has_no_way_back() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let mut page = gateway.open_script(&sshd).await?;
    let token = page.token()?;
    let mut original = SocketClient::original(gateway.address()?).await?;
    original.emit(event::RESUME_SESSION, json!({ "token": token })).await?;
    let Incoming::Event(answer) = original.next().await? else { anyhow::bail!("no answer") };
    assert!(
        [event::SESSION_ERROR, event::SESSION_CLOSED].contains(&answer.name.as_str()),
        "{}",
        answer.frame
    );
    page.type_keys("x").await?;
    page.until("x").await?;
    assert_eq!(page.attaches(), 1);
    drop(original);
    gateway.ends(page).await
}

/// A session that has a page already is no place to come back to.
#[tokio::test]
async fn a_socket_that_has_a_session_keeps_it() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let (mut one, mut two) = (gateway.open_script(&sshd).await?, gateway.open_script(&sshd).await?);
    let token = two.token()?;
    one.socket()?.emit(event::RESUME_SESSION, json!({ "token": token })).await?;
    let error = one.until_event(event::SESSION_ERROR).await?.payload;
    assert_eq!(error["code"], json!(Code::SessionAlreadyStarted));
    for (page, word) in [(&mut one, "one"), (&mut two, "two")] {
        page.type_keys(word).await?;
        page.until(word).await?;
        assert_eq!((page.text().as_str(), page.attaches()), (word, 1));
        page.type_keys("\x04").await?;
        page.until_closed().await?;
    }
    drop((one, two));
    gateway.base.is_back().await
}

#[tokio::test]
async fn a_token_is_in_no_log_and_opens_no_page() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let arguments = ["--debug", "--log-filter", "trace"].map(str::to_owned).to_vec();
    let environment = vec![("RUST_LOG".to_owned(), "trace".to_owned())];
    let mut binary = Binary::start(BinaryOptions { arguments, environment }).await?;
    let address = binary.address()?;
    let mut page = PageClient::open(address, &binary.create(&password_order(&sshd)).await?).await?;
    let mut tokens = vec![page.token()?];
    for round in 0..3 {
        let mut newer = PageClient::resume(address, &page.token()?).await?;
        page.until_event(event::SESSION_TAKEN_OVER).await?;
        tokens.extend([newer.token()?, page.token()?]);
        newer.type_keys(format!("keystroke-{round}-4417")).await?;
        newer.until("4417").await?;
        page = newer;
    }
    let unknown = "A-token-that-was-never-made-and-is-no-secret".to_owned();
    PageClient::for_token(address, &unknown).until_closed().await?;
    for token in [&tokens[0], &page.token()?] {
        let reply = binary.http()?.get(&format!("/{token}")).await?;
        assert_eq!(reply.status, 404);
        let reply = binary.http()?.get(&format!("/?connection={token}")).await?;
        assert_eq!(reply.status, 404);
    }
    binary.signal(Signal::TERM)?;
    page.type_keys("\x04").await?;
    page.until_closed().await?;
    assert_eq!(binary.ended().await?.code(), Some(0));
    let log = format!("{}{}", binary.stdout(), binary.stderr());
    assert!(log.contains("session ended"), "logs nothing at all: {log}");
    tokens.extend([page.token()?, unknown]);
    // Not even half of it.
    let halves = tokens.iter().map(|token| &token[..token.len() / 2]);
    for secret in halves.chain(["keystroke", "4417"]) {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
    Ok(())
}

#[tokio::test]
async fn a_token_cannot_be_read_in_the_process() -> Result {
    if !rustix::process::geteuid().is_root() {
        // Nobody else may read the memory, which is the point.
        return Ok(());
    }
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let mut page = PageClient::open(gateway.address()?, &gateway.create(&key_order(&sshd)?).await?).await?;
    let mut tokens = vec![page.token()?];
    page.until("$ ").await?;
    for _ in 0..3 {
        page = gateway.resume(&page.token()?).await?;
        tokens.push(page.token()?);
        page.type_keys("echo $((40+2))\r").await?;
        page.until("42").await?;
    }
    // What this socket came with is void, and may stand where its messages are read. What counts does not.
    holds_none_of(&gateway.binary, &tokens[tokens.len() - 1..]).await?;
    drop(page);
    gateway.until_detached(1).await?;
    holds_none_of(&gateway.binary, &tokens).await?;
    // It is still the right to come back.
    gateway.resume(tokens.last().unwrap()).await?;
    eventually(async || Ok(sshd.connections().len() == 1)).await
}
