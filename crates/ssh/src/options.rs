//! What whoever runs the gateway decides about SSH, and the limits that nobody decides.

use std::{path::PathBuf, time::Duration};

/// How hosts are reached and proved.
#[derive(Clone, Debug)]
pub struct Options {
    /// The limit for one TCP connection, name resolution and all addresses included.
    pub connect_timeout: Duration,
    /// What happens with a host whose key is not known.
    pub host_key_policy: HostKeyPolicy,
    /// The operator's known hosts file: read, never written; it must be readable.
    pub known_hosts: Option<PathBuf>,
    /// Where `accept-new` writes: read as well, and it may not exist yet.
    pub learned_hosts: PathBuf,
}

/// What happens with a host whose key is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostKeyPolicy {
    /// Remember it and go on.
    AcceptNew,
    /// Refuse.
    Reject,
}

/// How long a target may take. Constants, but for tests that cannot wait for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Greeting, key exchange and the check of the host key.
    pub(crate) handshake: Duration,
    /// The login, and after it the pty and the shell.
    pub(crate) login: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(15), login: Duration::from_secs(30) }
    }
}
