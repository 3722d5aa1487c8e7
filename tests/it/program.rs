//! What runs on the target, and in which environment, against OpenSSH's own server.

use serde_json::{Value, json};
use testkit::{Http, PageClient, Sshd};
use wire::{Code, event};

use crate::{
    resume_setup::Gateway,
    setup::{Result, key_order_with, runner},
};

/// A server that takes two kinds of variables.
async fn server() -> Result<Sshd> {
    runner(&["AcceptEnv LC_* APP_*"]).await
}

async fn refusal(http: &Http, order: &Value) -> Result<(u16, Value)> {
    let reply = http.post_json("/create-session", order).await?;
    Ok((reply.status, reply.json()?["code"].clone()))
}

#[tokio::test]
async fn a_command_runs_in_a_terminal_and_its_status_is_the_sessions() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let command = "test -t 1 && echo in a terminal of $(stty size); read line; echo got $line; exit 7";
    let order = key_order_with(&sshd, json!({ "command": command, "cols": 90, "rows": 30 }))?;
    let mut page = PageClient::for_ticket(gateway.address()?, &gateway.create(&order).await?);
    page.until_event(event::CONNECTION_READY).await?;
    page.until("in a terminal of 24 80").await?;
    page.type_keys("words\r").await?;
    page.until("got words").await?;
    let closed = page.until_closed().await?;
    assert_eq!((closed.code, closed.exit_status), (Code::Exited, Some(7)));
    drop(page);
    gateway.base.is_back().await
}

#[tokio::test]
async fn variables_are_set_as_far_as_gateway_and_server_take_them() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&["--accept-env", "APP_*,OTHER"]).await?);
    let env = json!({ "LC_PAPER": "a 4 \"x\"", "APP_NAME": "portal", "OTHER": "unknown to sshd" });
    let command = "printf '<%s>\\n' \"$LC_PAPER\" \"$APP_NAME\" \"$OTHER\"";
    let order = key_order_with(&sshd, json!({ "command": command, "env": env }))?;
    let mut page = gateway.open(&order).await?;
    page.until("<a 4 \"x\">\r\n<portal>\r\n<>\r\n").await?;
    page.until_closed().await?;
    Ok(())
}

#[tokio::test]
async fn a_variable_that_the_gateway_does_not_take_is_refused_at_once() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    for env in [json!({ "LD_PRELOAD": "x" }), json!({ "APP_NAME": "x" }), json!({ "LC_A": "a\nb" })] {
        let order = key_order_with(&sshd, json!({ "env": env }))?;
        assert_eq!(refusal(&gateway.http, &order).await?, (400, json!(Code::InvalidField)), "{env}");
    }
    Ok(())
}
