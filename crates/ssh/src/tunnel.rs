//! A way through a jump host: a channel of its connection, as a stream that SSH can run on again.

use std::{
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf as _, Bytes};
use russh::{Channel, ChannelMsg, ChannelWriteHalf, client::Msg};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::Handle,
};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use crate::{gate::Gate, inbox::Inbox};

/// The connection that carries a tunnel, as far as the tunnel knows it.
#[derive(Clone)]
pub(crate) struct Carrier {
    pub(crate) gate: Arc<Gate>,
    /// Cancelled when it is gone.
    pub(crate) gone: CancellationToken,
    /// It was gone before what it carries had ended.
    pub(crate) lost: Arc<AtomicBool>,
    /// Those that the other side has not closed yet.
    pub(crate) tunnels: TaskTracker,
}

/// A channel that leads to the next host.
pub(crate) struct Tunnel {
    carrier: Carrier,
    /// None once the tunnel is dropped.
    inbox: Option<Inbox>,
    /// What of a message was not read yet.
    rest: Bytes,
    channel: Arc<ChannelWriteHalf<Msg>>,
    writer: Pin<Box<dyn AsyncWrite + Send>>,
    /// Nothing more comes.
    ended: bool,
    /// The other side knows that nothing more comes from here, and will close it.
    said_end: bool,
    is_open: TaskTrackerToken,
    /// Whoever waits for it: one task does both, reading and writing.
    waiting: Option<Waker>,
}

impl Tunnel {
    pub(crate) fn new(channel: Channel<Msg>, carrier: Carrier) -> Self {
        let (reader, channel) = channel.split();
        Self {
            inbox: Some(Inbox::new(reader, carrier.gate.clone())),
            is_open: carrier.tunnels.token(),
            carrier,
            rest: Bytes::new(),
            writer: Box::pin(channel.make_writer()),
            channel: Arc::new(channel),
            ended: false,
            said_end: false,
            waiting: None,
        }
    }

    /// Ends the tunnel now, and not what carries it; where that is gone already, it is what ended the tunnel.
    pub(crate) fn shut(&mut self) {
        self.broken();
        self.ended = true;
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Why it is over although nobody has read that.
    pub(crate) fn broken(&self) -> Option<io::Error> {
        self.carrier.gone.is_cancelled().then(|| self.lost())
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<ChannelMsg>> {
        self.waiting = Some(cx.waker().clone());
        let Some(inbox) = &mut self.inbox else { return Poll::Ready(None) };
        pin!(inbox.next()).poll(cx)
    }

    fn lost(&self) -> io::Error {
        if !self.ended {
            self.carrier.lost.store(true, Ordering::Release);
        }
        io::ErrorKind::ConnectionReset.into()
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() && !self.ended {
            match ready!(self.poll_next(cx)) {
                Some(ChannelMsg::Data { data }) => self.rest = data,
                Some(ChannelMsg::Eof | ChannelMsg::Close) => self.ended = true,
                Some(_) => {}
                None => return Poll::Ready(Err(self.lost())),
            }
        }
        let length = buf.remaining().min(self.rest.len());
        buf.put_slice(&self.rest[..length]);
        self.rest.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Err(self.lost()));
        }
        self.waiting = Some(cx.waker().clone());
        let written = ready!(self.writer.as_mut().poll_write(cx, bytes));
        Poll::Ready(written.map_err(|_| self.lost()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.writer.as_mut().poll_shutdown(cx))?;
        self.said_end = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Tunnel {
    /// The connection may carry another one: what still comes for this one must not wait at its gate.
    fn drop(&mut self) {
        let (Some(mut inbox), Ok(runtime)) = (self.inbox.take(), Handle::try_current()) else { return };
        let (channel, is_open, said_end) = (self.channel.clone(), self.is_open.clone(), self.said_end);
        runtime.spawn(async move {
            if !said_end {
                // A connection that is gone has closed it.
                let _ = channel.close().await;
            }
            while !matches!(inbox.next().await, Some(ChannelMsg::Close) | None) {}
            drop(is_open);
        });
    }
}
