//! How a session gets its shell: the dialer, and the transport it returns.
//!
//! This is the border to the SSH client. It must not know how the client works, nor who
//! watches the session.

use std::{future, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, future::BoxFuture};

use crate::{
    credentials::Credentials,
    dial_error::{DialError, NotAdmitted},
    facts::SessionFacts,
    program::Program,
    question::Person,
    target::{Target, TermSize},
    terminal::Pty,
};

/// Opens shells.
pub trait Dialer: Send + Sync + 'static {
    /// Whether a way may be gone as the order has it, as far as that can be said at once: its jump hosts in
    /// their order, and the target last.
    ///
    /// # Errors
    /// One of them may not be dialled.
    fn admit(&self, _way: &[&Target]) -> Result<(), NotAdmitted> {
        Ok(())
    }

    /// Opens one shell, telling the person who waits for it of each step, and asking them what the
    /// order does not hold.
    ///
    /// Dropping the future gives up and closes what was opened. Time limits are the dialer's own.
    fn dial(
        &self,
        order: DialOrder,
        person: Arc<dyn Person>,
    ) -> BoxFuture<'static, Result<Transport, DialError>>;
}

/// Everything that a dialer needs for one shell.
pub struct DialOrder {
    /// The jump hosts on the way, in their order.
    pub jump: Vec<Hop>,
    /// Where to.
    pub target: Target,
    /// How to log in.
    pub credentials: Credentials,
    /// The terminal to ask for. Without one nothing can be typed: the command reads an empty input, and
    /// what it prints on stderr comes as [`ShellEvent::Error`].
    pub pty: Option<Pty>,
    /// What to run.
    pub program: Program,
}

/// A jump host: an SSH server that connects to the next one.
pub struct Hop {
    /// Where it is.
    pub target: Target,
    /// How to log in there.
    pub credentials: Credentials,
}

/// All hosts of a way in their order, the target last.
#[must_use]
pub fn way<'a>(jump: &'a [Hop], target: &'a Target) -> Vec<&'a Target> {
    jump.iter().map(|hop| &hop.target).chain([target]).collect()
}

/// A step on the way to a shell, or to a jump host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Resolving the name and opening the TCP connection.
    Dial,
    /// Banner, key exchange, host key.
    Handshake,
    /// Logging in.
    Auth,
    /// Asking for the pty and the shell.
    Shell,
}

/// An opened byte pipe to a shell.
///
/// Whoever stops reading stops the target's output and nothing else: the writing side and the notice
/// of its end work on, and what waits meanwhile is bounded.
pub struct Transport {
    /// What comes from the shell. Its end is the end of the session: after [`ShellEvent::Exit`]
    /// in good order, without it because the link broke or the target closed silently.
    pub events: Pin<Box<dyn Stream<Item = ShellEvent> + Send>>,
    /// What goes to the shell.
    pub shell: Arc<dyn Shell>,
    /// What is known of the connections under it.
    pub facts: SessionFacts,
}

/// What comes from a shell.
#[derive(Debug, Eq, PartialEq)]
pub enum ShellEvent {
    /// Bytes that it printed; on a terminal, all of them.
    Output(Bytes),
    /// Bytes that it printed on stderr, where there is no terminal.
    Error(Bytes),
    /// It ended; output may still follow.
    Exit(Exit),
    /// The connection to the target broke: no event follows.
    LinkLost,
    /// The connection to this jump host broke, and the one to the target with it: no event follows.
    JumpLost(String),
}

/// How a shell ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Exit {
    /// RFC 4254 exit-status.
    Status(u32),
    /// RFC 4254 exit-signal: the signal's name without `SIG`.
    Signal(String),
}

/// The writing side of a transport. Each future may be waited for beside the others.
pub trait Shell: Send + Sync + 'static {
    /// Sends bytes; resolves when the target's window has taken them all.
    fn write(self: Arc<Self>, bytes: Bytes) -> BoxFuture<'static, Result<(), ShellGone>>;
    /// Sends a window-change.
    fn resize(self: Arc<Self>, size: TermSize) -> BoxFuture<'static, Result<(), ShellGone>>;
    /// Closes channel and connection in good order where the target still answers, and cuts the
    /// connection in any case; resolves within two seconds. A command without a terminal is told to end.
    fn close(self: Arc<Self>) -> BoxFuture<'static, ()>;
    /// Resolves when the connection to the target is gone, whether or not anybody reads its events.
    /// No more comes in then: what is left to read is less than a megabyte as the
    /// target sent it, and behind it the end.
    fn gone(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(future::pending())
    }
}

/// The shell takes nothing any more; why comes as a [`ShellEvent`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the shell is gone")]
pub struct ShellGone;
