//! What the bytes of a connection run over: TCP, or a way through a jump host. Must not know SSH.

use std::{
    io,
    net::{IpAddr, Shutdown},
    pin::Pin,
    task::{Context, Poll},
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::tunnel::Tunnel;

/// A stream to an SSH server.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tunnel(Box<Tunnel>),
}

impl Stream {
    /// The address at its other end; only a jump host knows where a way through it ends.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(tcp) => tcp.peer_addr().ok().map(|address| address.ip()),
            Self::Tunnel(_) => None,
        }
    }

    /// Ends it in both directions, and wakes whoever waits for it.
    pub(crate) fn shut(&mut self) {
        match self {
            Self::Tcp(tcp) => {
                // It fails if the other side was faster.
                let _ = SockRef::from(&*tcp).shutdown(Shutdown::Both);
            }
            Self::Tunnel(tunnel) => tunnel.shut(),
        }
    }

    /// Why it is over, as far as that can be told without reading.
    pub(crate) fn broken(&self) -> Option<io::Error> {
        match self {
            Self::Tcp(tcp) => tcp.take_error().unwrap_or_else(Some),
            Self::Tunnel(tunnel) => tunnel.broken(),
        }
    }
}

/// Hands a call on to whichever it is.
macro_rules! each {
    ($stream:expr, $call:ident ( $($argument:expr),* )) => {
        match $stream.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).$call($($argument),*),
            Stream::Tunnel(tunnel) => Pin::new(&mut **tunnel).$call($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, poll_shutdown(cx))
    }
}
