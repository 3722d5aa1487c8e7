//! A server that hangs while its system goes on, seen from four pages with the product's own limits.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use testkit::{Page, Protocol, Sshd, TestGateway};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use wire::{Closed, Code, Peer, event};

use crate::{
    dead_target_stage::{Frozen, still},
    setup::{Result, eventually, open_bash},
};

/// The issue's word for a dead target, whatever the session does.
const LIMIT: Duration = Duration::from_secs(60);

/// Reads, and in our protocol acknowledges, to the reason.
async fn reason(page: &mut Page, until: Instant) -> Result<Closed> {
    loop {
        if let Some(closed) = page.events.iter().find(|event| event.name == event::SESSION_CLOSED) {
            return Ok(serde_json::from_value(closed.payload.clone())?);
        }
        timeout_at(until, page.step()).await.context("the page is not told within a minute")??;
    }
}

/// A page that takes no output until the others know, and then all of it.
async fn reason_for_stalled(
    page: &mut Page,
    mut others_know: watch::Receiver<bool>,
    until: Instant,
) -> Result<Closed> {
    loop {
        tokio::select! {
            step = page.step() => step?,
            know = others_know.wait_for(|know| *know) => break drop(know?),
        }
    }
    page.acknowledges = true;
    page.socket.emit(event::SSH_OUTPUT_ACK, json!({ "offset": page.output().len() })).await?;
    reason(page, until).await
}

#[tokio::test]
async fn four_pages_are_told_within_a_minute_that_the_server_hangs() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let mut stalled = open_bash(&sshd, &gateway, Protocol::Ours).await?;
    stalled.acknowledges = false;
    stalled.type_keys("seq 1 inf\r").await?;
    tokio::select! {
        step = async { loop { if let Err(error) = stalled.step().await { break error } } } => return Err(step),
        stands = still(&sshd, "seq") => stands?,
    }
    let mut idle = open_bash(&sshd, &gateway, Protocol::Ours).await?;
    let mut flood = open_bash(&sshd, &gateway, Protocol::Ours).await?;
    flood.type_keys("seq 1 inf\r").await?;
    flood.until("\n10000\r\n").await?;
    let mut typing = open_bash(&sshd, &gateway, Protocol::Original).await?;
    typing.type_keys("stty raw -echo; echo r\"\"aw; exec sleep 1000\r").await?;
    typing.until("raw").await?;

    let _frozen = Frozen::freeze(&sshd)?;
    let until = Instant::now() + LIMIT;
    // More than the server's window and every buffer on the way take.
    typing.paste(&"x".repeat(3 << 20)).await?;
    let (tell, others_know) = watch::channel(false);
    let others = async {
        let all = tokio::try_join!(
            reason(&mut idle, until),
            reason(&mut flood, until),
            reason(&mut typing, until)
        )?;
        tell.send_replace(true);
        anyhow::Ok(all)
    };
    let (others, last) = tokio::try_join!(others, reason_for_stalled(&mut stalled, others_know, until))?;
    for closed in [others.0, others.1, others.2, last] {
        assert_eq!((closed.code, closed.peer, closed.retry), (Code::LinkLost, Peer::Target, false));
        assert_eq!(closed.message, "The connection to the server was lost.");
    }
    eventually(async || Ok(gateway.registry().counts().attached == 0)).await
}
