//! The gateway as our page speaks to it: bytes, acknowledged as often as the page does, and input within
//! its window.

use std::{collections::VecDeque, net::SocketAddr, str};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde_json::{Value, json};
use testkit::{Event, Http, Incoming, SocketClient};
use tokio::time::{Duration, Instant, sleep_until, timeout_at};
use wire::{event, limits};

/// When output is acknowledged that is less than the page lets come together.
const ACK_DELAY: Duration = Duration::from_millis(50);
/// The largest piece of input that the page sends at once.
const INPUT_PIECE: usize = 16 * 1024;

/// A step of opening a shell, and when it was over.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) end: Instant,
}

/// A page with an open shell.
pub(crate) struct Page {
    socket: SocketClient,
    /// Output that came while something else was waited for.
    early: VecDeque<Bytes>,
    received: u64,
    acknowledged: u64,
    /// When what was received is acknowledged in any case.
    due: Instant,
    /// Bytes of input that were sent, and of those that the gateway handed on.
    typed: u64,
    taken: u64,
    stages: Vec<Stage>,
}

impl Page {
    /// Orders a session, opens the socket, starts it and waits for its shell.
    pub(super) async fn open(http: &Http, address: SocketAddr, order: &Value) -> anyhow::Result<Self> {
        let answer = http.post_json("/create-session", order).await?.json()?;
        let ticket = answer["uuid"].as_str().with_context(|| answer.to_string())?;
        let ordered = Instant::now();
        let start = json!({ "create_session_id": ticket, "cols": 80, "rows": 24 });
        let socket = SocketClient::ours_saying(address, json!({ "start": start })).await?;
        let mut page = Self {
            socket,
            early: VecDeque::new(),
            received: 0,
            acknowledged: 0,
            due: Instant::now(),
            typed: 0,
            taken: 0,
            stages: vec![Stage { name: "HTTP POST", end: ordered }],
        };
        page.is_over("socket");
        let mut running = "start";
        loop {
            let event = page.event().await?;
            match event.name.as_str() {
                event::SESSION_PROGRESS => {
                    page.is_over(running);
                    running = step(&event)?;
                }
                event::CONNECTION_READY => {
                    page.is_over(running);
                    return Ok(page);
                }
                event::SESSION_ATTACHED => page.socket.emit_bare(event::SESSION_ATTACHED_ACK).await?,
                event::SESSION_CLOSED => bail!("{}", event.payload),
                _ => page.early.extend(event.attachment),
            }
        }
    }

    /// When each step of opening it was over.
    pub(super) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Types a few keys.
    pub(super) async fn send(&mut self, keys: &str) -> anyhow::Result<()> {
        let input = json!({ "input": keys, "offset": self.typed });
        self.typed += keys.len() as u64;
        self.socket.emit(event::SSH_INPUT, input).await
    }

    /// Types as much as may be on its way, and goes on as it is taken.
    pub(super) async fn paste(&mut self, text: &str) -> anyhow::Result<()> {
        for piece in text.as_bytes().chunks(INPUT_PIECE) {
            while self.typed + piece.len() as u64 > self.taken + limits::INPUT_WINDOW {
                let output = self.event().await?.attachment;
                self.early.extend(output);
            }
            self.send(str::from_utf8(piece).context("only ASCII is pasted")?).await?;
        }
        Ok(())
    }

    /// Acknowledges what is due before `end`, as the page does while nothing happens.
    pub(super) async fn rest(&mut self, end: Instant) -> anyhow::Result<()> {
        if self.received > self.acknowledged && self.due <= end {
            sleep_until(self.due).await;
            self.acknowledge().await?;
        }
        Ok(())
    }

    /// The next output.
    pub(super) async fn output(&mut self) -> anyhow::Result<Bytes> {
        if let Some(bytes) = self.early.pop_front() {
            return Ok(bytes);
        }
        loop {
            let event = self.event().await?;
            if event.name == event::SESSION_CLOSED {
                self.socket.emit_bare(event::SESSION_CLOSED_ACK).await?;
                bail!("the session is over: {}", event.payload);
            }
            if let Some(bytes) = event.attachment {
                return Ok(bytes);
            }
        }
    }

    fn is_over(&mut self, name: &'static str) {
        self.stages.push(Stage { name, end: Instant::now() });
    }

    /// The next event; acknowledges output meanwhile.
    async fn event(&mut self) -> anyhow::Result<Event> {
        loop {
            let waits = self.received > self.acknowledged;
            let full = self.received >= self.acknowledged + limits::OUTPUT_ACK_EVERY;
            if full || waits && self.due <= Instant::now() {
                self.acknowledge().await?;
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

    async fn acknowledge(&mut self) -> anyhow::Result<()> {
        self.acknowledged = self.received;
        self.socket.emit(event::SSH_OUTPUT_ACK, json!({ "offset": self.received })).await
    }

    fn take(&mut self, incoming: Incoming) -> anyhow::Result<Event> {
        let Incoming::Event(event) = incoming else { bail!("the gateway closed") };
        let offset = || event.payload["offset"].as_u64().context("no offset");
        match &event.attachment {
            Some(bytes) => self.received = offset()? + bytes.len() as u64,
            None if event.name == event::SSH_INPUT_ACK => self.taken = offset()?,
            None => {}
        }
        Ok(event)
    }
}

fn step(progress: &Event) -> anyhow::Result<&'static str> {
    let step = progress.payload["step"].as_str().context("no step")?;
    let known = ["dial", "handshake", "auth", "shell"];
    known.into_iter().find(|name| *name == step).with_context(|| format!("an unknown step {step}"))
}
