//! An SSH server by hand, packet by packet, for what no library would ever send.
//!
//! It knows one algorithm of each kind and checks nothing of its client's; whatever it says is up to
//! the test.

use std::io;

use futures_util::future::BoxFuture;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

mod keys;
mod message;
mod peer;

pub use message::{Message, number};
pub use peer::{Exchanged, GREETING, Peer, kexinit};

/// What a server does with a connection.
pub type Deed = for<'a> fn(&'a mut Peer) -> BoxFuture<'a, io::Result<()>>;

/// A running server; dropping it ends it and its connections.
pub struct EvilServer {
    port: u16,
    task: JoinHandle<()>,
}

impl EvilServer {
    /// Starts a server that does the same with each connection, and then only listens.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(deed: Deed) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, deed));
            }
        });
        Ok(Self { port, task })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for EvilServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, deed: Deed) {
    let mut peer = Peer::new(stream);
    // Most clients go away in the middle of it, as they should.
    if deed(&mut peer).await.is_ok() {
        peer.listen().await;
    }
}
