//! A ticket is good for one session, whatever happens and whoever is quick.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use testkit::{
    GatewayOptions, Incoming, Page, Protocol, SocketClient, Sshd, SshdConfig, TestGateway,
    demo_sshd::{DemoSshd, Quirk, Script},
};
use tokio::sync::Barrier;
use wire::{Code, Peer, event};

use crate::setup::{Result, eventually, faulty, key_order, password_order, scripted, seen, sessions};

#[tokio::test]
async fn a_failed_dial_leaves_the_ticket_usable_three_times_on_any_socket() -> Result {
    let (sshd, gateway) = (faulty(Quirk::ShellRefused).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = Page::connect(gateway.address(), Protocol::Ours).await?;
    for tries_left in [2, 1] {
        page.start_session(&ticket).await?;
        let closed = page.until_closed().await?;
        assert_eq!((closed.code, closed.retry), (Code::ShellRefused, true), "{tries_left}");
        assert_eq!(gateway.http().get(&format!("/{ticket}")).await?.status, 200);
    }
    let mut other = Page::start(gateway.address(), Protocol::Original, &ticket).await?;
    let closed = other.until_closed().await?;
    assert_eq!((closed.code, closed.retry), (Code::ShellRefused, false), "the third and last try");
    page.start_session(&ticket).await?;
    assert_eq!(page.until_closed().await?.code, Code::TicketUnknown);
    assert_eq!(sshd.record().borrow().connections, 3);
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_can_be_tried_three_times_and_no_more() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let mut order = password_order(&sshd);
    order["password"] = json!("wrong");
    let ticket = gateway.create(&order).await?;
    let mut page = Page::connect(gateway.address(), Protocol::Ours).await?;
    for code in [Code::AuthFailed, Code::AuthFailed, Code::AuthFailed, Code::TicketUnknown] {
        page.start_session(&ticket).await?;
        let closed = page.until_closed().await?;
        assert_eq!((closed.code, closed.retry), (code, false));
    }
    let tried = sshd.record().borrow().logins.iter().filter(|login| login.method == "password").count();
    assert_eq!(tried, 3);
    Ok(())
}

#[tokio::test]
async fn a_ticket_whose_first_dial_failed_opens_when_the_server_is_back() -> Result {
    let gateway = TestGateway::start().await?;
    let sshd = Sshd::start().await?;
    let port = sshd.port();
    let mut order = key_order(&sshd)?;
    drop(sshd);
    let key_owner = Sshd::start().await?;
    order["ssh_key"] = json!(key_owner.client_key()?);
    let ticket = gateway.create(&order).await?;
    let mut page = Page::start(gateway.address(), Protocol::Ours, &ticket).await?;
    let closed = page.until_closed().await?;
    assert_eq!((closed.code, closed.retry), (Code::ConnectRefused, true));

    let config = SshdConfig {
        port: Some(port),
        extra: vec![format!("AuthorizedKeysFile {}", key_owner.dir().join("authorized_keys").display())],
        ..Default::default()
    };
    let _back = Sshd::with_config(config).await?;
    page.start_session(&ticket).await?;
    page.until_event(event::CONNECTION_READY).await?;
    Ok(())
}

#[tokio::test]
async fn a_started_session_burns_its_ticket() -> Result {
    let (sshd, gateway) = (scripted(Script::Exit(0)).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = Page::open(gateway.address(), Protocol::Ours, &ticket).await?;
    assert!(!page.until_closed().await?.retry);
    page.start_session(&ticket).await?;
    let closed = page.until_closed().await?;
    assert_eq!((closed.code, closed.peer, closed.retry), (Code::TicketUnknown, Peer::Browser, false));
    assert_eq!(closed.message, "This link was used already or has expired.");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_sockets_with_one_ticket_exactly_one_wins_a_thousand_times() -> Result {
    let sshd = Arc::new(scripted(Script::Echo).await?);
    let gateway = Arc::new(TestGateway::start().await?);
    let lanes = (0..4).map(|_| tokio::spawn(race(Arc::clone(&sshd), Arc::clone(&gateway), 250)));
    let mut wins = [0, 0];
    for lane in lanes.collect::<Vec<_>>() {
        let [left, right] = lane.await??;
        wins = [wins[0] + left, wins[1] + right];
    }
    let logins = sshd.record().borrow().logins.iter().filter(|login| login.accepted).count();
    assert_eq!((logins, wins[0] + wins[1]), (1000, 1000));
    // Left and right both win now and then, or the two never raced.
    assert!(wins.iter().all(|count| *count > 0), "{wins:?}");
    Ok(())
}

/// Two sockets start one ticket, again and again; how often each of them won.
async fn race(sshd: Arc<DemoSshd>, gateway: Arc<TestGateway>, rounds: usize) -> Result<[usize; 2]> {
    let order = password_order(&sshd);
    let mut left = SocketClient::ours(gateway.address()).await?;
    let mut right = SocketClient::ours(gateway.address()).await?;
    let mut wins = [0, 0];
    for _ in 0..rounds {
        let ticket = gateway.create(&order).await?;
        let starting_line = Arc::new(Barrier::new(2));
        let runners = (
            tokio::spawn(outcome(left, ticket.clone(), Arc::clone(&starting_line))),
            tokio::spawn(outcome(right, ticket, starting_line)),
        );
        let (left_won, right_won);
        (left_won, left) = runners.0.await??;
        (right_won, right) = runners.1.await??;
        match (left_won, right_won) {
            (true, false) => wins[0] += 1,
            (false, true) => wins[1] += 1,
            both => anyhow::bail!("one ticket, and this came of it: {both:?}"),
        }
        end(if left_won { &mut left } else { &mut right }).await?;
    }
    Ok(wins)
}

/// Whether this socket got the session; the other one is told that the ticket is unknown.
async fn outcome(
    mut socket: SocketClient,
    ticket: String,
    starting_line: Arc<Barrier>,
) -> Result<(bool, SocketClient)> {
    starting_line.wait().await;
    socket.emit(event::START_SESSION, json!({ "create_session_id": ticket })).await?;
    loop {
        let Incoming::Event(event) = socket.next().await? else { anyhow::bail!("closed") };
        match event.name.as_str() {
            event::CONNECTION_READY => return Ok((true, socket)),
            event::SESSION_CLOSED if event.payload["code"] == json!(Code::TicketUnknown) => {
                return Ok((false, socket));
            }
            event::SESSION_CLOSED => anyhow::bail!("{}", event.payload),
            _ => {}
        }
    }
}

/// Ends the session by Ctrl-D, and waits until the socket may start another.
async fn end(socket: &mut SocketClient) -> Result {
    socket.emit(event::SSH_INPUT, json!({ "input": "\x04" })).await?;
    loop {
        match socket.next().await? {
            Incoming::Event(event) if event.name == event::SESSION_CLOSED => return Ok(()),
            Incoming::Event(_) => {}
            other => anyhow::bail!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_ticket_ends_with_its_time() -> Result {
    let sessions = engine::Options { ticket_ttl: Duration::from_secs(1), ..Default::default() };
    let options = GatewayOptions { sessions, ..Default::default() };
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::with_options(options).await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    assert_eq!(gateway.http().get(&format!("/{ticket}")).await?.status, 200);
    eventually(async || Ok(gateway.http().get(&format!("/{ticket}")).await?.status == 404)).await?;
    let mut page = Page::start(gateway.address(), Protocol::Ours, &ticket).await?;
    assert_eq!(page.until_closed().await?.code, Code::TicketUnknown);
    assert_eq!(sshd.record().borrow().connections, 0);
    Ok(())
}

#[tokio::test]
async fn a_session_outlives_the_time_of_its_ticket() -> Result {
    let sessions = engine::Options { ticket_ttl: Duration::from_secs(1), ..Default::default() };
    let options = GatewayOptions { sessions, ..Default::default() };
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::with_options(options).await?);
    let marker = gateway.create(&password_order(&sshd)).await?;
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = Page::open(gateway.address(), Protocol::Ours, &ticket).await?;
    eventually(async || Ok(gateway.http().get(&format!("/{marker}")).await?.status == 404)).await?;
    page.type_keys("still here").await?;
    page.until("still here").await?;
    Ok(())
}

#[tokio::test]
async fn a_browser_that_leaves_while_its_session_is_dialled_leaves_nothing() -> Result {
    let (sshd, gateway) = (faulty(Quirk::LoginUnanswered).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let page = Page::start(gateway.address(), Protocol::Ours, &ticket).await?;
    seen(&sshd, |record| record.logins.iter().any(|login| login.method == "password")).await?;
    page.socket.cut();
    eventually(async || Ok(sessions(&gateway) == 0)).await?;
    Ok(())
}
