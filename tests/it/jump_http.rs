//! Jump hosts as a portal orders them: over HTTP, from the binary, with both clients.

use std::fs;

use serde_json::{Value, json};
use testkit::{PageClient, Sshd, demo_sshd::Script, sha256};
use wire::{Code, event};

use crate::{
    resume_setup::{Gateway, numbered},
    setup::{Result, key_order, key_order_with, password_order, runner, scripted},
};

/// An order for the target that goes through this server.
fn order(target: &Sshd, hop: &Sshd, fields: Value) -> Result<Value> {
    let mut order = key_order(target)?;
    order["jump"] = json!([key_order_with(hop, fields)?]);
    Ok(order)
}

async fn refusal(gateway: &Gateway, order: &Value) -> Result<(u16, Value, String)> {
    let reply = gateway.http.post_json("/create-session", order).await?;
    let answer = reply.json()?;
    Ok((reply.status, answer["code"].clone(), answer["error"].as_str().unwrap_or_default().to_owned()))
}

#[tokio::test]
async fn a_shell_and_a_command_go_through_a_jump_host() -> Result {
    let (hop, target) = (Sshd::start().await?, Sshd::start().await?);
    let gateway = Gateway::start(&[]).await?;
    let order = order(&target, &hop, json!({ "colour": "red" }))?;
    let created = gateway.http.post_json("/create-session", &order).await?.json()?;
    assert_eq!(created["ignored"], json!(["jump[0].colour"]));
    let ticket = created["create_session_id"].as_str().unwrap_or_default();
    let mut page = PageClient::open(gateway.address()?, ticket).await?;
    page.until("$ ").await?;
    page.type_keys("echo $SSH_CONNECTION | cut -d' ' -f4\r").await?;
    page.until(&format!("\r{}\r\n", target.port())).await?;
    assert_eq!((hop.connections().len(), target.connections().len()), (1, 1));
    gateway.ends(page).await?;

    let runner = runner(&[]).await?;
    let mut command = key_order(&runner)?;
    (command["jump"], command["command"]) = (order["jump"].clone(), json!("echo $SSH_CONNECTION"));
    let answer = gateway.http.post_json("/api/v1/exec", &command).await?.json()?;
    assert!(
        answer["stdout"].as_str().is_some_and(|out| out.ends_with(&format!(" {}\n", runner.port()))),
        "{answer}"
    );
    gateway.base.is_back().await
}

#[tokio::test]
async fn what_is_wrong_with_a_jump_host_names_it() -> Result {
    let (hop, target) = (Sshd::start().await?, Sshd::start().await?);
    let gateway = Gateway::start(&["--deny-target", "127.0.0.9"]).await?;
    for (fields, status, code, words) in [
        (json!({ "port": "x" }), 400, Code::InvalidField, "jump[0]"),
        (json!({ "ssh_key": null }), 400, Code::InvalidCredentials, "jump[0]"),
        (json!({ "hostname": "127.0.0.9" }), 403, Code::TargetDenied, "127.0.0.9"),
        // The way leads in a circle.
        (json!({ "port": target.port() }), 400, Code::InvalidField, "jump"),
    ] {
        let order = order(&target, &hop, fields)?;
        let (found, answer, error) = refusal(&gateway, &order).await?;
        assert_eq!((found, &answer), (status, &json!(code)), "{error}");
        assert!(error.contains(words), "{error}");
    }
    let unseen = scripted(Script::Echo).await?;
    let mut wrong = password_order(&unseen);
    wrong["jump"] = order(&target, &hop, json!({ "username": "nobody-of-this-name" }))?["jump"].take();
    let mut page = PageClient::for_ticket(gateway.address()?, &gateway.create(&wrong).await?);
    let closed = page.until_closed().await?;
    assert_eq!(closed.code, Code::AuthFailed);
    assert!(closed.message.contains(&hop.port().to_string()), "{}", closed.message);
    assert_eq!(unseen.record().borrow().connections, 0, "the target heard nothing of it");
    wrong["jump"] = json!("x");
    assert_eq!(refusal(&gateway, &wrong).await?.0, 400);
    Ok(())
}

#[tokio::test]
async fn a_session_over_a_jump_host_goes_on_behind_a_cut_where_it_was() -> Result {
    let (hop, target) = (Sshd::start().await?, Sshd::start().await?);
    let gateway = Gateway::start(&["--detached-output", "keep"]).await?;
    let mut page = gateway.open(&order(&target, &hop, json!({}))?).await?;
    page.until("$ ").await?;
    let flood = numbered(4 * 1024 * 1024);
    fs::write(target.dir().join("flood"), &flood)?;
    page.type_keys(format!("stty raw -echo; exec cat {}/flood\r", target.dir().display())).await?;
    page.until_offset(1024 * 1024).await?;
    page.cut();
    page.until_closed().await?;
    assert_eq!((page.attaches(), page.screen().is_none()), (2, true));
    let printed = page.output();
    assert_eq!(sha256(&printed[printed.len() - flood.len()..]), sha256(&flood));
    // Whoever comes back is told of the way as well.
    for _ in 0..2 {
        let details = page.until_event(event::SESSION_DETAILS).await?.payload;
        assert_eq!(details["target"], format!("127.0.0.1:{}", target.port()));
        assert_eq!(details["hops"][0]["target"], format!("127.0.0.1:{}", hop.port()));
        assert_eq!(details["hops"][0]["fingerprint"], hop.fingerprint().await?);
    }
    drop(page);
    gateway.base.is_back().await
}
