//! How many sessions there may be: in all, of one address, of one API token; each below and above.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::json;
use testkit::{
    Incoming, PageClient, Reply, SocketClient,
    demo_sshd::{DemoSshd, Script},
};
use wire::{Closed, Code, Peer, event};

use crate::{
    resume_setup::Gateway,
    setup::{Result, eventually, password_order, scripted},
};

async fn post(gateway: &Gateway, sshd: &DemoSshd) -> Result<Reply> {
    gateway.http.post_json("/create-session", &password_order(sshd)).await
}

fn assert_refused(reply: &Reply, status: u16) {
    let body = reply.json().unwrap();
    assert_eq!((reply.status, &body["code"]), (status, &json!(Code::TooManySessions)), "{body}");
    assert_eq!(body["success"], json!(false));
    assert!(reply.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{reply:?}");
}

fn assert_told(closed: &Closed) {
    assert_eq!((closed.code, closed.peer, closed.retry), (Code::TooManySessions, Peer::Browser, true));
}

/// Ends a session, from which on there is room.
async fn end(mut page: PageClient) -> Result {
    page.type_keys("\x04").await?;
    page.until_closed().await.map(drop)
}

/// Starts this ticket until there is room for it.
async fn open_at_last(gateway: &Gateway, ticket: &str) -> Result<PageClient> {
    let mut opened = None;
    eventually(async || {
        let mut page = PageClient::for_ticket(gateway.address()?, ticket);
        page.until_that("an answer", |page| {
            let names = [event::CONNECTION_READY, event::SESSION_CLOSED];
            page.events.iter().any(|event| names.contains(&event.name.as_str()))
        })
        .await?;
        let is_open = page.is_attached();
        opened = is_open.then_some(page);
        Ok(is_open)
    })
    .await?;
    Ok(opened.unwrap())
}

#[tokio::test]
async fn one_session_too_many_is_refused_until_another_ends() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let gateway = Gateway::start(&["--max-sessions", "2"]).await?;
    let early = gateway.create(&password_order(&sshd)).await?;
    let one = gateway.open_script(&sshd).await?;
    let mut two = gateway.open_script(&sshd).await?;
    for _ in 0..2 {
        assert_refused(&post(&gateway, &sshd).await?, 503);
        assert_told(&PageClient::for_ticket(gateway.address()?, &early).until_closed().await?);
    }
    // One that nobody looks at counts like any other.
    two.returns = false;
    two.cut();
    gateway.base.until(|now| now.sessions("detached") == 1).await?;
    assert_refused(&post(&gateway, &sshd).await?, 503);
    assert_told(&PageClient::for_ticket(gateway.address()?, &early).until_closed().await?);
    // Who is in stays in, also by coming back.
    two.returns = true;
    two.type_keys("x").await?;
    two.until("x").await?;
    end(one).await?;
    let three = open_at_last(&gateway, &early).await?;
    assert_refused(&post(&gateway, &sshd).await?, 503);
    end(two).await?;
    end(three).await?;
    eventually(async || Ok(post(&gateway, &sshd).await?.status == 200)).await
}

#[tokio::test]
async fn a_shell_that_did_not_open_takes_no_place() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let gateway = Gateway::start(&["--max-sessions", "1"]).await?;
    let mut wrong = password_order(&sshd);
    wrong["password"] = json!("wrong");
    for _ in 0..3 {
        let ticket = gateway.create(&wrong).await?;
        let closed = PageClient::for_ticket(gateway.address()?, &ticket).until_closed().await?;
        assert_eq!(closed.code, Code::AuthFailed);
        gateway.base.until(|now| now.sessions("dialing") == 0).await?;
    }
    end(gateway.open_script(&sshd).await?).await?;
    gateway.base.until(|now| now.sessions("attached") == 0).await
}

/// Starts a ticket from this address; whether it was let in.
async fn start_from(
    source: Ipv4Addr,
    gateway: &Gateway,
    ticket: &str,
) -> Result<(SocketClient, Option<Closed>)> {
    let mut socket = SocketClient::ours_from(IpAddr::V4(source), gateway.address()?).await?;
    socket.emit(event::START_SESSION, json!({ "create_session_id": ticket })).await?;
    loop {
        let Incoming::Event(event) = socket.next().await? else { anyhow::bail!("the socket ended") };
        match event.name.as_str() {
            event::SESSION_ATTACHED => socket.emit_bare(event::SESSION_ATTACHED_ACK).await?,
            event::CONNECTION_READY => return Ok((socket, None)),
            event::SESSION_CLOSED => return Ok((socket, Some(serde_json::from_value(event.payload)?))),
            _ => {}
        }
    }
}

#[tokio::test]
async fn one_address_has_so_many_sessions_and_others_have_theirs() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let gateway = Gateway::start(&["--max-sessions-per-address", "2"]).await?;
    let (here, there) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2));
    let mut open = Vec::new();
    for (source, is_let_in) in
        [(here, true), (here, true), (here, false), (there, true), (there, true), (there, false)]
    {
        // Whoever orders is somebody else, and is not counted.
        let ticket = gateway.create(&password_order(&sshd)).await?;
        let (socket, closed) = start_from(source, &gateway, &ticket).await?;
        assert_eq!(closed.is_none(), is_let_in, "{source}: {closed:?}");
        match closed {
            None => open.push(socket),
            Some(closed) => assert_told(&closed),
        }
    }
    let ticket = gateway.create(&password_order(&sshd)).await?;
    // Without a word they are detached, and still have their places.
    open.drain(..).for_each(SocketClient::cut);
    gateway.until_detached(4).await?;
    assert!(start_from(here, &gateway, &ticket).await?.1.is_some());
    Ok(())
}

#[tokio::test]
async fn one_api_token_has_so_many_sessions_and_others_have_theirs() -> Result {
    const TOKENS: [&str; 2] = ["first-token-0123456789", "second-token-0123456789"];
    let sshd = scripted(Script::Echo).await?;
    let (first, second) = (format!("first={}", TOKENS[0]), format!("second={}", TOKENS[1]));
    let arguments = ["--max-sessions-per-token", "1", "--api-token", &first, "--api-token", &second];
    let gateway = Gateway::with_token(&arguments, Some(TOKENS[0])).await?;
    let early = gateway.create(&password_order(&sshd)).await?;
    let one = gateway.open_script(&sshd).await?;
    assert_refused(&post(&gateway, &sshd).await?, 429);
    assert_told(&PageClient::for_ticket(gateway.address()?, &early).until_closed().await?);
    let other = gateway.binary.http()?.with_header("authorization", &format!("Bearer {}", TOKENS[1]));
    let reply = other.post_json("/create-session", &password_order(&sshd)).await?.json()?;
    let ticket = reply["create_session_id"].as_str().unwrap_or_else(|| panic!("{reply}"));
    let two = PageClient::open(gateway.address()?, ticket).await?;
    assert_refused(&other.post_json("/create-session", &password_order(&sshd)).await?, 429);
    end(one).await?;
    end(open_at_last(&gateway, &early).await?).await?;
    end(two).await?;
    drop(other);
    gateway.base.is_back().await
}

#[tokio::test]
async fn no_limit_of_a_token_is_none() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let arguments = ["--max-sessions-per-token", "0", "--api-token", "only=the-only-token-0123456789"];
    let gateway = Gateway::with_token(&arguments, Some("the-only-token-0123456789")).await?;
    let mut pages = Vec::new();
    for _ in 0..10 {
        pages.push(gateway.open_script(&sshd).await?);
    }
    assert_eq!(gateway.base.now().await?.sessions("attached"), 10);
    for page in pages {
        end(page).await?;
    }
    gateway.base.is_back().await
}
