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

/// How long a target may be silent before it is taken for dead. What is dead for the system as
/// well, a machine or a network, is noticed in about half a minute whatever stands here.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After so much silence it is asked for a sign of life, and then again, three times in all.
    pub question_after: Duration,
    /// How long it has for the last answer.
    pub last_answer: Duration,
}

impl Default for Patience {
    /// 55 s in all.
    fn default() -> Self {
        Self { question_after: Duration::from_secs(15), last_answer: Duration::from_secs(10) }
    }
}

/// How long the keys of a connection are used: as long as RFC 4253 (section 9) recommends.
#[derive(Clone, Copy, Debug)]
pub struct KeyLife {
    /// So many bytes, both directions together.
    pub bytes: u64,
    /// So long, if anything is carried at all.
    pub time: Duration,
}

impl Default for KeyLife {
    /// A gibibyte or an hour.
    fn default() -> Self {
        Self { bytes: 1 << 30, time: Duration::from_secs(3600) }
    }
}

/// How long a target may take. Constants, but for tests that cannot wait for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Greeting, key exchange and the check of the host key.
    pub(crate) handshake: Duration,
    /// The login, and after it the pty and the shell.
    pub(crate) login: Duration,
    /// Silence, once the shell is open.
    pub(crate) patience: Patience,
    /// The keys.
    pub(crate) key_life: KeyLife,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(15),
            login: Duration::from_secs(30),
            patience: Patience::default(),
            key_life: KeyLife::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_given_less_than_a_minute() {
        let patience = Patience::default();
        let total = crate::watch::QUESTIONS * patience.question_after + patience.last_answer;
        assert_eq!(total, Duration::from_secs(55));
        assert_eq!((crate::watch::QUESTIONS, patience.question_after.as_secs()), (3, 15));
    }
}
