//! Pages and assets: what opens, what is not there, and the headers around it.

use std::time::Duration;

use http::Method;
use serde_json::json;
use testkit::{GatewayOptions, Page, Protocol, TestGateway, demo_sshd::Script};

use crate::{
    api::{PATHS, order, refusal},
    setup::{Result, eventually, password_order, scripted},
};

#[tokio::test]
async fn pages_open_by_each_form_of_url_and_as_often_as_one_likes() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let http = gateway.http();
    let ticket = gateway.create(&password_order(&sshd)).await?;
    for path in [format!("/{ticket}"), format!("/?connection={ticket}"), format!("/?connect={ticket}")] {
        for _ in 0..3 {
            let page = http.get(&path).await?;
            assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
            assert!(page.text().contains("<script"), "{}", page.text());
        }
        assert_eq!(http.send(Method::HEAD, &path, "").await?.status, 200);
    }
    // Looking consumed nothing; starting does.
    let mut page = Page::open(gateway.address(), Protocol::Ours, &ticket).await?;
    assert_eq!(http.get(&format!("/{ticket}")).await?.status, 404);
    page.type_keys("\x04").await?;
    page.until_closed().await?;
    assert_eq!(http.get(&format!("/{ticket}")).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn unknown_used_and_expired_tickets_look_the_same() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let sessions = engine::Options { ticket_ttl: Duration::from_secs(1), ..Default::default() };
    let options = GatewayOptions { sessions, ..Default::default() };
    let gateway = TestGateway::with_options(options).await?;
    let browser = gateway.http().with_header("accept", "text/html,application/xhtml+xml");
    let used = gateway.create(&password_order(&sshd)).await?;
    let _page = Page::open(gateway.address(), Protocol::Ours, &used).await?;
    let expired = gateway.create(&order()).await?;
    eventually(async || Ok(gateway.http().get(&format!("/{expired}")).await?.status == 404)).await?;
    let unknown = "11111111-2222-4333-8444-555555555555".to_owned();

    let mut seen = Vec::new();
    for ticket in [used, expired, unknown] {
        let plain = gateway.http().get(&format!("/{ticket}")).await?;
        assert_eq!((plain.status, plain.text().as_str()), (404, "Session not found"));
        for name in ["connection", "connect"] {
            let json = gateway.http().get(&format!("/?{name}={ticket}")).await?;
            let words = format!("Could not find stored credentials with ID {ticket}");
            assert_eq!(refusal(&json)?, (404, words, "ticket_unknown".to_owned()));
        }
        let page = browser.get(&format!("/{ticket}")).await?;
        assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"));
        let nonce = page.header("content-security-policy").split("'nonce-").nth(1).unwrap();
        let nonce = nonce.split('\'').next().unwrap().to_owned();
        assert_eq!(browser.get(&format!("/?connection={ticket}")).await?.status, 404);
        let mut page = page.text().replace(&nonce, "");
        page = page.replace(&ticket, "");
        let mut socket = Page::start(gateway.address(), Protocol::Ours, &ticket).await?;
        seen.push((page, socket.until_closed().await?));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
    Ok(())
}

#[tokio::test]
async fn nothing_else_is_served() -> Result {
    let gateway = TestGateway::start().await?;
    for path in [
        "/log_stores",
        "/main.py",
        "/requirements.txt",
        "/.git/config",
        "/.env",
        "/assets/",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/index.html",
        "/a/b/c",
    ] {
        let reply = gateway.http().get(path).await?;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.body.len() < 200, "{path}: {}", reply.text());
    }
    let root = gateway.http().get("/").await?;
    assert_eq!((root.status, root.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(root.text().contains("create-session"), "{}", root.text());
    assert_eq!(gateway.http().get("/healthz").await?.json()?, json!({ "status": "ok" }));
    Ok(())
}

#[tokio::test]
async fn every_response_carries_the_security_headers() -> Result {
    let gateway = TestGateway::start().await?;
    let http = gateway.http();
    let ticket = gateway.create(&order()).await?;
    let browser = http.clone().with_header("accept", "text/html");
    let replies = [
        http.get("/").await?,
        http.get(&format!("/{ticket}")).await?,
        browser.get("/nothing").await?,
        http.get("/nothing").await?,
        http.get("/healthz").await?,
        http.post_json(PATHS[0], &order()).await?,
        http.post_json(PATHS[0], &json!({})).await?,
        http.send(Method::PUT, PATHS[0], "").await?,
        http.clone().with_header("origin", "http://evil.example").post_json(PATHS[0], &order()).await?,
    ];
    for reply in &replies {
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("x-frame-options"), "SAMEORIGIN");
        let policy = reply.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'self'") && policy.contains("default-src 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval"), "{policy}");
        assert_eq!(reply.header("access-control-allow-origin"), "");
        assert_eq!(reply.header("set-cookie"), "");
    }
    Ok(())
}

#[tokio::test]
async fn each_page_has_a_nonce_of_its_own() -> Result {
    let gateway = TestGateway::start().await?;
    let path = format!("/{}", gateway.create(&order()).await?);
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let page = gateway.http().get(&path).await?;
        let policy = page.header("content-security-policy").to_owned();
        let nonce =
            policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap().to_owned();
        assert!(nonce.len() >= 22 && page.text().contains(&nonce), "{policy}");
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
    Ok(())
}

#[tokio::test]
async fn pages_are_compressed_for_who_takes_that_and_nothing_else_is() -> Result {
    let gateway = TestGateway::start().await?;
    let path = format!("/{}", gateway.create(&order()).await?);
    let plain = gateway.http().get(&path).await?;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));
    let http = gateway.http().with_header("accept-encoding", "br;q=0.5, gzip");
    let packed = http.get(&path).await?;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() < plain.body.len() / 3, "{} of {}", packed.body.len(), plain.body.len());
    for path in ["/nothing", "/healthz", "/metrics"] {
        assert_eq!(http.get(path).await?.header("content-encoding"), "", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn assets_are_hashed_immutable_and_precompressed() -> Result {
    let gateway = TestGateway::start().await?;
    let page = gateway.http().get(&format!("/{}", gateway.create(&order()).await?)).await?.text();
    let assets: Vec<&str> =
        page.split(['"', '`']).filter_map(|part| Some(&part[part.find("/assets/")?..])).collect();
    assert!(assets.iter().any(|path| path.ends_with(".js")), "{page}");
    for path in assets {
        let plain = gateway.http().get(path).await?;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, ""), "{path}");
        assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(plain.header("x-content-type-options"), "nosniff");
        let etag = plain.header("etag").to_owned();
        assert!(etag.len() > 10);
        let again = gateway.http().with_header("if-none-match", &etag).get(path).await?;
        assert_eq!((again.status, again.body.len()), (304, 0));
        for encoding in ["br", "gzip"] {
            let packed = gateway.http().with_header("accept-encoding", encoding).get(path).await?;
            assert_eq!(packed.header("content-encoding"), encoding, "{path}");
            assert!(packed.body.len() < plain.body.len());
            assert!(packed.header("vary").contains("accept-encoding"));
        }
    }
    Ok(())
}
