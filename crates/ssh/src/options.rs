//! What whoever runs the gateway decides about SSH, and the limits that nobody decides.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use crate::{
    algorithms::AlgorithmPolicy,
    policy::{Denial, OwnListener, TargetPolicy},
};

/// How hosts are reached and proved.
#[derive(Clone, Debug)]
pub struct Options {
    /// The limit for one TCP connection, name resolution and all addresses included.
    pub connect_timeout: Duration,
    /// What may be connected to, and how.
    pub reach: Reach,
    /// Which algorithms may be used.
    pub algorithms: AlgorithmPolicy,
    /// What happens with a host whose key is not known.
    pub host_key_policy: HostKeyPolicy,
    /// The operator's known hosts file: read, never written; it must be readable.
    pub known_hosts: Option<PathBuf>,
    /// Where accepted keys are written: read as well, and it may not exist yet.
    pub learned_hosts: PathBuf,
    /// Whether a key that a person accepts may be remembered there.
    pub remember_host_keys: bool,
}

/// What may be connected to, and how.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Which targets the gateway may connect to.
    pub targets: TargetPolicy,
    /// Where the gateway listens: it is no target of its own.
    pub own_listener: OwnListener,
    /// Of which family their addresses are.
    pub family: AddressFamily,
    /// The address of this machine that connections come from; only addresses of its family are dialled.
    pub bind_address: Option<IpAddr>,
}

impl Reach {
    /// What can be said of a target before its name is resolved. An address written as such is judged
    /// whole; a name that passes is still judged by each of its addresses.
    pub(crate) fn check_host(&self, host: &str, port: u16) -> Result<(), Denial> {
        match host.parse() {
            Ok(address) => self.check(host, address, port),
            Err(_) => self.targets.check_name(host, port),
        }
    }

    /// Whether a jump host may be asked to connect to this host. It is the jump host that resolves a name,
    /// and what it makes of it is not seen here.
    pub(crate) fn check_host_beyond(&self, host: &str, port: u16) -> Result<(), Denial> {
        match host.parse() {
            Ok(address) => self.check(host, address, port),
            Err(_) => self.targets.check_unresolved(host, port),
        }
    }

    /// Whether this address of that host may be connected to.
    pub(crate) fn check(&self, host: &str, address: IpAddr, port: u16) -> Result<(), Denial> {
        if self.own_listener.is_at(address, port) {
            return Err(Denial::Never);
        }
        self.targets.check(host, address, port)
    }

    /// Whether addresses of this family are dialled.
    pub(crate) fn has_family(&self, address: IpAddr) -> bool {
        let is_v4 = address.is_ipv4();
        let wanted = match self.family {
            AddressFamily::Any => true,
            AddressFamily::Inet => is_v4,
            AddressFamily::Inet6 => !is_v4,
        };
        wanted && self.bind_address.is_none_or(|from| from.is_ipv4() == is_v4)
    }
}

/// Which addresses of a name are dialled.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AddressFamily {
    /// All of them.
    #[default]
    Any,
    /// Those of IPv4.
    Inet,
    /// Those of IPv6.
    Inet6,
}

/// What happens with a host whose key is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostKeyPolicy {
    /// Ask whoever waits for the shell.
    Ask,
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
