//! What is special about an address: the ranges that are no public targets, and the IPv4 addresses that
//! IPv6 ones carry.
//!
//! The ranges are those of the IANA special-purpose address registries that are not globally
//! reachable, with what IANA reserves for multicast and the future, and the addresses at which
//! clouds tell a machine its secrets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// No SSH server is there, or none that a caller may be led to.
const NEVER: [IpNet; 15] = [
    v4([0, 0, 0, 0], 8),          // this network, RFC 791
    v4([169, 254, 0, 0], 16),     // link-local, RFC 3927; the metadata of most clouds
    v4([224, 0, 0, 0], 4),        // multicast, RFC 5771
    v4([240, 0, 0, 0], 4),        // reserved, RFC 1112; the broadcast address, RFC 919
    v4([100, 100, 100, 200], 32), // metadata of Alibaba Cloud
    v4([168, 63, 129, 16], 32),   // metadata of Azure
    v4([192, 0, 0, 192], 32),     // metadata of Oracle Cloud
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),         // link-local, RFC 4291
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),          // multicast, RFC 4291
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32),     // services of Amazon's cloud, metadata among them
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), // metadata of Google's cloud
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128),  // metadata of Scaleway
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64),          // discard-only, RFC 6666
    v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64),          // dummy, RFC 9780
];

/// Somebody's own network, this machine included, or nobody's.
const PRIVATE: [IpNet; 23] = [
    v4([10, 0, 0, 0], 8),                      // private, RFC 1918
    v4([100, 64, 0, 0], 10),                   // shared by carriers, RFC 6598
    v4([127, 0, 0, 0], 8),                     // loopback, RFC 1122
    v4([172, 16, 0, 0], 12),                   // private, RFC 1918
    v4([192, 0, 0, 0], 24),                    // protocol assignments, RFC 6890
    v4([192, 0, 2, 0], 24),                    // documentation, RFC 5737
    v4([192, 88, 99, 0], 24),                  // relays of 6to4, RFC 7526
    v4([192, 168, 0, 0], 16),                  // private, RFC 1918
    v4([198, 18, 0, 0], 15),                   // benchmarks, RFC 2544
    v4([198, 51, 100, 0], 24),                 // documentation, RFC 5737
    v4([203, 0, 113, 0], 24),                  // documentation, RFC 5737
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128),         // loopback, RFC 4291
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96),          // IPv4-compatible, RFC 4291
    v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96),     // IPv4-translated, RFC 2765
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),  // a network's own NAT64, RFC 8215
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),     // protocol assignments, RFC 2928; Teredo, RFC 4380
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation, RFC 3849
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),     // 6to4, RFC 3056
    v6([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16),     // the 6bone that was, RFC 3701
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),     // documentation, RFC 9637
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16),     // segment routing, RFC 9602
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),      // unique local, RFC 4193
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),     // site-local that was, RFC 3879
];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length))
}

/// Whether nobody may connect to it.
pub(super) fn is_never(address: IpAddr) -> bool {
    NEVER.iter().any(|range| range.contains(&address))
}

/// Whether it is on somebody's own network.
pub(super) fn is_private(address: IpAddr) -> bool {
    PRIVATE.iter().any(|range| range.contains(&address))
}

/// Whether all of a network is private.
pub(super) fn is_all_private(network: IpNet) -> bool {
    PRIVATE.iter().any(|range| range.contains(&network))
}

/// The address, and every IPv4 address that it carries for a translator or the end of a tunnel.
pub(super) fn with_embedded(address: IpAddr) -> Vec<IpAddr> {
    let mut all = vec![address];
    if let IpAddr::V6(address) = address {
        all.extend(embedded(address).into_iter().map(IpAddr::V4));
    }
    all
}

/// Where NAT64 sends what goes to the address; the address itself where it does not.
pub(super) fn translated(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if matches!(v6.segments(), [0x64, 0xff9b, 0, 0, 0, 0, ..]) => IpAddr::V4(last(v6)),
        other => other,
    }
}

fn embedded(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let segments = address.segments();
    let at = |index: usize| pair(segments[index], segments[index + 1]);
    let mut found = match segments {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => vec![],
        // Compatible, mapped, translated and NAT64's well-known prefix.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            vec![at(6)]
        }
        // A network's own NAT64: RFC 6052 has layouts for prefixes of 48, 56 and 64 bits, which end in zeros, and
        // of 96 bits.
        [0x64, 0xff9b, 1, ..] => {
            let bytes = address.octets();
            let around = |four: [usize; 4]| Ipv4Addr::from(four.map(|index| bytes[index]));
            match bytes {
                [.., 0, 0, 0] => vec![around([6, 7, 9, 10]), around([7, 9, 10, 11]), around([9, 10, 11, 12])],
                _ => vec![at(6)],
            }
        }
        [0x2002, ..] => vec![at(1)],
        // Teredo: the server, and the client's address turned over.
        [0x2001, 0, ..] => vec![at(2), Ipv4Addr::from_bits(!at(6).to_bits())],
        _ => vec![],
    };
    // ISATAP, below any prefix.
    if matches!(segments, [.., 0 | 0x200, 0x5efe, _, _]) {
        found.push(at(6));
    }
    found
}

fn last(address: Ipv6Addr) -> Ipv4Addr {
    let [.., high, low] = address.segments();
    pair(high, low)
}

fn pair(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}
