//! One accepted TCP connection: its socket options, its meter, its kill switch and its place
//! under the caps.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use parking_lot::Mutex;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use crate::{config::Limits, meter::Meter};

/// The kernel keeps at most about this much that it has not sent, so that the backlog of a slow
/// link waits here, where it is seen; in bytes.
const NOT_SENT: u32 = 64 * 1024;
/// Data that the browser's side does not confirm for this long ends the connection.
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// What the handlers of a request may know of the connection that it came on.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    meter: Mutex<Arc<Meter>>,
    cut: CancellationToken,
}

impl Peer {
    pub(crate) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter.lock())
    }

    /// From now on what is read and written counts for this meter.
    pub(crate) fn count_for(&self, meter: Arc<Meter>) {
        meter.carried_by(self.cut.clone());
        meter.hear();
        *self.meter.lock() = meter;
    }
}

/// The stream that HTTP and WebSocket run on.
pub(crate) struct Connection {
    stream: TcpStream,
    peer: Arc<Peer>,
    /// One for each direction, since each has a task of its own to wake.
    killed_read: Pin<Box<WaitForCancellationFutureOwned>>,
    killed_write: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: Place,
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        address: SocketAddr,
        kill: &CancellationToken,
        place: Place,
    ) -> io::Result<Self> {
        set_options(&stream)?;
        let cut = kill.child_token();
        let peer = Arc::new(Peer { address, meter: Mutex::default(), cut: cut.clone() });
        Ok(Self {
            stream,
            peer,
            killed_read: Box::pin(cut.clone().cancelled_owned()),
            killed_write: Box::pin(cut.cancelled_owned()),
            _place: place,
        })
    }

    pub(crate) fn peer(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
    }

    /// Writes what `write` writes, unless the connection was killed, and counts it.
    fn metered(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.killed_write.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let written = ready!(write(Pin::new(&mut self.stream), cx))?;
        self.peer.meter.lock().add(written);
        Poll::Ready(Ok(written))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.peer.meter.lock().close();
    }
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(15))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    socket.set_tcp_notsent_lowat(NOT_SENT)
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.killed_read.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.peer.meter.lock().hear();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.metered(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.metered(cx, |stream, cx| stream.poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Counts connections, in all and by address.
pub(crate) struct Places {
    limits: Limits,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    all: TaskTracker,
}

/// A connection's place under the caps; free again when dropped.
pub(crate) struct Place {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    _counted: TaskTrackerToken,
}

impl Places {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, taken: Arc::default(), all: TaskTracker::new() }
    }

    /// A place for one more connection from this address, if there is one.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut taken = self.taken.lock();
        if taken.values().sum::<usize>() >= self.limits.connections {
            return None;
        }
        let count = taken.entry(address).or_default();
        if *count >= self.limits.connections_per_address {
            return None;
        }
        *count += 1;
        Some(Place { address, taken: Arc::clone(&self.taken), _counted: self.all.token() })
    }

    /// How many are taken.
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// Resolves when every place is free again.
    pub(crate) async fn all_free(&self) {
        self.all.close();
        self.all.wait().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn places_are_bounded_by_address_and_in_all_and_come_back() {
        let places = Places::new(Limits { connections_per_address: 2, connections: 3, ..Limits::default() });
        let address = |last| IpAddr::from(Ipv4Addr::new(192, 0, 2, last));
        let first = places.take(address(1)).unwrap();
        let _second = places.take(address(1)).unwrap();
        assert!(places.take(address(1)).is_none());
        let _third = places.take(address(2)).unwrap();
        assert!(places.take(address(3)).is_none());
        assert_eq!(places.count(), 3);
        drop(first);
        assert_eq!(places.count(), 2);
        assert!(places.take(address(1)).is_some());
        assert!(places.take(IpAddr::from(Ipv4Addr::new(192, 0, 2, 9).to_ipv6_mapped())).is_some());
    }
}
