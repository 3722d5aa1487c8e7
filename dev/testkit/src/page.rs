//! A terminal page without a terminal: starts a session, types, and keeps what comes back.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde_json::json;
use tokio::time::{error::Elapsed, timeout};
use wire::{Closed, event, limits};

use crate::{Event, Incoming, PATIENCE, SocketClient};

/// Which protocol a page speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// Text output, no acknowledgements.
    Original,
    /// Binary output, acknowledged.
    Ours,
}

/// A page.
pub struct Page {
    /// The socket below, for what a page would not do.
    pub socket: SocketClient,
    /// Every event but output, in order.
    pub events: Vec<Event>,
    /// Whether output is acknowledged; only in our protocol.
    pub acknowledges: bool,
    protocol: Protocol,
    output: Vec<u8>,
    acknowledged: u64,
    sent: u64,
    taken: u64,
    over: bool,
}

impl Page {
    /// Connects, and starts nothing.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn connect(address: SocketAddr, protocol: Protocol) -> anyhow::Result<Self> {
        let socket = match protocol {
            Protocol::Original => SocketClient::original(address).await?,
            Protocol::Ours => SocketClient::ours(address).await?,
        };
        Ok(Self::on(socket, protocol))
    }

    /// A page on this socket.
    #[must_use]
    pub fn on(socket: SocketClient, protocol: Protocol) -> Self {
        Self {
            socket,
            events: Vec::new(),
            acknowledges: protocol == Protocol::Ours,
            protocol,
            output: Vec::new(),
            acknowledged: 0,
            sent: 0,
            taken: 0,
            over: false,
        }
    }

    /// Connects and starts the ticket's session at 80 by 24.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn start(address: SocketAddr, protocol: Protocol, ticket: &str) -> anyhow::Result<Self> {
        let mut page = Self::connect(address, protocol).await?;
        page.start_session(ticket).await?;
        Ok(page)
    }

    /// Starts the ticket's session and waits for its shell.
    ///
    /// # Errors
    /// The shell does not open.
    pub async fn open(address: SocketAddr, protocol: Protocol, ticket: &str) -> anyhow::Result<Self> {
        let mut page = Self::start(address, protocol, ticket).await?;
        page.until_event(event::CONNECTION_READY).await?;
        Ok(page)
    }

    /// Asks for the ticket's session.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn start_session(&mut self, ticket: &str) -> anyhow::Result<()> {
        let payload = match self.protocol {
            Protocol::Original => json!({ "credentials_uuid": ticket }),
            Protocol::Ours => json!({ "create_session_id": ticket, "cols": 80, "rows": 24 }),
        };
        self.socket.emit(event::START_SESSION, payload).await
    }

    /// Sends keys, without waiting for them to be taken.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn type_keys(&mut self, keys: &str) -> anyhow::Result<()> {
        self.sent += keys.len() as u64;
        self.socket.emit(event::SSH_INPUT, json!({ "input": keys })).await
    }

    /// Sends much text in chunks of 16 KiB; in our protocol at most 64 KiB ahead of what was taken.
    ///
    /// # Errors
    /// The session ends.
    pub async fn paste(&mut self, text: &str) -> anyhow::Result<()> {
        let mut rest = text;
        while !rest.is_empty() {
            let mut length = rest.len().min(16 * 1024);
            while !rest.is_char_boundary(length) {
                length -= 1;
            }
            let (chunk, others) = rest.split_at(length);
            rest = others;
            let ours = self.protocol == Protocol::Ours;
            while ours && self.sent + chunk.len() as u64 - self.taken > limits::INPUT_WINDOW {
                self.step().await?;
            }
            self.type_keys(chunk).await?;
        }
        Ok(())
    }

    /// Sends the size.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn resize(&mut self, cols: u16, rows: u16) -> anyhow::Result<()> {
        self.socket.emit(event::RESIZE, json!({ "cols": cols, "rows": rows })).await
    }

    /// All output so far.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// All output so far as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Forgets the output so far, so that what follows can be waited for.
    pub fn clear(&mut self) {
        self.output.clear();
    }

    /// How many bytes of input the gateway says it has handed on.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Waits until the output contains `words`, and returns all of it.
    ///
    /// # Errors
    /// It does not within [`PATIENCE`], or the session ends before.
    pub async fn until(&mut self, words: &str) -> anyhow::Result<String> {
        let mut from = 0;
        let waiting = async {
            while !contains(&self.output[from..], words.as_bytes()) {
                from = self.output.len().saturating_sub(words.len());
                self.step().await?;
            }
            anyhow::Ok(())
        };
        let result = timeout(PATIENCE, waiting).await;
        self.explain(result, &format!("{words:?}"))?;
        Ok(self.text())
    }

    /// Waits until there are so many bytes of output.
    ///
    /// # Errors
    /// There are not within [`PATIENCE`], or the session ends before.
    pub async fn until_length(&mut self, length: usize) -> anyhow::Result<()> {
        let waiting = async {
            while self.output.len() < length {
                self.step().await?;
            }
            anyhow::Ok(())
        };
        let result = timeout(PATIENCE, waiting).await;
        self.explain(result, &format!("{length} bytes"))
    }

    /// Says what a wait was for and how far it came.
    fn explain(&self, result: Result<anyhow::Result<()>, Elapsed>, what: &str) -> anyhow::Result<()> {
        let tail = &self.output[self.output.len().saturating_sub(300)..];
        let names: Vec<&str> = self.events.iter().map(|event| event.frame.as_str()).collect();
        result.map_err(anyhow::Error::from).and_then(|result| result).with_context(|| {
            let length = self.output.len();
            format!(
                "waiting for {what}; {length} bytes came, at last {:?}; events {names:?}",
                String::from_utf8_lossy(tail)
            )
        })
    }

    /// Waits for an event of this name, also among those that came already, and takes it out.
    ///
    /// # Errors
    /// It does not come within [`PATIENCE`].
    pub async fn until_event(&mut self, name: &str) -> anyhow::Result<Event> {
        let position = |events: &[Event]| events.iter().position(|event| event.name == name);
        let waiting = async {
            while position(&self.events).is_none() {
                self.step().await?;
            }
            anyhow::Ok(())
        };
        let result = timeout(PATIENCE, waiting).await;
        self.explain(result, name)?;
        position(&self.events).map(|index| self.events.remove(index)).context("it came")
    }

    /// Waits for `session-closed`.
    ///
    /// # Errors
    /// It does not come, or is no such payload.
    pub async fn until_closed(&mut self) -> anyhow::Result<Closed> {
        let event = self.until_event(event::SESSION_CLOSED).await?;
        Ok(serde_json::from_value(event.payload)?)
    }

    /// Reads until the server disconnects this socket or the connection ends.
    ///
    /// # Errors
    /// It does not within [`PATIENCE`].
    pub async fn until_disconnected(&mut self) -> anyhow::Result<()> {
        let waiting = async {
            while !self.over {
                let incoming = self.socket.next().await?;
                self.take(incoming).await?;
            }
            anyhow::Ok(())
        };
        let result = timeout(PATIENCE, waiting).await;
        self.explain(result, "the end of the socket")
    }

    /// Takes the next thing that the server sends.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn step(&mut self) -> anyhow::Result<()> {
        if self.over {
            bail!("the socket is disconnected");
        }
        let incoming = self.socket.next().await?;
        self.take(incoming).await
    }

    async fn take(&mut self, incoming: Incoming) -> anyhow::Result<()> {
        let event = match incoming {
            Incoming::Event(event) => event,
            Incoming::Disconnected | Incoming::Closed => {
                self.over = true;
                return Ok(());
            }
        };
        match event.name.as_str() {
            event::SSH_OUTPUT => self.take_output(&event).await,
            event::SSH_INPUT_ACK => {
                self.taken = event.payload["offset"].as_u64().context("an ack without an offset")?;
                Ok(())
            }
            name => {
                // As the real page does, once the token is where a reload finds it.
                if name == event::SESSION_ATTACHED {
                    self.socket.emit_bare(event::SESSION_ATTACHED_ACK).await?;
                }
                if name == event::SESSION_CLOSED && self.protocol == Protocol::Ours {
                    self.socket.emit_bare(event::SESSION_CLOSED_ACK).await?;
                }
                self.events.push(event);
                Ok(())
            }
        }
    }

    async fn take_output(&mut self, event: &Event) -> anyhow::Result<()> {
        let Some(bytes) = self.output_of(event)? else {
            let text = event.payload["output"].as_str().context("output that is no text")?;
            self.output.extend_from_slice(text.as_bytes());
            return Ok(());
        };
        let offset = event.payload["offset"].as_u64().context("output without an offset")?;
        self.output.extend_from_slice(&bytes);
        let end = offset + bytes.len() as u64;
        // As the real page does: often enough, and whenever nothing more is on its way at once.
        if self.acknowledges && end > self.acknowledged {
            self.acknowledged = end;
            self.socket.emit(event::SSH_OUTPUT_ACK, json!({ "offset": end })).await?;
        }
        Ok(())
    }

    /// The bytes of our protocol's output; `None` for the original's.
    fn output_of(&self, event: &Event) -> anyhow::Result<Option<Bytes>> {
        match (self.protocol, &event.attachment) {
            (Protocol::Ours, Some(bytes)) => Ok(Some(bytes.clone())),
            (Protocol::Original, None) => Ok(None),
            (protocol, _) => bail!("output of the other protocol, not {protocol:?}: {}", event.frame),
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
