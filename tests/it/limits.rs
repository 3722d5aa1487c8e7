//! Bounds of what one caller may take, each tested below and above.

use std::{net::SocketAddr, time::Duration};

use testkit::{GatewayOptions, PATIENCE, TestGateway};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    api::order,
    setup::{Result, eventually},
};

fn limited(limits: web::Limits) -> GatewayOptions {
    let mut options = GatewayOptions::default();
    options.web.limits = limits;
    options
}

/// Everything that the server sends until it closes the connection.
async fn rest(stream: &mut TcpStream) -> Result<String> {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await?;
    if let Err(error) = read
        && error.kind() != std::io::ErrorKind::ConnectionReset
    {
        return Err(error.into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_its_connection() -> Result {
    let limits = web::Limits { read_timeout: Duration::from_millis(300), ..Default::default() };
    let gateway = TestGateway::with_options(limited(limits)).await?;
    for beginning in ["", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(gateway.address()).await?;
        stream.write_all(beginning.as_bytes()).await?;
        let answer = rest(&mut stream).await?;
        assert!(answer.is_empty() || answer.contains(" 408 "), "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_408() -> Result {
    let limits = web::Limits { read_timeout: Duration::from_millis(300), ..Default::default() };
    let gateway = TestGateway::with_options(limited(limits)).await?;
    let mut stream = TcpStream::connect(gateway.address()).await?;
    let head = "POST /create-session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await?;
    let answer = rest(&mut stream).await?;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    Ok(())
}

#[tokio::test]
async fn an_idle_connection_between_two_requests_ends() -> Result {
    let limits = web::Limits { read_timeout: Duration::from_millis(300), ..Default::default() };
    let gateway = TestGateway::with_options(limited(limits)).await?;
    let mut stream = TcpStream::connect(gateway.address()).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
    assert!(rest(&mut stream).await?.starts_with("HTTP/1.1 200 "));
    Ok(())
}

async fn is_served(address: SocketAddr) -> Result<(bool, TcpStream)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut first = [0; 15];
    let answered = async {
        stream.write_all(request).await?;
        stream.read_exact(&mut first).await
    };
    // A refused connection is closed, or reset, before it says anything.
    let served = timeout(PATIENCE, answered).await?.is_ok() && first.starts_with(b"HTTP/1.1 200");
    Ok((served, stream))
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_not_one_more() -> Result {
    let limits = web::Limits { connections_per_address: 3, ..Default::default() };
    let gateway = TestGateway::with_options(limited(limits)).await?;
    let mut open = Vec::new();
    for _ in 0..3 {
        let (served, stream) = is_served(gateway.address()).await?;
        assert!(served);
        open.push(stream);
    }
    assert!(!is_served(gateway.address()).await?.0);
    open.pop();
    eventually(async || Ok(is_served(gateway.address()).await?.0)).await?;
    Ok(())
}

#[tokio::test]
async fn all_addresses_together_have_so_many_connections() -> Result {
    let limits = web::Limits { connections: 2, ..Default::default() };
    let gateway = TestGateway::with_options(limited(limits)).await?;
    let first = is_served(gateway.address()).await?;
    let second = is_served(gateway.address()).await?;
    assert!(first.0 && second.0 && !is_served(gateway.address()).await?.0);
    Ok(())
}

#[tokio::test]
async fn tickets_that_wait_are_bounded() -> Result {
    let gateway = TestGateway::start().await?;
    for _ in 0..engine::MAX_TICKETS - 1 {
        let (target, credentials) =
            (engine::Target::new("h", 22, "u"), engine::Credentials::of_password("p"));
        let order = engine::SessionOrder::new(target, credentials);
        gateway.registry().issue(order)?;
    }
    let http = gateway.http();
    assert_eq!(http.post_json("/create-session", &order()).await?.status, 200);
    let reply = http.post_json("/create-session", &order()).await?;
    assert_eq!((reply.status, reply.json()?["code"].as_str()), (503, Some("too_many_tickets")));
    Ok(())
}

#[tokio::test]
async fn messages_are_taken_up_to_a_size_and_a_larger_one_ends_the_socket() -> Result {
    let sshd = crate::setup::scripted(testkit::demo_sshd::Script::Silent).await?;
    let gateway = TestGateway::start().await?;
    let mut page = crate::setup::open_script(&sshd, &gateway, testkit::Protocol::Original).await?;
    // What the original took: a paste of nearly 1,000,000 bytes in one message.
    page.type_keys(&"a".repeat(1_000_000)).await?;
    crate::setup::seen(&sshd, |record| record.input_bytes == 1_000_000).await?;
    // The server may close while this is still being written.
    let _ = page.type_keys(&"a".repeat(2_000_000)).await;
    page.until_disconnected().await?;
    assert_eq!(sshd.record().borrow().input_bytes, 1_000_000);
    Ok(())
}
