//! Other products' gateways, running somewhere on this machine: each file here speaks one wire protocol.

mod socket_io;
mod sshwifty;
mod ttyd;
mod webssh;
mod webssh2;
mod wetty;

use std::{net::SocketAddr, str::FromStr};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::ValueEnum;
use futures_util::{SinkExt as _, StreamExt as _};
use testkit::{Http, process::ProcessId};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};
use url::Url;

use super::{Client, original::Original};
use crate::lab::Lab;

/// A product that the driver can speak to.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, ValueEnum)]
pub(crate) enum Product {
    /// The original, or any gateway that takes its clients.
    AlfrescoSsh,
    Webssh,
    Ttyd,
    Wetty,
    Webssh2,
    Sshwifty,
}

impl Product {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AlfrescoSsh => "alfresco-ssh (Python)",
            Self::Webssh => "webssh",
            Self::Ttyd => "ttyd",
            Self::Wetty => "wetty",
            Self::Webssh2 => "webssh2",
            Self::Sshwifty => "sshwifty",
        }
    }

    /// Its name in JSON.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::AlfrescoSsh => "alfresco-ssh",
            _ => self.name(),
        }
    }
}

/// Where one of them runs: `webssh=http://127.0.0.1:8888`.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) product: Product,
    /// Its process, if it is known.
    pub(crate) pid: Option<ProcessId>,
    address: SocketAddr,
    /// The path before all of its paths, without a slash at its end.
    base: String,
}

impl FromStr for Peer {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (product, url) = text.split_once('=').context("NAME=URL is wanted")?;
        let url = Url::parse(url)?;
        if url.scheme() != "http" {
            bail!("only http:// is spoken");
        }
        let address = url.socket_addrs(|| None)?.into_iter().next().context("no address")?;
        let base = url.path().trim_end_matches('/').to_owned();
        Ok(Self { product: product_named(product)?, pid: None, address, base })
    }
}

/// The process of one of them: `webssh=1234`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerPid {
    pub(crate) product: Product,
    pub(crate) pid: ProcessId,
}

impl FromStr for PeerPid {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (product, pid) = text.split_once('=').context("NAME=PID is wanted")?;
        Ok(Self { product: product_named(product)?, pid: pid.parse()? })
    }
}

fn product_named(name: &str) -> anyhow::Result<Product> {
    Product::from_str(name, false).map_err(anyhow::Error::msg)
}

impl Peer {
    /// Opens a shell on the lab's sshd; its prompt is still to come.
    pub(super) async fn open(&self, lab: &Lab) -> anyhow::Result<Client> {
        let session = match self.product {
            Product::AlfrescoSsh => {
                let original = Original::open(&self.http(), self.address, &lab.sshd).await?;
                return Ok(Client::Original(Box::new(original)));
            }
            Product::Webssh => webssh::open(self, lab).await?,
            Product::Ttyd => ttyd::open(self).await?,
            Product::Wetty => wetty::open(self).await?,
            Product::Webssh2 => webssh2::open(self, lab).await?,
            Product::Sshwifty => sshwifty::open(self, lab).await?,
        };
        Ok(Client::Peer(Box::new(session)))
    }

    fn http(&self) -> Http {
        Http::new(self.address)
    }

    /// Opens a WebSocket with these further headers.
    async fn socket(&self, path: &str, headers: &[(&'static str, &str)]) -> anyhow::Result<Socket> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let mut request = format!("ws://{}{}{path}", self.address, self.base).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value)?);
        }
        Ok(client_async(request, tcp).await?.0)
    }
}

type Socket = WebSocketStream<TcpStream>;

/// How a product says things, once its shell is opened.
trait Speech: Send {
    /// What is sent for keys.
    fn keys(&mut self, keys: &str) -> anyhow::Result<Message>;

    /// What a message means.
    fn hear(&mut self, message: Message) -> anyhow::Result<Heard>;
}

/// What a message means.
#[derive(Debug, Default)]
struct Heard {
    output: Bytes,
    /// What it is answered with.
    answer: Option<Message>,
}

impl Heard {
    fn output(output: impl Into<Bytes>) -> Self {
        Self { output: output.into(), answer: None }
    }

    fn answer(answer: Message) -> Self {
        Self { output: Bytes::new(), answer: Some(answer) }
    }
}

/// A shell through one of them.
pub(crate) struct Session {
    socket: Socket,
    speech: Box<dyn Speech>,
}

impl Session {
    fn new(socket: Socket, speech: impl Speech + 'static) -> Self {
        Self { socket, speech: Box::new(speech) }
    }

    /// Types.
    pub(super) async fn send(&mut self, keys: &str) -> anyhow::Result<()> {
        let message = self.speech.keys(keys)?;
        Ok(self.socket.send(message).await?)
    }

    /// The next output.
    pub(super) async fn output(&mut self) -> anyhow::Result<Bytes> {
        loop {
            let message = next(&mut self.socket).await?;
            let heard = self.speech.hear(message)?;
            if let Some(answer) = heard.answer {
                self.socket.send(answer).await?;
            }
            if !heard.output.is_empty() {
                return Ok(heard.output);
            }
        }
    }
}

/// The next message with a meaning.
async fn next(socket: &mut Socket) -> anyhow::Result<Message> {
    loop {
        match socket.next().await.context("the gateway closed")?? {
            Message::Close(reason) => bail!("the gateway closed: {reason:?}"),
            message @ (Message::Text(_) | Message::Binary(_)) => return Ok(message),
            _ => {}
        }
    }
}
