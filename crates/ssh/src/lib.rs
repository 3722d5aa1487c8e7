//! The russh client behind the engine's [`Dialer`](engine::Dialer).
//!
//! Must not know the web, tickets or who watches a session.

use std::{path::PathBuf, time::Duration};

/// How hosts are reached and proved.
#[derive(Clone, Debug)]
pub struct Options {
    /// The limit for one TCP connection.
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
