//! Which targets the gateway may connect to: what the operator allows and denies, over what nobody may
//! reach.
//!
//! Must not know SSH, and neither resolves nor connects anything.

mod listener;
mod pattern;
mod ranges;

use std::{fmt, net::IpAddr};

pub use listener::OwnListener;
pub use pattern::TargetPattern;

/// Which targets the gateway may connect to. By default: everything that is public.
///
/// What leads to no SSH server, such as link-local addresses and the metadata of clouds, is denied
/// whatever stands here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TargetPolicy {
    /// Unless it is empty, only these.
    pub allow: Vec<TargetPattern>,
    /// Never these.
    pub deny: Vec<TargetPattern>,
    /// Loopback and private networks too, also where `allow` does not name them as networks.
    pub allow_private: bool,
}

/// Why a target is denied: for the operator's log, and nobody else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Denial {
    /// No SSH server is reached by it.
    Never,
    /// The operator denies it.
    Denied,
    /// It is not public, and neither allowed as that nor named as an address.
    Private,
    /// The operator names what is allowed, and it is not among that.
    NotAllowed,
    /// A jump host resolves the name, and it may be to what is denied.
    Unresolved,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "an address that is never connected to",
            Self::Denied => "denied by deny-target",
            Self::Private => "loopback or a private network: see allow-private and allow-target",
            Self::NotAllowed => "not among allow-target",
            Self::Unresolved => {
                "a name that a jump host resolves, which may be to what is denied: see docs/targets.md"
            }
        })
    }
}

impl TargetPolicy {
    /// Everything, but what is denied whatever an operator says.
    #[must_use]
    pub fn with_private() -> Self {
        Self { allow_private: true, ..Self::default() }
    }

    /// What can be said before a name is resolved. One that passes is still judged by each of its
    /// addresses.
    pub(crate) fn check_name(&self, host: &str, port: u16) -> Result<(), Denial> {
        if self.deny.iter().any(|pattern| pattern.matches_host(host, port)) {
            return Err(Denial::Denied);
        }
        let may_be_allowed = |pattern: &TargetPattern| {
            pattern.matches_host(host, port) || pattern.is_network() && pattern.matches_port(port)
        };
        if self.allow.is_empty() || self.allow.iter().any(may_be_allowed) {
            Ok(())
        } else {
            Err(Denial::NotAllowed)
        }
    }

    /// Whether a name may be connected to that somebody else resolves: all that it can resolve to has to be
    /// allowed, or the operator allows this name wherever it leads. No rule about addresses is evaded.
    pub(crate) fn check_unresolved(&self, host: &str, port: u16) -> Result<(), Denial> {
        let names_it = |pattern: &TargetPattern| pattern.matches_host(host, port);
        let may_be_it = |pattern: &TargetPattern| pattern.is_network() && pattern.matches_port(port);
        let is_allowed = self.allow.iter().any(names_it);
        if self.deny.iter().any(names_it) {
            Err(Denial::Denied)
        } else if !self.allow.is_empty() && !is_allowed {
            Err(Denial::NotAllowed)
        } else if self.deny.iter().any(may_be_it) || !is_allowed && !self.allow_private {
            Err(Denial::Unresolved)
        } else {
            Ok(())
        }
    }

    /// Whether this address of that host may be connected to.
    pub(crate) fn check(&self, host: &str, address: IpAddr, port: u16) -> Result<(), Denial> {
        let address = address.to_canonical();
        let all = ranges::with_embedded(address);
        if all.iter().any(|address| ranges::is_never(*address)) {
            return Err(Denial::Never);
        }
        let denies = |pattern: &TargetPattern| {
            pattern.matches_host(host, port)
                || all.iter().any(|address| pattern.matches_address(*address, port))
        };
        if self.deny.iter().any(denies) {
            return Err(Denial::Denied);
        }
        let is_private = all.iter().any(|address| ranges::is_private(*address));
        let names_private =
            |pattern: &TargetPattern| pattern.fits_address(address, port) && pattern.is_within_private();
        if is_private && !self.allow_private && !self.allow.iter().any(names_private) {
            return Err(Denial::Private);
        }
        let allows = |pattern: &TargetPattern| pattern.fits(host, Some(address), port);
        if self.allow.is_empty() || self.allow.iter().any(allows) { Ok(()) } else { Err(Denial::NotAllowed) }
    }
}

#[cfg(test)]
mod tests;
