//! The socket under SSH: read in large pieces, and ahead while russh may have nothing, and listened to for
//! signs of life.
//!
//! It is read at all times, so that an end is seen at once, and what comes while the gate is shut
//! is kept here. That is bounded: russh does not see it, gives no window back for it, and a target
//! without a window sends nothing. Must not know SSH.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncRead as _, AsyncWrite as _, ReadBuf},
    time::Instant,
};

use crate::{gate::Gate, stream::Stream};

/// The most that is read ahead, in bytes: a window, and more than as much again for what wraps
/// its messages. Only a target that sends messages of a few bytes needs more, and must wait.
pub(crate) const AHEAD_LIMIT: usize = 512 * 1024;
/// How much is read at once, in bytes.
const CHUNK: usize = 32 * 1024;

/// A connection, and what is known about its other side.
pub(crate) struct Socket {
    stream: Stream,
    gate: Arc<Gate>,
    /// What came and was not given yet.
    ahead: BytesMut,
    /// How the connection ended; it is told behind what is ahead.
    end: Option<End>,
    /// Ended by us: nothing matters any more.
    cut: bool,
    /// A write waits for the other side.
    write_waits: bool,
    /// When the other side last gave a sign of life.
    heard: Instant,
}

#[derive(Clone, Copy)]
enum End {
    /// In good order.
    Closed,
    /// By an error.
    Broken(io::ErrorKind),
}

impl Socket {
    pub(crate) fn new(stream: Stream, gate: Arc<Gate>) -> Self {
        Self {
            stream,
            gate,
            ahead: BytesMut::new(),
            end: None,
            cut: false,
            write_waits: false,
            heard: Instant::now(),
        }
    }

    /// Ends the connection now, in both directions, and forgets what is ahead.
    pub(crate) fn cut(&mut self) {
        self.cut = true;
        self.shut();
    }

    /// Ends the connection because the other side is silent; what is ahead is still given.
    pub(crate) fn give_up(&mut self) {
        self.end.get_or_insert(End::Broken(io::ErrorKind::TimedOut));
        self.shut();
    }

    /// See [`Gate::widen`].
    pub(crate) fn widen(&mut self) {
        self.gate.widen();
    }

    /// When the other side last gave a sign of life. While no more is read ahead nobody listens,
    /// and at a full gate it may wait for an answer to what lies behind; then it counts as alive as
    /// long as the system takes it for that.
    pub(crate) fn heard(&mut self) -> Instant {
        if self.ahead.len() >= AHEAD_LIMIT || self.gate.is_full() {
            match self.stream.broken() {
                None => self.heard = Instant::now(),
                Some(error) => {
                    self.end.get_or_insert(End::Broken(error.kind()));
                    self.gate.wake();
                }
            }
        }
        self.heard
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        if self.gate.poll_open(cx).is_pending() {
            self.read_ahead(cx);
            if self.end.is_none() {
                return Poll::Pending;
            }
        }
        if self.ahead.is_empty() && self.end.is_none() {
            ready!(self.read_once(cx));
        }
        // What came goes before how it ended.
        if !self.ahead.is_empty() {
            self.give(buf);
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(match self.end {
            Some(End::Broken(kind)) => Err(kind.into()),
            Some(End::Closed) | None => Ok(()),
        })
    }

    /// Ready when the other side has ended the connection. Reads ahead, and sees no end behind more
    /// than the bound of that. For whoever waits while nobody reads.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.read_ahead(cx);
        if self.cut || self.end.is_some() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// A connection that does not take writes any more may still hold last words: it is read to
    /// its end, which says what happened.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Ready(Ok(length)) => {
                // Whoever makes room is alive. Room that was there tells nothing.
                if std::mem::take(&mut self.write_waits) {
                    self.heard = Instant::now();
                }
                Poll::Ready(Ok(length))
            }
            Poll::Ready(Err(error)) => {
                if self.end.is_none() {
                    self.read_ahead(cx);
                    self.end = Some(End::Broken(error.kind()));
                }
                Poll::Ready(Ok(bytes.len()))
            }
            Poll::Pending => {
                self.write_waits = true;
                // russh does not read until this is written.
                self.read_ahead(cx);
                Poll::Pending
            }
        }
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Fails never: the other side may have been faster.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx).map(|_| Ok(()))
    }

    fn check(&self) -> io::Result<()> {
        if self.cut { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    /// Wakes whoever waits for the socket or for the gate.
    fn shut(&mut self) {
        self.stream.shut();
        self.gate.wake();
    }

    fn read_ahead(&mut self, cx: &mut Context<'_>) {
        while self.end.is_none() && self.ahead.len() < AHEAD_LIMIT && self.read_once(cx).is_ready() {}
    }

    /// Reads what is there, up to a chunk, which holds many messages; russh takes each in two pieces. Ready
    /// with bytes and with an end.
    fn read_once(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [const { MaybeUninit::uninit() }; CHUNK];
        let mut chunk = ReadBuf::uninit(&mut space);
        match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut chunk)) {
            Err(error) => self.end = Some(End::Broken(error.kind())),
            Ok(()) if chunk.filled().is_empty() => self.end = Some(End::Closed),
            Ok(()) => {
                self.ahead.extend_from_slice(chunk.filled());
                self.heard = Instant::now();
            }
        }
        Poll::Ready(())
    }

    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let length = buf.remaining().min(self.ahead.len());
        buf.put_slice(&self.ahead[..length]);
        self.ahead.advance(length);
        if self.ahead.is_empty() {
            // An idle connection keeps no buffer.
            self.ahead = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, net::Ipv4Addr, task::Waker, time::Duration};

    use socket2::SockRef;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        time::timeout,
    };

    use super::*;
    use crate::gate::{FULL_AT, SHUT_AT};

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A socket whose gate is shut, and its other side.
    async fn shut_socket() -> (Socket, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        let gate = Arc::new(Gate::default());
        gate.arrived(SHUT_AT);
        (Socket::new(Stream::Tcp(ours.unwrap()), gate), theirs.unwrap().0)
    }

    /// Reads ahead until it is as wanted; nothing is given meanwhile.
    async fn ahead(socket: &mut Socket, wanted: impl Fn(&Socket) -> bool) {
        let reading = poll_fn(|cx| {
            let mut space = [0; 64];
            if socket.end.is_none() {
                assert!(socket.poll_read(cx, &mut ReadBuf::new(&mut space)).is_pending());
            }
            if wanted(socket) { Poll::Ready(()) } else { Poll::Pending }
        });
        timeout(PATIENCE, reading).await.unwrap();
    }

    async fn read(socket: &mut Socket) -> io::Result<Vec<u8>> {
        let mut space = [0; 64];
        let mut buf = ReadBuf::new(&mut space);
        timeout(PATIENCE, poll_fn(|cx| socket.poll_read(cx, &mut buf))).await.unwrap()?;
        Ok(buf.filled().to_vec())
    }

    #[tokio::test]
    async fn what_came_while_the_gate_was_shut_is_given_when_it_opens_before_what_follows() {
        let (mut socket, mut peer) = shut_socket().await;
        peer.write_all(b"first ").await.unwrap();
        ahead(&mut socket, |socket| !socket.ahead.is_empty()).await;
        socket.gate.taken(SHUT_AT);
        assert_eq!(read(&mut socket).await.unwrap(), b"first ");
        peer.write_all(b"second").await.unwrap();
        assert_eq!(read(&mut socket).await.unwrap(), b"second");
    }

    #[tokio::test]
    async fn a_shut_gate_lets_the_end_through_behind_all_that_came() {
        let (mut socket, mut peer) = shut_socket().await;
        peer.write_all(b"last words").await.unwrap();
        drop(peer);
        assert_eq!(read(&mut socket).await.unwrap(), b"last words");
        assert_eq!(read(&mut socket).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn no_more_than_the_bound_is_read_ahead_and_then_silence_means_nothing() {
        let (mut socket, mut peer) = shut_socket().await;
        let talking = tokio::spawn(async move {
            // It ends when the socket is dropped.
            while peer.write_all(&[b'x'; 8 * 1024]).await.is_ok() {}
        });
        ahead(&mut socket, |socket| socket.ahead.len() >= AHEAD_LIMIT).await;
        assert!(socket.ahead.len() < AHEAD_LIMIT + CHUNK);
        let heard = socket.heard();
        tokio::task::yield_now().await;
        assert!(socket.heard() > heard);
        drop(socket);
        timeout(PATIENCE, talking).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn at_a_full_gate_silence_means_nothing() {
        let (mut socket, _peer) = shut_socket().await;
        socket.widen();
        let born = socket.heard();
        tokio::task::yield_now().await;
        assert_eq!(socket.heard(), born);
        socket.gate.arrived(FULL_AT);
        assert!(socket.heard() > born);
    }

    #[tokio::test]
    async fn a_silent_peer_that_is_given_up_ends_behind_what_is_ahead() {
        let (mut socket, mut peer) = shut_socket().await;
        peer.write_all(b"said before").await.unwrap();
        ahead(&mut socket, |socket| !socket.ahead.is_empty()).await;
        socket.give_up();
        assert_eq!(read(&mut socket).await.unwrap(), b"said before");
        assert_eq!(read(&mut socket).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_peer_that_takes_no_more_is_still_read_to_its_end() {
        let (mut socket, mut peer) = shut_socket().await;
        peer.write_all(b"last words").await.unwrap();
        SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        ahead(&mut socket, |socket| !socket.ahead.is_empty()).await;
        drop(peer);
        let written = poll_fn(|cx| socket.poll_write(cx, b"into the void"));
        assert_eq!(timeout(PATIENCE, written).await.unwrap().unwrap(), 13);
        assert_eq!(read(&mut socket).await.unwrap(), b"last words");
        assert_eq!(read(&mut socket).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn room_that_was_made_is_a_sign_of_life_and_room_that_was_there_is_none() {
        let (mut socket, mut peer) = shut_socket().await;
        let born = socket.heard();
        let mut cx = Context::from_waker(Waker::noop());
        while socket.poll_write(&mut cx, &[b'x'; 64 * 1024]).is_ready() {}
        assert_eq!(socket.heard(), born);
        let taking = tokio::spawn(async move {
            let mut taken = vec![0; 1 << 20];
            while peer.read(&mut taken).await.is_ok_and(|length| length > 0) {}
        });
        timeout(PATIENCE, poll_fn(|cx| socket.poll_write(cx, b"x"))).await.unwrap().unwrap();
        assert!(socket.heard() > born);
        drop(socket);
        timeout(PATIENCE, taking).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_is_cut_neither_reads_nor_writes() {
        let (mut socket, mut peer) = shut_socket().await;
        peer.write_all(b"said before").await.unwrap();
        ahead(&mut socket, |socket| !socket.ahead.is_empty()).await;
        socket.cut();
        let aborted = io::ErrorKind::ConnectionAborted;
        assert_eq!(read(&mut socket).await.unwrap_err().kind(), aborted);
        let written = poll_fn(|cx| socket.poll_write(cx, b"x")).await;
        assert_eq!(written.unwrap_err().kind(), aborted);
    }
}
