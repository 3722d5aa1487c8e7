//! The gateway as our page speaks to it: bytes, acknowledged as often as the page does.

use std::collections::VecDeque;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde_json::json;
use testkit::{Binary, Event, Incoming, SocketClient, Sshd};
use tokio::time::{Duration, Instant, timeout_at};
use wire::{event, limits};

/// When output is acknowledged that is less than the page lets come together.
const ACK_DELAY: Duration = Duration::from_millis(50);

/// A page with an open shell.
pub(crate) struct Page {
    socket: SocketClient,
    /// Output that came while something else was waited for.
    early: VecDeque<Bytes>,
    received: u64,
    acknowledged: u64,
    /// When what was received is acknowledged in any case.
    due: Instant,
}

impl Page {
    /// Orders a session, opens the socket and starts it.
    pub(crate) async fn open(sshd: &Sshd, gateway: &Binary) -> anyhow::Result<Self> {
        let order = json!({
            "hostname": "127.0.0.1",
            "port": sshd.port(),
            "username": sshd.username(),
            "ssh_key": sshd.client_key()?,
        });
        let ticket = gateway.create(&order).await?;
        let mut socket = SocketClient::ours(gateway.address()?).await?;
        let start = json!({ "create_session_id": ticket, "cols": 80, "rows": 24 });
        socket.emit(event::START_SESSION, start).await?;
        let early = VecDeque::new();
        let mut page = Self { socket, early, received: 0, acknowledged: 0, due: Instant::now() };
        loop {
            let event = page.event().await?;
            match event.name.as_str() {
                event::CONNECTION_READY => return Ok(page),
                event::SESSION_CLOSED => bail!("{}", event.payload),
                _ => page.early.extend(event.attachment),
            }
        }
    }

    /// Types.
    pub(crate) async fn send(&mut self, keys: &str) -> anyhow::Result<()> {
        self.socket.emit(event::SSH_INPUT, json!({ "input": keys })).await
    }

    /// The next output.
    pub(crate) async fn output(&mut self) -> anyhow::Result<Bytes> {
        if let Some(bytes) = self.early.pop_front() {
            return Ok(bytes);
        }
        loop {
            if let Some(bytes) = self.event().await?.attachment {
                return Ok(bytes);
            }
        }
    }

    /// The next event; acknowledges output meanwhile.
    async fn event(&mut self) -> anyhow::Result<Event> {
        loop {
            let waits = self.received > self.acknowledged;
            let full = self.received >= self.acknowledged + limits::OUTPUT_ACK_EVERY;
            if full || waits && self.due <= Instant::now() {
                self.acknowledged = self.received;
                self.socket.emit(event::SSH_OUTPUT_ACK, json!({ "offset": self.received })).await?;
            } else if waits {
                match timeout_at(self.due, self.socket.next()).await {
                    Ok(incoming) => return self.take(incoming?),
                    Err(_) => continue,
                }
            } else {
                let incoming = self.socket.next().await?;
                self.due = Instant::now() + ACK_DELAY;
                return self.take(incoming);
            }
        }
    }

    fn take(&mut self, incoming: Incoming) -> anyhow::Result<Event> {
        let Incoming::Event(event) = incoming else { bail!("the gateway closed") };
        if let Some(bytes) = &event.attachment {
            let offset = event.payload["offset"].as_u64().context("output without an offset")?;
            self.received = offset + bytes.len() as u64;
        }
        Ok(event)
    }
}
