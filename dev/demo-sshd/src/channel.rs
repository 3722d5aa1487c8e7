//! One session channel, as a program sees it: what comes in, what goes out, how it ends.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use russh::{ChannelId, ChannelWriteHalf, Sig, server::Msg};
use tokio::sync::mpsc;

/// What a client asks of a running program.
pub(crate) enum Command {
    Input(Bytes),
    Resize { cols: u16, rows: u16 },
    Signal(Sig),
}

/// How a program ended.
#[derive(Clone, Debug)]
pub(crate) enum Exit {
    Status(u32),
    Signal(Sig),
}

/// The client is gone, or has closed the channel.
#[derive(Debug)]
pub(crate) struct Gone;

/// The connection's end of a program's queue.
///
/// The queue has no bound of its own: a connection that waited for one program would stop the output
/// of all. Instead the window shrinks to a trickle while much input waits; see `Connection::adjust_window`.
pub(crate) struct CommandSender {
    queue: mpsc::UnboundedSender<Command>,
    waiting: Arc<AtomicUsize>,
}

/// The program's end; it yields nothing more once the channel is closed.
pub(crate) struct Commands {
    queue: mpsc::UnboundedReceiver<Command>,
    waiting: Arc<AtomicUsize>,
}

pub(crate) fn commands() -> (CommandSender, Commands) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    (CommandSender { queue: sender, waiting: Arc::clone(&waiting) }, Commands { queue: receiver, waiting })
}

impl CommandSender {
    /// A program that has ended takes nothing, and nobody minds.
    pub(crate) fn send(&self, command: Command) {
        if let Command::Input(bytes) = &command {
            self.waiting.fetch_add(bytes.len(), Ordering::Relaxed);
        }
        let _ = self.queue.send(command);
    }

    /// Input that the program has not taken yet, in bytes.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Commands {
    pub(crate) async fn next(&mut self) -> Option<Command> {
        self.queue.recv().await
    }

    /// The program has taken so many bytes of input.
    pub(crate) fn taken(&self, bytes: usize) {
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The way to the client.
pub(crate) struct Output {
    pub(crate) id: ChannelId,
    pub(crate) writer: ChannelWriteHalf<Msg>,
    pub(crate) handle: russh::server::Handle,
}

impl Output {
    /// Sends bytes; resolves when the client's window has taken them all.
    pub(crate) async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Gone> {
        self.writer.data_bytes(bytes).await.map_err(|_| Gone)
    }

    /// Says how the program ended if that is known, then that nothing follows, then closes.
    pub(crate) async fn finish(self, exit: Option<Exit>) {
        // A client that has gone meanwhile has no use for this.
        let _ = match exit {
            Some(Exit::Status(status)) => self.handle.exit_status_request(self.id, status).await,
            Some(Exit::Signal(signal)) => {
                let (message, language) = (String::new(), String::new());
                self.handle.exit_signal_request(self.id, signal, false, message, language).await
            }
            None => Ok(()),
        };
        let _ = self.handle.eof(self.id).await;
        let _ = self.handle.close(self.id).await;
    }
}
