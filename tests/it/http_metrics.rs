//! `GET /metrics`: what it counts, and for whom.

use serde_json::json;
use testkit::{Binary, BinaryOptions, Page, Protocol, Reply, demo_sshd::Script};

use crate::{
    api::{PATHS, order, refusal},
    setup::{Result, eventually, password_order, scripted},
};

async fn started(arguments: &[&str]) -> Result<Binary> {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Binary::start(BinaryOptions { arguments, ..BinaryOptions::default() }).await
}

fn figure(reply: &Reply, name: &str) -> u64 {
    let text = reply.text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[tokio::test]
async fn it_counts_what_there_is_and_names_nobody() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let binary = started(&["--detach-grace", "1h"]).await?;
    let http = binary.http()?;
    let sessions = |state: &str| format!("alfresco_ssh_sessions{{state=\"{state}\"}}");
    let before = http.get("/metrics").await?;
    assert!(before.header("content-type").starts_with("application/openmetrics-text"));
    for name in ["dialing", "attached", "detached"].map(sessions) {
        assert_eq!(figure(&before, &name), 0, "{name}");
    }
    assert_eq!((figure(&before, "alfresco_ssh_tickets"), figure(&before, "alfresco_ssh_sockets")), (0, 0));
    assert!(figure(&before, "alfresco_ssh_connections") > 0 && figure(&before, "alfresco_ssh_tasks") > 0);
    let descriptors = figure(&before, "alfresco_ssh_open_descriptors");
    assert!(descriptors > 3);

    let ticket = binary.create(&password_order(&sshd)).await?;
    assert_eq!(figure(&http.get("/metrics").await?, "alfresco_ssh_tickets"), 1);
    let mut page = Page::open(binary.address()?, Protocol::Ours, &ticket).await?;
    page.type_keys("x").await?;
    page.until("x").await?;
    let during = http.get("/metrics").await?;
    assert_eq!((figure(&during, &sessions("attached")), figure(&during, "alfresco_ssh_sockets")), (1, 1));
    assert_eq!((figure(&during, &sessions("detached")), figure(&during, "alfresco_ssh_tickets")), (0, 0));
    assert!(figure(&during, "alfresco_ssh_open_descriptors") > descriptors);
    let text = during.text();
    for secret in [ticket.as_str(), sshd.username(), "127.0.0.1"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }

    page.socket.cut();
    eventually(async || {
        let after = http.get("/metrics").await?;
        let states = ["attached", "detached"].map(|state| figure(&after, &sessions(state)));
        Ok(states == [0, 1] && figure(&after, "alfresco_ssh_sockets") == 0)
    })
    .await
}

#[tokio::test]
async fn it_is_open_where_creating_sessions_is() -> Result {
    let open = started(&[]).await?;
    assert_eq!(open.http()?.get("/metrics").await?.status, 200);
    let closed = started(&["--api-token", "portal=0123456789abcdef"]).await?;
    let http = closed.http()?;
    for client in [http.clone(), http.clone().with_header("authorization", "Bearer 0123456789abcdeX")] {
        let reply = client.get("/metrics").await?;
        assert_eq!((reply.status, reply.json()?["code"].clone()), (401, json!("unauthorized")));
        assert!(!reply.text().contains("alfresco_ssh_"), "{}", reply.text());
    }
    let known = http.with_header("authorization", "Bearer 0123456789abcdef");
    assert_eq!(known.get("/metrics").await?.status, 200);
    let (status, _, code) = refusal(&known.post_json("/metrics", &order()).await?)?;
    assert_eq!((status, code.as_str()), (405, "method_not_allowed"));
    assert_eq!(known.post_json(PATHS[0], &order()).await?.status, 200);
    Ok(())
}
