//! Engine.IO sessions around the edges: polling, upgrades that fail, slow requests, too many.

use std::time::Duration;

use anyhow::Context as _;
use http::Method;
use serde_json::json;
use testkit::{GatewayOptions, Http, PATIENCE, TestGateway, demo_sshd::Script};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use wire::event;

use crate::setup::{Result, password_order, scripted};

/// Between the packets of one body.
const SEPARATOR: char = '\u{1e}';
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// A client that polls and never upgrades, of the original's protocol.
struct Poller {
    http: Http,
    path: String,
    /// Every packet but pings.
    heard: Vec<String>,
}

impl Poller {
    async fn open(gateway: &TestGateway) -> Result<Self> {
        let http = gateway.http();
        let opened = http.get(POLLING).await?.text();
        let sid = opened.split('"').nth(3).context("no session")?.to_owned();
        let mut poller = Self { http, path: format!("{POLLING}&sid={sid}"), heard: Vec::new() };
        poller.send(format!("40{},", event::NAMESPACE)).await?;
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

    async fn until(&mut self, words: &str) -> Result {
        let polling = async {
            while !self.heard.iter().any(|packet| packet.contains(words)) {
                let reply = self.http.get(&self.path).await?;
                anyhow::ensure!(reply.status == 200, "{}: {}", reply.status, reply.text());
                for packet in reply.text().split(SEPARATOR) {
                    match packet {
                        "2" => self.send("3".to_owned()).await?,
                        packet => self.heard.push(packet.to_owned()),
                    }
                }
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
