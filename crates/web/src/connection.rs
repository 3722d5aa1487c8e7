//! One accepted TCP connection: its socket options, its meter, its kill switch, its place under the
//! caps, and its end.

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
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    runtime,
    time::timeout,
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
/// How long a browser may take to close a connection that is closed to it.
const LINGER: Duration = Duration::from_secs(5);

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
    /// There until the connection is dropped.
    open: Option<Open>,
    /// The browser has closed its side.
    read_to_end: bool,
    peer: Arc<Peer>,
    /// One for each direction, since each has a task of its own to wake.
    killed_read: Pin<Box<WaitForCancellationFutureOwned>>,
    killed_write: Pin<Box<WaitForCancellationFutureOwned>>,
}

struct Open {
    stream: TcpStream,
    _place: Place,
}

impl Open {
    /// Reads what still comes and throws it away, until the browser has closed its side too.
    ///
    /// To close a socket that something was not read from is to reset the connection, and a browser
    /// that meets the reset does not read the last words to it.
    async fn linger(mut self) {
        if self.stream.shutdown().await.is_ok() {
            // An error here is the end that was waited for.
            let _ = tokio::io::copy(&mut self.stream, &mut tokio::io::sink()).await;
        }
    }
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
            open: Some(Open { stream, _place: place }),
            read_to_end: false,
            peer,
            killed_read: Box::pin(cut.clone().cancelled_owned()),
            killed_write: Box::pin(cut.cancelled_owned()),
        })
    }

    pub(crate) fn peer(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.open.as_mut().map(|open| Pin::new(&mut open.stream)).ok_or(io::ErrorKind::NotConnected.into())
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
        let written = ready!(write(self.stream()?, cx))?;
        self.peer.meter.lock().add(written);
        Poll::Ready(Ok(written))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.peer.meter.lock().close();
        let Some(open) = self.open.take() else { return };
        let cut = self.peer.cut.clone();
        if self.read_to_end || cut.is_cancelled() {
            return;
        }
        // Without a runtime the process is at its end.
        if let Ok(runtime) = runtime::Handle::try_current() {
            runtime.spawn(timeout(LINGER, cut.run_until_cancelled_owned(open.linger())));
        }
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
        let room = buffer.remaining() > 0;
        ready!(self.stream()?.poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.peer.meter.lock().hear();
        } else if room {
            self.read_to_end = true;
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
        self.open.as_ref().is_some_and(|open| open.stream.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
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

    use tokio::{io::AsyncReadExt as _, net::TcpListener};

    use super::*;

    /// A connection and its browser's end.
    async fn pair(kill: &CancellationToken, places: &Places) -> (Connection, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let browser = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, address) = listener.accept().await.unwrap();
        let place = places.take(address.ip()).unwrap();
        (Connection::new(stream, address, kill, place).unwrap(), browser)
    }

    #[tokio::test]
    async fn last_words_arrive_though_something_was_not_read() {
        let places = Places::new(Limits::default());
        let (mut connection, mut browser) = pair(&CancellationToken::new(), &places).await;
        browser.write_all(b"not read").await.unwrap();
        connection.open.as_ref().unwrap().stream.readable().await.unwrap();
        connection.write_all(b"last words").await.unwrap();
        drop(connection);
        browser.write_all(b"nor this").await.unwrap();
        let mut heard = String::new();
        browser.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "last words");
        assert_eq!(places.count(), 1);
        drop(browser);
        places.all_free().await;
    }

    #[tokio::test]
    async fn a_killed_connection_does_not_wait_for_its_browser() {
        let (places, kill) = (Places::new(Limits::default()), CancellationToken::new());
        let (connection, _browser) = pair(&kill, &places).await;
        let (closed, _other_browser) = pair(&kill, &places).await;
        drop(closed);
        kill.cancel();
        drop(connection);
        places.all_free().await;
    }

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
