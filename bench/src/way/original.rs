//! A gateway as clients of the original speak to it: text, and nothing is acknowledged.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde_json::{Value, json};
use testkit::{Http, Incoming, SocketClient};
use wire::event;

/// What makes a ticket, under the name that the original has for it.
const CREATE: &str = "/create-credentials";

/// Such a client with an open shell.
pub(crate) struct Original {
    socket: SocketClient,
}

impl Original {
    /// Orders a session, opens the socket and starts it.
    pub(super) async fn open(http: &Http, address: SocketAddr, order: &Value) -> anyhow::Result<Self> {
        let answer = http.post_json(CREATE, order).await?.json()?;
        let ticket = answer["uuid"].as_str().with_context(|| answer.to_string())?;
        let mut socket = SocketClient::original(address).await?;
        socket.emit(event::START_SESSION, json!({ "credentials_uuid": ticket })).await?;
        socket.emit(event::RESIZE, json!({ "cols": 80, "rows": 24 })).await?;
        Ok(Self { socket })
    }

    /// Types.
    pub(super) async fn send(&mut self, keys: &str) -> anyhow::Result<()> {
        self.socket.emit(event::SSH_INPUT, json!({ "input": keys })).await
    }

    /// The next output.
    pub(super) async fn output(&mut self) -> anyhow::Result<Bytes> {
        loop {
            let Incoming::Event(mut event) = self.socket.next().await? else { bail!("the gateway closed") };
            match event.name.as_str() {
                event::SSH_OUTPUT => {
                    let Value::String(text) = event.payload["output"].take() else {
                        bail!("output without text");
                    };
                    return Ok(text.into());
                }
                event::SESSION_CLOSED => {
                    let reason = event.payload["message"].as_str().context("no reason")?;
                    bail!("the session is over: {reason}");
                }
                _ => {}
            }
        }
    }
}
