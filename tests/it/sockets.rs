//! Engine.IO sessions around the edges: polling, upgrades that fail, slow requests, too many.

use std::time::Duration;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::json;
use testkit::{
    Binary, BinaryOptions, CounterBase, Counters, GatewayOptions, Http, PATIENCE, Page, PageClient, Protocol,
    SocketClient, Sshd, TestGateway, demo_sshd::Script,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use wire::{Code, Peer, SocketError, event};

use crate::setup::{Result, eventually, mosaic, open_bash, password_order, scripted};

/// Between the packets of one body.
const SEPARATOR: char = '\u{1e}';
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// A client that polls and never upgrades.
struct Poller {
    http: Http,
    path: String,
    /// Every packet but pings.
    heard: Vec<String>,
}

impl Poller {
    /// Of the original's protocol.
    async fn open(gateway: &TestGateway) -> Result<Self> {
        Self::open_as(gateway, "").await
    }

    /// Of the protocol that this CONNECT payload asks for.
    async fn open_as(gateway: &TestGateway, auth: &str) -> Result<Self> {
        let http = gateway.http();
        let opened = http.get(POLLING).await?.text();
        let sid = opened.split('"').nth(3).context("no session")?.to_owned();
        let mut poller = Self { http, path: format!("{POLLING}&sid={sid}"), heard: Vec::new() };
        poller.send(format!("40{},{auth}", event::NAMESPACE)).await?;
        poller.until("40/ssh").await?;
        Ok(poller)
    }

    async fn send(&self, packet: String) -> Result {
        let reply = self.http.send(Method::POST, &self.path, packet).await?;
        anyhow::ensure!(reply.status == 200, "{}: {}", reply.status, reply.text());
        Ok(())
    }

    async fn emit(&self, name: &str, payload: serde_json::Value) -> Result {
        self.send(format!("42{},{}", event::NAMESPACE, json!([name, payload]))).await
    }

    async fn poll(&mut self) -> Result {
        let reply = self.http.get(&self.path).await?;
        anyhow::ensure!(reply.status == 200, "{}: {}", reply.status, reply.text());
        for packet in reply.text().split(SEPARATOR) {
            match packet {
                "2" => self.send("3".to_owned()).await?,
                packet => self.heard.push(packet.to_owned()),
            }
        }
        Ok(())
    }

    async fn until(&mut self, words: &str) -> Result {
        let polling = async {
            while !self.heard.iter().any(|packet| packet.contains(words)) {
                self.poll().await?;
            }
            Ok(())
        };
        timeout(PATIENCE, polling).await.with_context(|| format!("{words:?} was never heard"))?
    }
}

#[tokio::test]
async fn a_client_that_only_polls_gets_all_of_a_flood() -> Result {
    let (sshd, gateway) = (scripted(Script::Utf8(100_000)).await?, TestGateway::start().await?);
    let mut poller = Poller::open(&gateway).await?;
    let ticket = gateway.create(&password_order(&sshd)).await?;
    poller.emit(event::START_SESSION, json!({ "create_session_id": ticket })).await?;
    poller.until("The shell exited.").await?;
    let text: String = poller
        .heard
        .iter()
        .filter_map(|packet| packet.strip_prefix("42/ssh,"))
        .filter_map(|packet| serde_json::from_str::<serde_json::Value>(packet).ok())
        .filter(|event| event[0] == event::SSH_OUTPUT)
        .filter_map(|event| event[1]["output"].as_str().map(ToOwned::to_owned))
        .collect();
    assert!(text.starts_with(&testkit::demo_sshd::utf8_text(100_000)), "{} bytes", text.len());
    Ok(())
}

#[tokio::test]
async fn an_upgrade_that_a_proxy_swallowed_costs_the_session_nothing() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let mut poller = Poller::open(&gateway).await?;
    let ticket = gateway.create(&password_order(&sshd)).await?;
    poller.emit(event::START_SESSION, json!({ "create_session_id": ticket })).await?;
    poller.until(event::CONNECTION_READY).await?;
    let upgrade = poller.path.replace("polling", "websocket");
    // As a proxy passes it on that knows nothing of WebSockets, on a connection that it closes.
    for version in ["1.1", "1.0"] {
        let mut stream = TcpStream::connect(gateway.address()).await?;
        let head = format!("GET {upgrade} HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
        assert!(answer.contains(" 400 "), "{answer}");
    }
    poller.emit(event::SSH_INPUT, json!({ "input": "still here" })).await?;
    poller.until("still here").await
}

#[tokio::test]
async fn one_address_has_so_many_sockets_however_few_connections() -> Result {
    let mut options = GatewayOptions::default();
    options.web.limits = web::Limits { connections_per_address: 4, ..Default::default() };
    let gateway = TestGateway::with_options(options).await?;
    let http = gateway.http();
    for _ in 0..4 {
        assert_eq!(http.get(POLLING).await?.status, 200);
    }
    let reply = http.get(POLLING).await?;
    assert_eq!((reply.status, reply.json()?["code"].as_str()), (503, Some("too_many_sockets")));
    Ok(())
}

#[tokio::test]
async fn a_packet_that_does_not_come_ends_its_request() -> Result {
    let mut options = GatewayOptions::default();
    options.web.limits = web::Limits { read_timeout: Duration::from_millis(300), ..Default::default() };
    let gateway = TestGateway::with_options(options).await?;
    let poller = Poller::open(&gateway).await?;
    let mut stream = TcpStream::connect(gateway.address()).await?;
    let head = format!("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n4", poller.path);
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    Ok(())
}

/// Reads until the gateway refuses an event.
async fn refusal_of(page: &mut Page) -> Result<Code> {
    let refused: SocketError = serde_json::from_value(page.until_event(event::SESSION_ERROR).await?.payload)?;
    anyhow::ensure!(refused.peer == Peer::Browser && !refused.message.is_empty(), "{refused:?}");
    Ok(refused.code)
}

#[tokio::test]
async fn a_token_of_no_session_is_answered_and_a_payload_of_no_shape_is_refused() -> Result {
    let gateway = TestGateway::start().await?;
    let mut page = Page::connect(gateway.address(), Protocol::Ours).await?;
    let unknown = "A".repeat(43);
    for token in ["", "x", "\u{0}", &unknown, &"A".repeat(44), &"=".repeat(43), &"A".repeat(100_000)] {
        for payload in [json!({ "token": token }), json!({ "token": token, "have": u64::MAX / 4096 })] {
            page.socket.emit(event::RESUME_SESSION, payload).await?;
            let closed = page.until_closed().await?;
            assert_eq!(
                (closed.code, closed.peer, closed.retry),
                (Code::SessionUnknown, Peer::Browser, false)
            );
            assert!(!closed.message.is_empty());
        }
    }
    for payload in [
        json!({}),
        json!({ "token": 7 }),
        json!({ "token": unknown, "have": -1 }),
        json!({ "token": unknown, "have": "0" }),
        json!({ "token": unknown, "host": "h" }),
        json!(unknown),
        json!(null),
    ] {
        page.socket.emit(event::RESUME_SESSION, payload.clone()).await?;
        assert_eq!(refusal_of(&mut page).await?, Code::InvalidPayload, "{payload}");
    }
    // Late, and no fault.
    for name in [event::SESSION_ATTACHED_ACK, event::SESSION_CLOSED_ACK, event::STAY_CONNECTED] {
        page.socket.emit_bare(name).await?;
    }
    page.socket.emit(event::SSH_INPUT, json!({ "input": "x", "offset": 0 })).await?;
    assert_eq!(refusal_of(&mut page).await?, Code::NoSession);
    assert!(page.events.is_empty(), "{:?}", page.events);
    Ok(())
}

#[tokio::test]
async fn a_client_of_the_originals_protocol_cannot_come_back_and_counts_no_input() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = Page::open(gateway.address(), Protocol::Original, &ticket).await?;
    page.socket.emit(event::RESUME_SESSION, json!({ "token": "A".repeat(43) })).await?;
    assert_eq!(refusal_of(&mut page).await?, Code::InvalidPayload);
    for name in [event::SESSION_ATTACHED_ACK, event::SESSION_CLOSED_ACK, event::STAY_CONNECTED] {
        page.socket.emit_bare(name).await?;
        assert_eq!(refusal_of(&mut page).await?, Code::InvalidPayload, "{name}");
    }
    // For such a client an offset is a field with another name.
    for offset in [0, 0, 1000] {
        page.socket.emit(event::SSH_INPUT, json!({ "input": "abc", "offset": offset })).await?;
    }
    page.until("abcabcabc").await?;
    assert!(page.events.is_empty(), "{:?}", page.events);
    page.socket.cut();
    eventually(async || {
        let counts = gateway.registry().counts();
        Ok(counts.attached == 0 && counts.detached == 0)
    })
    .await
}

#[tokio::test]
async fn a_socket_has_one_session_and_may_take_back_what_was_taken_from_it() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut first = Page::open(gateway.address(), Protocol::Ours, &ticket).await?;
    let token = first.until_event(event::SESSION_ATTACHED).await?.payload["token"].clone();
    first.socket.emit(event::RESUME_SESSION, json!({ "token": token, "have": 0 })).await?;
    assert_eq!(refusal_of(&mut first).await?, Code::SessionAlreadyStarted);
    first.type_keys("one").await?;
    first.until("one").await?;

    let mut second = Page::connect(gateway.address(), Protocol::Ours).await?;
    second.socket.emit(event::RESUME_SESSION, json!({ "token": token, "have": 0 })).await?;
    let attached = second.until_event(event::SESSION_ATTACHED).await?.payload;
    assert_eq!((&attached["offset"], &attached["input_offset"]), (&json!(0), &json!(3)));
    assert!(attached.get("screen").is_none(), "{attached}");
    second.until("one").await?;

    let taken = first.until_event(event::SESSION_TAKEN_OVER).await?.payload["token"].clone();
    first.type_keys("lost").await?;
    assert_eq!(refusal_of(&mut first).await?, Code::NoSession);
    first.socket.emit(event::RESUME_SESSION, json!({ "token": taken, "have": 3 })).await?;
    let attached = first.until_event(event::SESSION_ATTACHED).await?.payload;
    assert_eq!((&attached["offset"], &attached["input_offset"]), (&json!(3), &json!(3)));
    second.until_event(event::SESSION_TAKEN_OVER).await?;
    first.socket.emit(event::SSH_INPUT, json!({ "input": "one, two", "offset": 0 })).await?;
    first.until("one, two").await?;
    first.socket.emit(event::SSH_INPUT, json!({ "input": "gap", "offset": 100 })).await?;
    assert_eq!(refusal_of(&mut first).await?, Code::InputGap);
    first.type_keys("\u{4}").await?;
    let closed = first.until_closed().await?;
    assert_eq!((closed.code, closed.exit_status), (Code::Exited, Some(0)));
    Ok(())
}

/// What a screen of 499 rows and 300 columns takes at least in which each cell has its own colour, in bytes.
const LARGE: usize = 1_500_000;

#[tokio::test]
async fn a_large_screen_comes_whole_over_either_transport() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let program = mosaic(sshd.dir(), 499, 300)?;
    let mut page = open_bash(&sshd, &gateway, Protocol::Ours).await?;
    page.resize(300, 500).await?;
    page.type_keys(&program).await?;
    page.until("mosaic-42\r\n").await?;
    let token = page.until_event(event::SESSION_ATTACHED).await?.payload["token"].clone();
    let printed = page.output().len();

    let token = token.as_str().context("no token")?;
    let mut newer = PageClient::resume(gateway.address(), token).await?;
    let screen = newer.screen().context("no screen")?;
    assert_eq!((screen.cols, screen.rows), (300, 500));
    assert!(screen.offset >= printed as u64, "{}", screen.offset);
    assert!(screen.bytes.len() >= LARGE, "{} bytes", screen.bytes.len());
    assert!(screen.bytes.windows(9).any(|window| window == b"mosaic-42"));
    newer.type_keys("echo $((50+5))\r").await?;
    newer.until("55\r\n").await?;
    let token = newer.token()?;

    let mut poller = Poller::open_as(&gateway, &json!({ "protocol": wire::PROTOCOL }).to_string()).await?;
    poller.emit(event::RESUME_SESSION, json!({ "token": token })).await?;
    poller.until(event::SESSION_ATTACHED).await?;
    assert!(screen_by_polling(&mut poller).await? >= LARGE);
    let typed = sshd.dir().join("typed");
    let keys = format!("touch {}\r", typed.display());
    poller.emit(event::SSH_INPUT, json!({ "input": keys })).await?;
    eventually(async || Ok(typed.exists())).await?;
    poller.send(format!(r#"42{},["{}"]"#, event::NAMESPACE, event::TIMEOUT)).await?;
    poller.until("timed_out").await
}

/// Takes the screen that was just announced, piece by piece; returns how long it was.
async fn screen_by_polling(poller: &mut Poller) -> Result<usize> {
    let announced = poller.heard.iter().find(|packet| packet.contains(event::SESSION_ATTACHED));
    let (_, length) = announced.and_then(|packet| packet.split_once(r#""length":"#)).context("no screen")?;
    let length: usize = length.trim_end_matches(['}', ']']).parse()?;
    let mut received = 0;
    let mut at = 0;
    while received < length {
        let Some(packet) = poller.heard.get(at) else {
            poller.poll().await?;
            continue;
        };
        at += 1;
        // Attachments are packets of their own, behind their events.
        if let Some(piece) = packet.strip_prefix('b') {
            received += STANDARD.decode(piece)?.len();
            poller.emit(event::SESSION_SCREEN_ACK, json!({ "offset": received })).await?;
        }
    }
    Ok(received)
}

/// How long a browser may be dead unnoticed.
const DEAD_BROWSER: Duration = Duration::from_secs(25);

#[tokio::test]
async fn a_browser_that_neither_reads_nor_writes_is_noticed_in_time() -> Result {
    let (flood, quiet) = (scripted(Script::Flood).await?, scripted(Script::Echo).await?);
    let binary = Binary::start(BinaryOptions::default()).await?;
    let mut dead = Vec::new();
    for sshd in [&flood, &quiet] {
        let ticket = binary.create(&password_order(sshd)).await?;
        let page = Page::open(binary.address()?, Protocol::Ours, &ticket).await?;
        dead.push(page);
    }
    // One more whose window is closed: its writer waits for it, and with it whatever comes after.
    let mut stuck = SocketClient::with_receive_buffer(binary.address()?, 4096).await?;
    let ticket = binary.create(&password_order(&flood)).await?;
    stuck.emit(event::START_SESSION, json!({ "create_session_id": ticket })).await?;
    let sessions = CounterBase::of(&binary).await?;
    let has = |attached, detached| {
        let sessions = &sessions;
        async move {
            let is =
                |now: &Counters| now.sessions("attached") == attached && now.sessions("detached") == detached;
            sessions.until(is).await
        }
    };
    has(3, 0).await?;
    // From here on none of them is ever read from or written to.
    timeout(DEAD_BROWSER, has(0, 2)).await.context("a dead browser was not noticed")??;
    assert_eq!(sessions.now().await?.sessions("dialing"), 0);
    drop((dead, stuck));
    Ok(())
}

/// A page asks whether the gateway is still there, with a session or without.
#[tokio::test]
async fn a_sign_of_life_is_given_at_once() -> Result {
    let gateway = TestGateway::start().await?;
    let mut page = Poller::open_as(&gateway, r#"{"protocol":1}"#).await?;
    for number in [7, 8] {
        page.send(format!(r#"42{},{number}["{}"]"#, event::NAMESPACE, event::SESSION_PING)).await?;
        page.until(&format!("43{},{number}[", event::NAMESPACE)).await?;
    }
    Ok(())
}
