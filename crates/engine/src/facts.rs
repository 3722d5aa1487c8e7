//! What is known of the connections to servers once they stand: for whoever wants to know how safe they are.

use std::fmt;

use crate::{algorithms::Preset, target::Fingerprint};

/// All connections under a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionFacts {
    /// Those to the jump hosts, in their order.
    pub hops: Vec<ConnectionFacts>,
    /// The one to the target, which those carry.
    pub target: ConnectionFacts,
}

/// One connection, as it was agreed on. All names are those of the protocol.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConnectionFacts {
    /// `host:port`.
    pub target: String,
    /// What the server calls itself: `SSH-2.0-…`.
    pub server: String,
    /// What was offered to it.
    pub preset: Preset,
    /// How the keys were agreed on.
    pub key_exchange: String,
    /// Whether a quantum computer does not undo that.
    pub is_post_quantum: bool,
    /// Whether nothing could be slipped in while that was done.
    pub is_strict: bool,
    /// How the server proved itself.
    pub host_key: HostKeyFacts,
    /// What hides what is carried.
    pub cipher: String,
    /// What guards it, where the cipher does not do that itself.
    pub mac: Option<String>,
    /// What makes it shorter.
    pub compression: Option<String>,
    /// Those of the above that only [`Preset::Legacy`] has.
    pub weak: Vec<String>,
}

/// The key that a server proved itself with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostKeyFacts {
    /// The algorithm that it signed with: `ssh-ed25519`, `rsa-sha2-512`, `ssh-ed25519-cert-v01@openssh.com`.
    pub algorithm: String,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Why it is taken for the server's.
    pub proof: HostProof,
}

/// Why a key is taken for a server's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostProof {
    /// The order names it.
    Pinned,
    /// It was known before.
    Known,
    /// An authority speaks for it.
    Certificate,
    /// It was new, and is known from now on.
    Learnt,
    /// The person at the client took it for the right one.
    Accepted,
}

impl fmt::Display for HostProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pinned => "pinned",
            Self::Known => "known",
            Self::Certificate => "certificate",
            Self::Learnt => "learnt",
            Self::Accepted => "accepted",
        })
    }
}
