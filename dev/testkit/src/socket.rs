//! A small client of Engine.IO 4 and Socket.IO 5 over a WebSocket, with nothing automatic but pongs.
//!
//! It reads when it is told to and acknowledges nothing, so a test can stop doing either.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::HeaderValue},
};
use wire::event;

/// An event from the server.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its payload; `null` without one.
    pub payload: Value,
    /// The binary attachment, if it has one.
    pub attachment: Option<Bytes>,
    /// The packet as it was on the wire, without the attachment.
    pub frame: String,
}

/// What the server sends.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// An event.
    Event(Event),
    /// The server took the socket out of the namespace.
    Disconnected,
    /// The connection is over.
    Closed,
}

/// A connected socket.
pub struct SocketClient {
    stream: WebSocketStream<TcpStream>,
    /// The first half of an event whose attachment has not come yet.
    partial: Option<Event>,
}

impl SocketClient {
    /// Connects to the namespace with our page's protocol.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn ours(address: SocketAddr) -> anyhow::Result<Self> {
        Self::ours_saying(address, json!({})).await
    }

    /// The same, with these events' payloads in CONNECT: `start` or `resume`.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn ours_saying(address: SocketAddr, mut said: Value) -> anyhow::Result<Self> {
        said["protocol"] = json!(wire::PROTOCOL);
        Self::connect(address, None, Some(said)).await
    }

    /// Connects to the namespace with the original's protocol.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn original(address: SocketAddr) -> anyhow::Result<Self> {
        Self::connect(address, None, None).await
    }

    /// Connects to the namespace with this `Origin` and this `auth` payload.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn connect(
        address: SocketAddr,
        origin: Option<&str>,
        auth: Option<Value>,
    ) -> anyhow::Result<Self> {
        let mut client = Self::open(address, origin).await?;
        client.enter(auth).await?;
        Ok(client)
    }

    /// Opens the WebSocket and stays outside of every namespace.
    ///
    /// # Errors
    /// The server refuses the upgrade.
    pub async fn open(address: SocketAddr, origin: Option<&str>) -> anyhow::Result<Self> {
        Self::upgrade(TcpStream::connect(address).await?, address, origin).await
    }

    /// Connects with the original's protocol and room for so few bytes that were not read, as at the
    /// end of a slow link.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn with_receive_buffer(address: SocketAddr, bytes: u32) -> anyhow::Result<Self> {
        let tcp = TcpSocket::new_v4()?;
        tcp.set_recv_buffer_size(bytes)?;
        let mut client = Self::upgrade(tcp.connect(address).await?, address, None).await?;
        client.enter(None).await?;
        Ok(client)
    }

    /// Connects with our page's protocol from this address, which must be one of this machine's.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn ours_from(source: IpAddr, address: SocketAddr) -> anyhow::Result<Self> {
        let tcp = TcpSocket::new_v4()?;
        tcp.bind(SocketAddr::from((source, 0)))?;
        let mut client = Self::upgrade(tcp.connect(address).await?, address, None).await?;
        client.enter(Some(json!({ "protocol": wire::PROTOCOL }))).await?;
        Ok(client)
    }

    async fn upgrade(tcp: TcpStream, address: SocketAddr, origin: Option<&str>) -> anyhow::Result<Self> {
        tcp.set_nodelay(true)?;
        let mut request =
            format!("ws://{address}/socket.io/?EIO=4&transport=websocket").into_client_request()?;
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", HeaderValue::from_str(origin)?);
        }
        let (stream, _) = client_async(request, tcp).await?;
        Ok(Self { stream, partial: None })
    }

    /// Enters the namespace.
    ///
    /// # Errors
    /// The server refuses, with its words.
    pub async fn enter(&mut self, auth: Option<Value>) -> anyhow::Result<()> {
        let auth = auth.map(|auth| auth.to_string()).unwrap_or_default();
        self.send_text(format!("40{},{auth}", event::NAMESPACE)).await?;
        loop {
            let text = self.text().await?.context("closed before the namespace answered")?;
            if text.starts_with(&format!("40{}", event::NAMESPACE)) {
                return Ok(());
            }
            if text.starts_with("44") {
                bail!("the namespace refuses: {text}");
            }
        }
    }

    /// Sends an event.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn emit(&mut self, name: &str, payload: Value) -> anyhow::Result<()> {
        self.send_text(format!("42{},{}", event::NAMESPACE, json!([name, payload]))).await
    }

    /// Sends an event without a payload.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn emit_bare(&mut self, name: &str) -> anyhow::Result<()> {
        self.send_text(format!("42{},{}", event::NAMESPACE, json!([name]))).await
    }

    /// Sends `ssh-input` as a binary attachment.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn emit_input_bytes(&mut self, bytes: impl Into<Bytes>) -> anyhow::Result<()> {
        let body = json!([event::SSH_INPUT, { "input": { "_placeholder": true, "num": 0 } }]);
        self.send_text(format!("451-{},{body}", event::NAMESPACE)).await?;
        self.stream.send(Message::Binary(bytes.into())).await?;
        Ok(())
    }

    /// Sends `ssh-input` as a binary attachment that begins at this offset.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn emit_input_at(&mut self, offset: u64, bytes: impl Into<Bytes>) -> anyhow::Result<()> {
        let input = json!({ "_placeholder": true, "num": 0 });
        let body = json!([event::SSH_INPUT, { "input": input, "offset": offset }]);
        self.send_text(format!("451-{},{body}", event::NAMESPACE)).await?;
        self.stream.send(Message::Binary(bytes.into())).await?;
        Ok(())
    }

    /// Sends a text frame as it is.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn send_text(&mut self, text: String) -> anyhow::Result<()> {
        self.stream.send(Message::text(text)).await?;
        Ok(())
    }

    /// Waits for what the server sends next, and answers its pings meanwhile. Cancelling loses nothing.
    ///
    /// # Errors
    /// The server breaks the protocol.
    pub async fn next(&mut self) -> anyhow::Result<Incoming> {
        let head = format!("{},", event::NAMESPACE);
        loop {
            let message = match self.message().await? {
                None => return Ok(Incoming::Closed),
                Some(Message::Binary(bytes)) => {
                    let mut event = self.partial.take().context("an attachment without its event")?;
                    event.attachment = Some(bytes);
                    return Ok(Incoming::Event(event));
                }
                Some(message) => message.into_text()?.as_str().to_owned(),
            };
            let Some((kind, rest)) = message.split_once(head.as_str()) else {
                match message.as_str() {
                    "1" => return Ok(Incoming::Closed),
                    other => bail!("unexpected packet {other:?}"),
                }
            };
            match kind {
                "42" => return Ok(Incoming::Event(parse_event(rest, &message)?)),
                "451-" => self.partial = Some(parse_event(rest, &message)?),
                "41" => return Ok(Incoming::Disconnected),
                other => bail!("unexpected packet type {other:?}"),
            }
        }
    }

    /// Closes the connection without a word, as a browser does that is killed.
    pub fn cut(self) {
        drop(self);
    }

    async fn text(&mut self) -> anyhow::Result<Option<String>> {
        match self.message().await? {
            Some(message) => Ok(Some(message.into_text()?.as_str().to_owned())),
            None => Ok(None),
        }
    }

    /// The next message that is no ping; `None` at the end of the connection.
    async fn message(&mut self) -> anyhow::Result<Option<Message>> {
        loop {
            match self.stream.next().await {
                None | Some(Ok(Message::Close(_))) => return Ok(None),
                Some(Err(
                    Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(_) | Error::Io(_),
                )) => {
                    return Ok(None);
                }
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => {
                    if self.send_text("3".to_owned()).await.is_err() {
                        return Ok(None);
                    }
                }
                Some(Ok(Message::Text(text))) if text.starts_with('0') => {}
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => return Ok(Some(message)),
                Some(Ok(_)) => {}
            }
        }
    }
}

fn parse_event(body: &str, frame: &str) -> anyhow::Result<Event> {
    let Value::Array(mut parts) = serde_json::from_str(body)? else { bail!("no event: {body}") };
    if parts.is_empty() {
        bail!("an event without a name");
    }
    let name = parts.remove(0).as_str().context("an event without a name")?.to_owned();
    let payload = parts.into_iter().next().unwrap_or_default();
    Ok(Event { name, payload, attachment: None, frame: frame.to_owned() })
}
