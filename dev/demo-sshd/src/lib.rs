//! An SSH server on loopback: the user's own shell for `demo`, scripted shells for tests.
//!
//! Owns the account (one name, one random password), the host key and every process that a session
//! starts. Must not know the gateway, tickets or the web.

mod account;
mod channel;
mod connection;
mod record;
mod script;
mod server;
mod shell;
mod tree;

use std::time::Duration;

pub use record::{Attempt, Record, Terminal};
pub use script::{Script, flood, utf8_text};
pub use server::{DemoSshd, StartError};

/// What a server does.
#[derive(Clone, Debug)]
pub struct Options {
    /// What every session runs.
    pub program: Program,
    /// What the server does wrong, for tests.
    pub quirk: Option<Quirk>,
    /// The port on 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// How long a refused login takes.
    pub rejection_time: Duration,
    /// Variables of the account's shell that differ from this process's, such as another `HOME`.
    pub environment: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            program: Program::AccountShell,
            quirk: None,
            port: 0,
            rejection_time: Duration::from_secs(1),
            environment: Vec::new(),
        }
    }
}

/// What a session runs.
#[derive(Clone, Debug)]
pub enum Program {
    /// The shell of whoever runs this process, as a login shell on a pty.
    AccountShell,
    /// Something predictable, without a process.
    Scripted(Script),
}

/// A fault that a server can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Quirk {
    /// The connection breaks when a password arrives.
    LinkDropsAtLogin,
    /// A password is never answered.
    LoginUnanswered,
    /// Passwords are not offered, only keys, and no key is accepted.
    NoPasswords,
    /// The session channel is never confirmed.
    ChannelUnanswered,
    /// The session channel is refused.
    ChannelRefused,
    /// The pty is refused.
    PtyRefused,
    /// The shell is refused.
    ShellRefused,
    /// After the login the server opens channels of its own; see [`Record::opened`].
    OpensChannels,
    /// The connection breaks when the first input arrives.
    LinkDropsAtInput,
}
