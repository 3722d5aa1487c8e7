//! Which targets the binary connects to: what is denied is not dialled, and the answer tells nothing of
//! it.

use std::{io::ErrorKind, net::TcpListener};

use serde_json::{Value, json};
use testkit::{Binary, BinaryOptions, Page, Protocol, demo_sshd::Script};
use wire::{Closed, Code, Peer};

use crate::{
    api::{PATHS, refusal},
    setup::{BOTH, Result, password_order, scripted},
};

/// A gateway that reaches only what these arguments say.
async fn gateway(arguments: &[&str]) -> Result<Binary> {
    Binary::start(BinaryOptions {
        arguments: ["--host-key-policy", "accept-new"]
            .iter()
            .chain(arguments)
            .map(|argument| (*argument).to_owned())
            .collect(),
        environment: vec![("ALFRESCO_SSH_ALLOW_PRIVATE".to_owned(), "false".to_owned())],
    })
    .await
}

/// A port on this machine that notices whoever connects.
struct Trap(TcpListener);

impl Trap {
    fn set() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    fn port(&self) -> Result<u16> {
        Ok(self.0.local_addr()?.port())
    }

    /// Whether somebody has connected since the last question: the kernel has taken them in before they
    /// know it.
    fn was_touched(&self) -> Result<bool> {
        match self.0.accept() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn order(host: &str, port: u16) -> Value {
    json!({ "hostname": host, "port": port, "username": "u", "password": "p" })
}

/// How a session ends that a link was given for.
async fn closed(gateway: &Binary, protocol: Protocol, order: &Value) -> Result<Closed> {
    let ticket = gateway.create(order).await?;
    Page::start(gateway.address()?, protocol, &ticket).await?.until_closed().await
}

#[tokio::test]
async fn an_address_that_is_denied_gets_no_link_in_any_spelling() -> Result {
    let (gateway, trap) = (gateway(&[]).await?, Trap::set()?);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "１２７.0.0.1",
        "::1",
        "[::1]",
        "::ffff:127.0.0.1",
        "[::ffff:7f00:1]",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "2002:7f00:1::",
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "0",
        "255.255.255.255",
        "fe80::1",
    ] {
        for path in PATHS {
            let reply = gateway.http()?.post_json(path, &order(host, trap.port()?)).await?;
            let (status, sentence, code) = refusal(&reply)?;
            assert_eq!((status, code.as_str()), (403, "target_denied"), "{host}: {sentence}");
            assert!(sentence.starts_with("This gateway may not connect to "), "{sentence}");
        }
    }
    assert!(!trap.was_touched()?);
    gateway.logged("target denied").await?;
    Ok(())
}

#[tokio::test]
async fn a_name_that_leads_to_a_denied_address_leads_nowhere_and_tells_nothing() -> Result {
    let (gateway, trap) = (gateway(&[]).await?, Trap::set()?);
    let open = trap.port()?;
    let shut = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    for protocol in BOTH {
        for port in [open, shut] {
            let closed = closed(&gateway, protocol, &order("localhost", port)).await?;
            let message = format!("This gateway may not connect to localhost:{port}.");
            assert_eq!(closed.message, message);
            assert_eq!((closed.code, closed.peer, closed.retry), (Code::TargetDenied, Peer::Gateway, false));
        }
    }
    assert!(!trap.was_touched()?);
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_denied_gets_no_link() -> Result {
    let gateway =
        gateway(&["--allow-private", "--deny-target", "*.internal,localhost:1-1023", "--allow-target", "*"])
            .await?;
    for (host, port) in [
        ("db.internal", 22),
        ("DB.Internal.", 22),
        ("ＤＢ.internal", 22),
        ("localhost", 22),
        ("LOCALHOST", 80),
    ] {
        let reply = gateway.http()?.post_json(PATHS[0], &order(host, port)).await?;
        let (status, _, code) = refusal(&reply)?;
        assert_eq!((status, code.as_str()), (403, "target_denied"), "{host}:{port}");
    }
    for (host, port) in [("db.internal.example", 22), ("localhost", 2222)] {
        gateway.create(&order(host, port)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_allowed_is_reached_and_nothing_beside_it() -> Result {
    let (sshd, trap) = (scripted(Script::Echo).await?, Trap::set()?);
    let allowed = format!("127.0.0.1:{}", sshd.port());
    for arguments in [
        &["--allow-target", allowed.as_str()][..],
        &["--allow-private", "--allow-target", allowed.as_str()],
        &["--allow-private", "--deny-target", &format!("127.0.0.0/8:{}", trap.port()?)],
    ] {
        let gateway = gateway(arguments).await?;
        for host in ["127.0.0.1", "localhost", "::ffff:127.0.0.1"] {
            let mut order = password_order(&sshd);
            order["hostname"] = json!(host);
            let ticket = gateway.create(&order).await?;
            Page::open(gateway.address()?, Protocol::Ours, &ticket).await?;
        }
        let reply = gateway.http()?.post_json(PATHS[0], &order("127.0.0.1", trap.port()?)).await?;
        assert_eq!(refusal(&reply)?.2, "target_denied", "{arguments:?}");
        let denied = closed(&gateway, Protocol::Ours, &order("localhost", trap.port()?)).await;
        // Where names cannot help, there is no link either.
        assert!(denied.is_err() || denied.is_ok_and(|closed| closed.code == Code::TargetDenied));
        assert!(!trap.was_touched()?, "{arguments:?}");
    }
    let open = gateway(&["--allow-private"]).await?;
    let itself = open.http()?.post_json(PATHS[0], &order("127.0.0.1", open.address()?.port())).await?;
    assert_eq!(refusal(&itself)?.2, "target_denied");
    let ticket = open.create(&order("localhost", trap.port()?)).await?;
    let _page = Page::start(open.address()?, Protocol::Ours, &ticket).await?;
    crate::setup::eventually(async || trap.was_touched()).await
}

#[tokio::test]
async fn connections_come_from_where_they_should_and_take_as_long_as_they_may() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let gateway =
        gateway(&["--allow-private", "--address-family", "inet", "--bind-address", "127.0.0.9"]).await?;
    let mut order = password_order(&sshd);
    order["hostname"] = json!("localhost");
    order["connect_timeout"] = json!(10);
    let ticket = gateway.create(&order).await?;
    Page::open(gateway.address()?, Protocol::Ours, &ticket).await?;
    order["connect_timeout"] = json!(11);
    let reply = gateway.http()?.post_json(PATHS[0], &order).await?;
    assert_eq!(refusal(&reply)?.2, "invalid_field");
    order["connect_timeout"] = json!(10);
    order["hostname"] = json!("::1");
    let closed = closed(&gateway, Protocol::Ours, &order).await?;
    assert_eq!(closed.code, Code::ConnectFailed, "{}", closed.message);
    Ok(())
}
