//! HTTP and Socket.IO in front of the engine's registry.
//!
//! Must not know SSH, the command line or the environment.

use std::{io, net::SocketAddr, sync::Arc};

use engine::Registry;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the front is told to do.
pub struct Config {
    /// The origin that browsers reach this gateway at, such as `https://terminal.example.org`.
    pub public_url: Option<PublicUrl>,
    /// Who may create sessions. Empty: everybody who reaches the port.
    pub api_tokens: Vec<ApiToken>,
    /// Who may frame the page: CSP `frame-ancestors` sources such as `'self'` or an origin.
    pub frame_ancestors: Vec<FrameAncestor>,
    /// A sentence on the page for used links: how to get a new one here.
    pub new_url_hint: Option<String>,
}

/// A named right to create sessions.
pub struct ApiToken {
    /// The name, for logs.
    pub name: String,
    /// The token.
    pub token: SecretString,
}

/// An origin, and nothing after it: `http://host[:port]` or `https://host[:port]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads an origin; one trailing slash is forgiven.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

/// One source of CSP `frame-ancestors`: `'self'`, `'none'`, an origin, or a scheme and host with a
/// leading `*.`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FrameAncestor(String);

impl FrameAncestor {
    /// Reads a source.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

/// A front that is bound to its port.
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Binds the port.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(address: SocketAddr, _config: Config, _registry: Arc<Registry>) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await? })
    }

    /// The address it is bound to.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is cancelled, then accepts nothing more, ends every session through
    /// the registry so that pages are told, and closes every connection within 5 s.
    pub async fn run(self, stop: CancellationToken) {
        stop.cancelled().await;
    }
}
