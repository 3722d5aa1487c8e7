//! Each way in which a session cannot start: its sentence, its event, and what becomes of the ticket.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{
    GatewayOptions, Page, Protocol, Sshd, TestGateway,
    demo_sshd::{DemoSshd, Options, Program, Quirk, Script},
};
use tokio::net::TcpListener;
use wire::{Closed, Code, Peer};

use crate::setup::{BOTH, Result, faulty, key_order, password_order, scripted, seen};

/// Starts a session that fails, and checks that each protocol tells it in its own way.
async fn failure(gateway: &TestGateway, order: &Value) -> Result<Closed> {
    let mut told = Vec::new();
    for protocol in BOTH {
        let ticket = gateway.create(order).await?;
        let mut page = Page::start(gateway.address(), protocol, &ticket).await?;
        let closed = page.until_closed().await?;
        match protocol {
            Protocol::Ours => assert_eq!(page.text(), "", "the page words the end itself"),
            Protocol::Original => {
                assert_eq!(page.text(), format!("\u{1b}[91m{}\u{1b}[0m", closed.message));
                page.until_disconnected().await?;
            }
        }
        told.push(closed);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!((told[0].exit_status, told[0].exit_signal.as_deref()), (None, None));
    Ok(told.remove(0))
}

fn facts(closed: &Closed) -> (Code, Peer, bool) {
    (closed.code, closed.peer, closed.retry)
}

#[tokio::test]
async fn places_that_are_no_ssh_server() -> Result {
    let options = GatewayOptions { connect_timeout: Duration::from_millis(300), ..Default::default() };
    let gateway = TestGateway::with_options(options).await?;
    let at =
        |host: &str, port: u16| json!({ "hostname": host, "port": port, "username": "u", "password": "p" });

    let closed_port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let closed = failure(&gateway, &at("127.0.0.1", closed_port)).await?;
    assert_eq!(facts(&closed), (Code::ConnectRefused, Peer::Target, true));
    let sentence = format!("127.0.0.1:{closed_port} refused the connection");
    assert!(closed.message.starts_with(&sentence), "{}", closed.message);

    let closed = failure(&gateway, &at("no-such-host.invalid", 22)).await?;
    assert_eq!(facts(&closed), (Code::NameNotFound, Peer::Target, true));
    assert_eq!(closed.message, "The host name no-such-host.invalid was not found.");

    // A full queue of connections: the kernel drops what asks for one more.
    let full = std::net::TcpListener::bind("127.0.0.1:0")?;
    rustix::net::listen(&full, 0)?;
    let address = full.local_addr()?;
    let _waiting: Vec<_> = (0..2).map(|_| connect_in_background(address)).collect::<Result<_>>()?;
    let closed = failure(&gateway, &at("127.0.0.1", address.port())).await?;
    assert_eq!(facts(&closed), (Code::ConnectTimeout, Peer::Target, true), "{closed:?}");

    let web = TestGateway::start().await?;
    let closed = failure(&gateway, &at("127.0.0.1", web.address().port())).await?;
    assert_eq!(facts(&closed), (Code::NotSsh, Peer::Target, true), "{closed:?}");
    Ok(())
}

fn connect_in_background(address: std::net::SocketAddr) -> Result<rustix::fd::OwnedFd> {
    let family = rustix::net::AddressFamily::INET;
    let flags = rustix::net::SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, rustix::net::SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test]
async fn credentials_that_the_server_does_not_take() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let target = format!("127.0.0.1:{}", sshd.port());
    let mut wrong = password_order(&sshd);
    wrong["password"] = json!("wrong");
    let closed = failure(&gateway, &wrong).await?;
    assert_eq!(facts(&closed), (Code::AuthFailed, Peer::Target, false));
    assert_eq!(closed.message, format!("{target} refused the password of this user."));

    let openssh = Sshd::start().await?;
    let mut password = key_order(&openssh)?;
    password.as_object_mut().unwrap().remove("ssh_key");
    password["password"] = json!("p");
    let closed = failure(&gateway, &password).await?;
    assert_eq!(facts(&closed), (Code::AuthMethodUnavailable, Peer::Target, false));
    assert!(closed.message.contains("publickey"), "{}", closed.message);

    let stranger = Sshd::start().await?;
    let mut key = key_order(&openssh)?;
    key["ssh_key"] = json!(stranger.client_key()?);
    let closed = failure(&gateway, &key).await?;
    assert_eq!(facts(&closed), (Code::AuthFailed, Peer::Target, false));
    Ok(())
}

#[tokio::test]
async fn keys_that_cannot_be_used_reach_no_server() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let locked = sshd.new_client_key("ed25519", "secret", &[]).await?;
    let costly = sshd.new_client_key("ed25519", "secret", &["-a", "300"]).await?;
    for (key, passphrase, code) in [
        ("garbage".to_owned(), None, Code::KeyInvalid),
        (String::new(), None, Code::KeyInvalid),
        (locked.clone(), None, Code::KeyPassphrase),
        (locked.clone(), Some("wrong"), Code::KeyPassphrase),
        (costly, Some("secret"), Code::KeyTooCostly),
    ] {
        let mut order = key_order(&sshd)?;
        order["ssh_key"] = json!(key);
        if let Some(passphrase) = passphrase {
            order["passphrase"] = json!(passphrase);
        }
        let closed = failure(&gateway, &order).await?;
        assert_eq!(facts(&closed), (code, Peer::Browser, false), "{closed:?}");
        assert!(!closed.message.contains("secret") && !closed.message.contains("garbage"), "{closed:?}");
    }
    assert!(!sshd.log().iter().any(|line| line.contains("Connection from")), "{:?}", sshd.log());
    let mut order = key_order(&sshd)?;
    (order["ssh_key"], order["passphrase"]) = (json!(locked), json!("secret"));
    let ticket = gateway.create(&order).await?;
    Page::open(gateway.address(), Protocol::Ours, &ticket).await?;
    Ok(())
}

#[tokio::test]
async fn servers_that_let_in_and_give_no_shell() -> Result {
    let gateway = TestGateway::start().await?;
    for (quirk, code) in [
        (Quirk::LinkDropsAtLogin, Code::LinkLost),
        (Quirk::ChannelRefused, Code::ShellRefused),
        (Quirk::PtyRefused, Code::ShellRefused),
        (Quirk::ShellRefused, Code::ShellRefused),
    ] {
        let sshd = faulty(quirk).await?;
        let closed = failure(&gateway, &password_order(&sshd)).await?;
        assert_eq!(facts(&closed), (code, Peer::Target, true), "{quirk:?} {closed:?}");
        assert!(closed.message.starts_with(&format!("127.0.0.1:{} ", sshd.port())), "{closed:?}");
    }
    Ok(())
}

#[tokio::test]
async fn host_keys_that_are_not_the_expected_ones() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let other = scripted(Script::Echo).await?;
    let entry = |server: &DemoSshd, key: &DemoSshd| {
        format!("[127.0.0.1]:{} {}\n", server.port(), key.host_key_line())
    };
    let revoked = format!("@revoked * {}\n", sshd.host_key_line());

    for (policy, known, pinned, code) in [
        (ssh::HostKeyPolicy::Reject, None, None, Code::HostKeyUnknown),
        (ssh::HostKeyPolicy::AcceptNew, None, Some(other.fingerprint()), Code::HostKeyChanged),
        (ssh::HostKeyPolicy::AcceptNew, None, Some(other.host_key_line()), Code::HostKeyChanged),
        (ssh::HostKeyPolicy::AcceptNew, Some(entry(&sshd, &other)), None, Code::HostKeyChanged),
        (ssh::HostKeyPolicy::AcceptNew, Some(revoked), None, Code::HostKeyRevoked),
    ] {
        let options = GatewayOptions { host_key_policy: policy, known_hosts: known, ..Default::default() };
        let gateway = TestGateway::with_options(options).await?;
        let mut order = password_order(&sshd);
        if let Some(pinned) = pinned {
            order["host_key"] = json!(pinned);
        }
        let closed = failure(&gateway, &order).await?;
        assert_eq!(closed.code, code, "{closed:?}");
        assert_eq!((closed.peer, closed.retry), (Peer::Target, false));
        assert_eq!(gateway.learned_hosts(), "");
    }
    // Two sessions or more for each, and none of them got as far as a login.
    let record = seen(&sshd, |record| record.disconnections == record.connections).await?;
    assert!(record.connections >= 10, "{record:?}");
    assert!(record.logins.is_empty(), "{record:?}");
    Ok(())
}

#[tokio::test]
async fn host_keys_that_are_expected_or_new() -> Result {
    let sshd = scripted(Script::Echo).await?;
    for (policy, pinned) in [
        (ssh::HostKeyPolicy::Reject, Some(sshd.fingerprint())),
        (ssh::HostKeyPolicy::Reject, Some(sshd.host_key_line())),
        (ssh::HostKeyPolicy::AcceptNew, None),
    ] {
        let options = GatewayOptions { host_key_policy: policy, ..Default::default() };
        let gateway = TestGateway::with_options(options).await?;
        let mut order = password_order(&sshd);
        if let Some(pinned) = pinned {
            order["host_key"] = json!(pinned);
        }
        let ticket = gateway.create(&order).await?;
        Page::open(gateway.address(), Protocol::Ours, &ticket).await?;
        let learned = gateway.learned_hosts();
        assert_eq!(learned.contains(sshd.host_key_line()), pinned.is_none(), "{learned}");
    }
    Ok(())
}

#[tokio::test]
async fn a_learnt_key_is_demanded_from_then_on() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let gateway = TestGateway::start().await?;
    let ticket = gateway.create(&password_order(&sshd)).await?;
    drop(Page::open(gateway.address(), Protocol::Ours, &ticket).await?);
    let port = sshd.port();
    sshd.shutdown().await;
    let options = Options { program: Program::Scripted(Script::Echo), port, ..Options::default() };
    let impostor = DemoSshd::start(options).await?;
    let closed = failure(&gateway, &password_order(&impostor)).await?;
    assert_eq!(facts(&closed), (Code::HostKeyChanged, Peer::Target, false));
    assert!(closed.message.contains(impostor.fingerprint()), "{}", closed.message);
    assert!(impostor.record().borrow().logins.is_empty());
    Ok(())
}
