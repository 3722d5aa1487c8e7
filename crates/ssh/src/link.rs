//! The stream that russh runs on, and the handles that reach the socket in it from outside.
//!
//! Dropping russh's handle ends nothing, and its task may be waiting for anything; so the socket
//! itself is shut, whatever that task is doing. Must not know SSH.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::{allowance::Allowance, gate::Gate, greeting::Greeting, socket::Socket, stream::Stream};

/// A connection that can be cut.
pub(crate) struct Link {
    socket: Arc<Mutex<Socket>>,
    greeting: Greeting,
    carried: Carried,
    allowance: Arc<Allowance>,
}

/// How many bytes russh has read and written.
pub(crate) type Carried = Arc<AtomicU64>;

impl Link {
    /// Wraps a connection that gives nothing while the gate is shut; it is cut when the switch is
    /// dropped.
    pub(crate) fn new(stream: Stream, gate: Arc<Gate>, greeting: Greeting) -> (Self, Switch) {
        let socket = Arc::new(Mutex::new(Socket::new(stream, gate)));
        let switch = Switch(Cutter(Arc::downgrade(&socket)));
        let (carried, allowance) = Default::default();
        (Self { socket, greeting, carried, allowance }, switch)
    }

    /// A count that goes on with the connection.
    pub(crate) fn carried(&self) -> Carried {
        self.carried.clone()
    }

    /// What the target may say before it is lifted.
    pub(crate) fn allowance(&self) -> Arc<Allowance> {
        self.allowance.clone()
    }

    fn count(&self, length: usize) {
        self.carried.fetch_add(length as u64, Ordering::Relaxed);
    }
}

/// Cuts a connection when told to; the socket closes with the task that owns it.
#[derive(Clone)]
pub(crate) struct Cutter(Weak<Mutex<Socket>>);

impl Cutter {
    /// Ends the connection now, in both directions.
    pub(crate) fn cut(&self) {
        if let Some(socket) = self.0.upgrade() {
            socket.lock().cut();
        }
    }
}

/// Cuts its connection when dropped.
pub(crate) struct Switch(Cutter);

impl Switch {
    /// The same switch, without the drop.
    pub(crate) fn cutter(&self) -> Cutter {
        self.0.clone()
    }

    /// What can be told of the other side's life.
    pub(crate) fn pulse(&self) -> Pulse {
        Pulse(self.0.0.clone())
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// Feels whether the other side of a connection is alive.
#[derive(Clone)]
pub(crate) struct Pulse(Weak<Mutex<Socket>>);

impl Pulse {
    /// When it last gave a sign of life; nothing, if the connection is over.
    pub(crate) fn heard(&self) -> Option<Instant> {
        Some(self.0.upgrade()?.lock().heard())
    }

    /// Resolves when the other side has ended the connection, although nobody reads it meanwhile.
    pub(crate) async fn ended(&self) {
        poll_fn(|cx| match self.0.upgrade() {
            Some(socket) => socket.lock().poll_end(cx),
            None => Poll::Ready(()),
        })
        .await;
    }

    /// See [`Gate::widen`].
    pub(crate) fn widen(&self) {
        if let Some(socket) = self.0.upgrade() {
            socket.lock().widen();
        }
    }

    /// See [`Socket::give_up`].
    pub(crate) fn give_up(&self) {
        if let Some(socket) = self.0.upgrade() {
            socket.lock().give_up();
        }
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = self.socket.lock().poll_read(cx, buf);
        self.greeting.hear(&buf.filled()[before..]);
        self.count(buf.filled().len() - before);
        self.allowance.spend(buf.filled().len() - before)?;
        polled
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = self.socket.lock().poll_write(cx, buf);
        if let Poll::Ready(Ok(length)) = polled {
            self.count(length);
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.lock().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.lock().poll_shutdown(cx)
    }
}
