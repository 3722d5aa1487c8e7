//! A gateway as clients of the original speak to it: text, and nothing is acknowledged.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde_json::{Value, json};
use testkit::{Event, Http, Incoming, Part, SocketClient, Sshd};
use wire::event;

/// What makes a ticket, under the name that the original has for it.
const CREATE: &str = "/create-credentials";

/// Such a client with an open shell.
pub(crate) struct Original {
    socket: SocketClient,
}

impl Original {
    /// Orders a session with a form, opens the socket, starts the session and waits for its shell.
    pub(super) async fn open(http: &Http, address: SocketAddr, sshd: &Sshd) -> anyhow::Result<Self> {
        let (port, key) = (sshd.port().to_string(), sshd.client_key()?);
        let form = [
            Part::Field("hostname", "127.0.0.1"),
            Part::Field("port", &port),
            Part::Field("username", sshd.username()),
            Part::File("ssh_key", key.as_bytes()),
        ];
        let answer = http.post_multipart(CREATE, &form).await?.json()?;
        let ticket = answer["connection_uuid"].as_str().with_context(|| answer.to_string())?;
        let mut socket = SocketClient::original(address).await?;
        socket.emit(event::START_SESSION, json!({ "credentials_uuid": ticket })).await?;
        let mut original = Self { socket };
        while original.event().await?.name != event::CONNECTION_READY {}
        original.socket.emit(event::RESIZE, json!({ "cols": 80, "rows": 24 })).await?;
        Ok(original)
    }

    /// Types.
    pub(super) async fn send(&mut self, keys: &str) -> anyhow::Result<()> {
        self.socket.emit(event::SSH_INPUT, json!({ "input": keys })).await
    }

    /// The next output.
    pub(super) async fn output(&mut self) -> anyhow::Result<Bytes> {
        loop {
            let mut event = self.event().await?;
            if event.name == event::SSH_OUTPUT {
                let Value::String(text) = event.payload["output"].take() else { bail!("no text") };
                return Ok(text.into());
            }
        }
    }

    async fn event(&mut self) -> anyhow::Result<Event> {
        match self.socket.next().await? {
            Incoming::Event(event) if event.name == event::SESSION_CLOSED => {
                bail!("the session is over: {}", event.payload)
            }
            Incoming::Event(event) => Ok(event),
            Incoming::Closed | Incoming::Disconnected => bail!("the gateway closed"),
        }
    }
}
