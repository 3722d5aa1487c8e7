//! A pattern of targets as an operator writes it: an address, a network or a host name with `*`, and
//! ports behind it.

use std::{fmt, net::IpAddr, ops::RangeInclusive, str::FromStr};

use ipnet::{IpNet, Ipv4Net};

use super::ranges;
use crate::glob;

/// A pattern of targets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TargetPattern {
    hosts: Hosts,
    ports: RangeInclusive<u16>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Hosts {
    Network(IpNet),
    /// In lower case and ASCII, without a dot at the end; `*` stands for any characters.
    Named(String),
}

impl TargetPattern {
    /// One port of one address.
    #[must_use]
    pub fn exactly(address: IpAddr, port: u16) -> Self {
        Self { hosts: Hosts::Network(address.to_canonical().into()), ports: port..=port }
    }

    pub(crate) fn is_network(&self) -> bool {
        matches!(self.hosts, Hosts::Network(_))
    }

    /// Whether it names a network that is private, and nothing that is not.
    pub(super) fn is_within_private(&self) -> bool {
        matches!(self.hosts, Hosts::Network(network) if ranges::is_all_private(network))
    }

    pub(crate) fn matches_port(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }

    /// Whether it is a pattern of names, and this is one of them.
    pub(super) fn matches_host(&self, host: &str, port: u16) -> bool {
        match &self.hosts {
            Hosts::Named(pattern) => {
                let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
                self.matches_port(port) && glob::matches(pattern, &host)
            }
            Hosts::Network(_) => false,
        }
    }

    /// Whether it names this host, or the address that it is dialled at, where that is known.
    pub(crate) fn fits(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        self.matches_host(host, port) || address.is_some_and(|address| self.fits_address(address, port))
    }

    /// Whether it is a network, and what is dialled at this address is in it: the address itself, or
    /// that to which a translator sends it in the end.
    pub(super) fn fits_address(&self, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        [address, ranges::translated(address)].iter().any(|address| self.matches_address(*address, port))
    }

    /// Whether it is a network, and this address is in it.
    pub(super) fn matches_address(&self, address: IpAddr, port: u16) -> bool {
        matches!(self.hosts, Hosts::Network(network) if network.contains(&address)) && self.matches_port(port)
    }
}

impl FromStr for TargetPattern {
    type Err = String;

    /// Reads `10.0.0.0/8`, `192.0.2.7:22`, `[2001:db8::/32]:22-2222`, `*.example.org:22` and the like.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not a pattern of targets: write an address, a network such as 10.0.0.0/8 or a host name \
                 with *, and :PORT or :FROM-TO behind it if you like, with IPv6 in brackets then"
            )
        };
        let (host, ports) = split(text).ok_or_else(wrong)?;
        let ports = ports.map_or(Some(1..=u16::MAX), read_ports).ok_or_else(wrong)?;
        if let Some(network) = read_network(&host) {
            return Ok(Self { hosts: Hosts::Network(network), ports });
        }
        let named = host.strip_suffix('.').unwrap_or(&host).to_ascii_lowercase();
        if named.contains('*') {
            let usual = |byte: u8| byte.is_ascii_alphanumeric() || b".-_*".contains(&byte);
            if !named.bytes().all(usual) {
                return Err(wrong());
            }
            // It would match the text of an address, and not what a name resolves to.
            if named.bytes().all(|byte| byte.is_ascii_digit() || b".*".contains(&byte))
                && named.bytes().any(|byte| byte.is_ascii_digit())
            {
                return Err(format!("{text:?} looks like addresses: write the network, such as 10.0.0.0/8"));
            }
            return Ok(Self { hosts: Hosts::Named(named), ports });
        }
        let name = engine::host_name(&named).map_err(|_| wrong())?;
        // The dot may have been another script's, and is one only now.
        let name = name.strip_suffix('.').unwrap_or(&name);
        let hosts = read_network(name).map_or_else(|| Hosts::Named(name.to_owned()), Hosts::Network);
        Ok(Self { hosts, ports })
    }
}

/// A pattern's host without brackets, and its ports.
fn split(text: &str) -> Option<(String, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, behind) = rest.split_once(']')?;
        let (length, ports) = match behind.split_once(':') {
            Some((length, ports)) => (length, Some(ports)),
            None => (behind, None),
        };
        let is_length = length.is_empty() || length.starts_with('/');
        let host = format!("{inside}{length}");
        return (is_length && inside.contains(':') && read_network(&host).is_some()).then_some((host, ports));
    }
    if read_network(text).is_some() {
        return Some((text.to_owned(), None));
    }
    match text.split_once(':') {
        Some((host, ports)) => Some((host.to_owned(), Some(ports))),
        None => Some((text.to_owned(), None)),
    }
}

/// An address or a network, IPv4 in the shape of IPv6 as the IPv4 that it is.
fn read_network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse()).ok()?.trunc();
    match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(address) => Ipv4Net::new(address, v6.prefix_len() - 96).ok().map(IpNet::V4),
            None => Some(network),
        },
        _ => Some(network),
    }
}

fn read_ports(text: &str) -> Option<RangeInclusive<u16>> {
    let number = |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|port| is_number && *port > 0)
    };
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let ports = number(from)?..=number(to)?;
    (!ports.is_empty()).then_some(ports)
}

impl fmt::Display for TargetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::Network(network @ IpNet::V6(_)) => write!(f, "[{network}]")?,
            Hosts::Network(network) => write!(f, "{network}")?,
            Hosts::Named(pattern) => f.write_str(pattern)?,
        }
        match (*self.ports.start(), *self.ports.end()) {
            (1, u16::MAX) => Ok(()),
            (from, to) if from == to => write!(f, ":{from}"),
            (from, to) => write!(f, ":{from}-{to}"),
        }
    }
}
