//! Socket.IO 4 over a WebSocket, in the namespace without a name.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Peer, Socket, next};

/// What a message means to Socket.IO.
#[derive(Debug)]
pub(super) enum Packet {
    /// A name, and the payload.
    Event(String, Value),
    /// The bytes of the event before.
    Bytes(Bytes),
    Ping,
    Nothing,
}

/// Opens a socket and enters the namespace.
pub(super) async fn open(
    peer: &Peer,
    path: &str,
    headers: &[(&'static str, &str)],
) -> anyhow::Result<Socket> {
    let mut socket = peer.socket(&format!("{path}/?EIO=4&transport=websocket"), headers).await?;
    let mut entered = false;
    while !entered {
        let text = next(&mut socket).await?.into_text()?;
        if text.starts_with('0') {
            socket.send(Message::text("40")).await?;
        } else if text.starts_with("44") {
            bail!("refused: {text}");
        }
        entered = text.starts_with("40");
    }
    Ok(socket)
}

/// An event.
pub(super) fn event(name: &str, payload: &Value) -> Message {
    Message::text(format!("42{}", json!([name, payload])))
}

/// The answer to a ping.
pub(super) fn pong() -> Message {
    Message::text("3")
}

/// Reads a message.
pub(super) fn packet(message: Message) -> anyhow::Result<Packet> {
    let text = match message {
        Message::Binary(bytes) => return Ok(Packet::Bytes(bytes)),
        message => message.into_text()?,
    };
    if text.as_str() == "2" {
        return Ok(Packet::Ping);
    }
    let Some(body) = text.strip_prefix("42").or_else(|| text.strip_prefix("451-")) else {
        if text.starts_with("41") {
            bail!("the gateway says goodbye");
        }
        return Ok(Packet::Nothing);
    };
    let mut parts: Vec<Value> = serde_json::from_str(body)?;
    let payload = if parts.len() > 1 { parts.swap_remove(1) } else { Value::Null };
    let name = parts.first().and_then(Value::as_str).context("an event without a name")?;
    Ok(Packet::Event(name.to_owned(), payload))
}
