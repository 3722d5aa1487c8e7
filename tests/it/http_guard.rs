//! Who may ask: origins, names, tokens, and how much of everything.

use testkit::{GatewayOptions, Http, TestGateway};

use crate::{
    api::{PATHS, order, refusal, ticket_of},
    setup::Result,
};

#[tokio::test]
async fn urls_are_built_from_the_public_origin_and_not_from_the_request() -> Result {
    let mut options = GatewayOptions::default();
    options.web.public_url = Some(web::PublicUrl::parse("https://terminal.example.org/").unwrap());
    let gateway = TestGateway::with_options(options).await?;
    for host in ["evil.example", "terminal.example.org"] {
        let http = gateway.http().with_header("host", host);
        ticket_of(&http.post_json(PATHS[0], &order()).await?, "https://terminal.example.org")?;
    }
    Ok(())
}

#[tokio::test]
async fn tokens_guard_both_ways_to_create_and_nothing_else() -> Result {
    let mut options = GatewayOptions::default();
    options.web.api_tokens = vec![
        web::ApiToken::new("portal".to_owned(), &"first-token-0123456789".into()),
        web::ApiToken::new("lab".to_owned(), &"second-token-012345678".into()),
    ];
    let gateway = TestGateway::with_options(options).await?;
    let http = gateway.http();
    let with = |value: &str| http.clone().with_header("authorization", value);
    for path in PATHS {
        for client in [
            http.clone(),
            with("Bearer wrong"),
            with("Bearer "),
            with("Basic first-token-0123456789"),
            with("first-token-0123456789"),
            with("Bearer first-token-012345678"),
        ] {
            let reply = client.post_json(path, &order()).await?;
            let (status, error, code) = refusal(&reply)?;
            assert_eq!((status, code.as_str()), (401, "unauthorized"));
            assert!(reply.header("www-authenticate").starts_with("Bearer"));
            assert!(!error.contains("first-token"));
        }
        for token in ["first-token-0123456789", "second-token-012345678"] {
            let reply = with(&format!("Bearer {token}")).post_json(path, &order()).await?;
            let ticket = ticket_of(&reply, &format!("http://{}", gateway.address()))?;
            // The page needs the ticket alone.
            assert_eq!(http.get(&format!("/{ticket}")).await?.status, 200);
        }
    }
    assert_eq!(http.get("/healthz").await?.status, 200);
    Ok(())
}

/// Creates with these headers and returns the status.
async fn create_with(http: &Http, headers: &[(&str, &str)]) -> Result<u16> {
    let with = |http: Http, (name, value): &(&str, &str)| http.with_header(name, value);
    let http = headers.iter().fold(http.clone(), with);
    Ok(http.post_json(PATHS[0], &order()).await?.status)
}

#[tokio::test]
async fn other_sites_and_rebound_names_are_refused() -> Result {
    let gateway = TestGateway::start().await?;
    let (http, address) = (gateway.http(), gateway.address());
    let own = format!("http://{address}");
    let other_port = format!("http://127.0.0.1:{}", address.port() ^ 1);
    for (headers, status) in [
        (&[("origin", own.as_str())][..], 200),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", &other_port)], 403),
        (&[("origin", &format!("{own}.evil.example"))], 403),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-origin"), ("origin", &own)], 200),
        (&[("host", "evil.example")], 403),
        (&[("host", "evil.example"), ("origin", "http://evil.example")], 403),
        (&[("host", &format!("localhost:{}", address.port()))], 200),
    ] {
        assert_eq!(create_with(&http, headers).await?, status, "{headers:?}");
    }
    // A link on another site may open the page.
    let page = http.clone().with_header("sec-fetch-site", "cross-site").get("/").await?;
    assert_eq!(page.status, 200);
    assert_eq!(http.with_header("host", "evil.example").get("/").await?.status, 403);
    Ok(())
}

#[tokio::test]
async fn the_origin_is_checked_before_socket_io() -> Result {
    let gateway = TestGateway::start().await?;
    let address = gateway.address();
    let own = format!("http://{address}");
    testkit::SocketClient::connect(address, Some(&own), None).await?;
    testkit::SocketClient::connect(address, None, None).await?;
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "https://evil.example:443"] {
        let refused = testkit::SocketClient::open(address, Some(origin)).await.err().unwrap();
        assert!(format!("{refused:#}").contains("403"), "{origin}: {refused:#}");
        let http = gateway.http().with_header("origin", origin);
        assert_eq!(http.get("/socket.io/?EIO=4&transport=polling").await?.status, 403);
    }
    let poll = gateway.http().with_header("origin", &own).get("/socket.io/?EIO=4&transport=polling").await?;
    assert_eq!(poll.status, 200);
    Ok(())
}
