//! The TCP connection under SSH, and the switch that cuts it from outside.
//!
//! Dropping russh's handle ends nothing, and its task can wait for a reader that is gone; so the
//! socket itself is shut, whatever that task is doing. Must not know SSH.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use parking_lot::Mutex;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// How much of what the target says first is kept for error messages.
const GREETING_LIMIT: usize = 256;

/// A TCP connection that can be cut.
pub(crate) struct Link {
    socket: Arc<Mutex<Socket>>,
    greeting: Greeting,
}

/// The first bytes that came from the target; they outlive the connection.
pub(crate) type Greeting = Arc<Mutex<Vec<u8>>>;

struct Socket {
    stream: TcpStream,
    cut: bool,
}

impl Link {
    /// Wraps a connection; it is cut when the switch is dropped.
    pub(crate) fn new(stream: TcpStream) -> (Self, Switch) {
        let socket = Arc::new(Mutex::new(Socket { stream, cut: false }));
        let switch = Switch(Cutter(Arc::downgrade(&socket)));
        (Self { socket, greeting: Greeting::default() }, switch)
    }

    /// What the target says first, up to 256 bytes of it.
    pub(crate) fn greeting(&self) -> Greeting {
        self.greeting.clone()
    }

    fn note_greeting(&self, bytes: &[u8]) {
        let mut greeting = self.greeting.lock();
        let room = GREETING_LIMIT.saturating_sub(greeting.len());
        greeting.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Cuts a connection when told to.
#[derive(Clone)]
pub(crate) struct Cutter(Weak<Mutex<Socket>>);

impl Cutter {
    /// Ends the connection now, in both directions; the socket closes with the task that owns it.
    pub(crate) fn cut(&self) {
        let Some(socket) = self.0.upgrade() else { return };
        let mut socket = socket.lock();
        socket.cut = true;
        // The shutdown also wakes whoever waits for the socket. It fails if the peer was faster.
        let _ = SockRef::from(&socket.stream).shutdown(std::net::Shutdown::Both);
    }
}

/// Cuts its connection when dropped.
pub(crate) struct Switch(Cutter);

impl Switch {
    /// The same switch, without the drop.
    pub(crate) fn cutter(&self) -> Cutter {
        self.0.clone()
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.0.cut();
    }
}

impl Socket {
    fn open(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if self.cut { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(Pin::new(&mut self.stream)) }
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = self.socket.lock().open()?.poll_read(cx, buf);
        self.note_greeting(&buf.filled()[before..]);
        polled
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.lock().open()?.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.lock().open()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.lock().open()?.poll_shutdown(cx)
    }
}
