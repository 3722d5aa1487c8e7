//! Every spelling of what is denied is denied, and what is allowed is what is named.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn policy(allow: &[&str], deny: &[&str], allow_private: bool) -> TargetPolicy {
    let read = |patterns: &[&str]| patterns.iter().map(|text| text.parse().unwrap()).collect();
    TargetPolicy { allow: read(allow), deny: read(deny), allow_private }
}

/// What is said of an address as the host, at port 22.
fn verdict(policy: &TargetPolicy, address: &str) -> Result<(), Denial> {
    policy.check(address, address.parse().unwrap(), 22)
}

/// What is said of an address that a request names, at port 22.
fn literal(policy: &TargetPolicy, host: &str) -> Result<(), Denial> {
    crate::Reach { targets: policy.clone(), ..crate::Reach::default() }.check_host(host, 22)
}

/// An IPv4 address in every address of IPv6 that carries it.
fn carriers(address: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = address.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    let last = |[p, q, r, s, t, u]: [u16; 6]| Ipv6Addr::new(p, q, r, s, t, u, high, low);
    vec![
        last([0, 0, 0, 0, 0, 0xffff]),
        last([0, 0, 0, 0, 0xffff, 0]),
        last([0x64, 0xff9b, 0, 0, 0, 0]),
        last([0x64, 0xff9b, 1, 2, 3, 4]),
        Ipv6Addr::new(0x64, 0xff9b, 1, high, c, d << 8, 0, 0),
        Ipv6Addr::new(0x64, 0xff9b, 1, a, b, c << 8 | d, 0, 0),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, a, b << 8 | c, d << 8, 0),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0xf7f7, 0xf7f7),
        Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low),
        last([0x2a00, 1, 2, 3, 0, 0x5efe]),
        last([0x2a00, 1, 2, 3, 0x200, 0x5efe]),
    ]
}

#[test]
fn what_nobody_may_reach() {
    let widest = policy(&["0.0.0.0/0", "[::/0]", "169.254.0.0/16", "*"], &[], true);
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
        "febf::1",
        "ff02::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fd00:42::42",
        "100::1",
        "::169.254.169.254",
    ] {
        assert_eq!(verdict(&widest, address), Err(Denial::Never), "{address}");
        assert_eq!(literal(&widest, address), Err(Denial::Never), "{address}");
        if let Ok(v4) = address.parse() {
            for carrier in carriers(v4) {
                assert_eq!(verdict(&widest, &carrier.to_string()), Err(Denial::Never), "{carrier}");
            }
        }
    }
    for address in ["169.253.255.255", "169.255.0.0", "223.255.255.255", "fec0::1", "fd00:ec3::1"] {
        assert_eq!(verdict(&widest, address), Ok(()), "{address}");
    }
}

#[test]
fn private_networks_are_closed_until_they_are_opened() {
    let closed = TargetPolicy::default();
    for address in [
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "::1",
        "::2.2.2.2",
        "::ffff:0:8.8.8.8",
        "2001:0:808:808::f7f7:f7f7",
        "2001:db8::1",
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fec0::1",
        "64:ff9b:1::808:808",
    ] {
        assert_eq!(verdict(&closed, address), Err(Denial::Private), "{address}");
        assert_eq!(verdict(&TargetPolicy::with_private(), address), Ok(()), "{address}");
    }
    for address in ["8.8.8.8", "172.32.0.1", "192.0.1.1", "2a00:1450::1", "64:ff9b::8.8.8.8", "2606::1"] {
        assert_eq!(verdict(&closed, address), Ok(()), "{address}");
    }
}

#[test]
fn a_network_opens_what_is_private_and_nothing_wider_or_vaguer_does() {
    for (allow, address, expected) in [
        (&["10.0.0.0/8"][..], "10.1.2.3", Ok(())),
        (&["127.0.0.1:22"], "127.0.0.1", Ok(())),
        (&["127.0.0.1:23"], "127.0.0.1", Err(Denial::Private)),
        (&["127.0.0.1"], "127.0.0.2", Err(Denial::Private)),
        (&["10.0.0.0/8"], "8.8.8.8", Err(Denial::NotAllowed)),
        (&["0.0.0.0/0"], "8.8.8.8", Ok(())),
        (&["0.0.0.0/0"], "10.1.2.3", Err(Denial::Private)),
        (&["*"], "10.1.2.3", Err(Denial::Private)),
        (&["[fd00::/8]:22"], "fd00::1", Ok(())),
        (&["fc00::/7"], "fd00::1", Ok(())),
        (&["::1"], "::1", Ok(())),
        (&["10.0.0.0/8"], "64:ff9b::a01:203", Ok(())),
        (&["10.0.0.0/8"], "2002:a01:203::1", Err(Denial::Private)),
        (&["::ffff:10.0.0.0/104"], "10.1.2.3", Ok(())),
    ] {
        assert_eq!(verdict(&policy(allow, &[], false), address), expected, "{allow:?} {address}");
    }
    // Names are somebody else's to say: the owner of `db.example` says where it is.
    let named = policy(&["db.example"], &[], false);
    assert_eq!(named.check("db.example", [10, 0, 0, 1].into(), 22), Err(Denial::Private));
    assert_eq!(named.check("db.example", [8, 8, 8, 8].into(), 22), Ok(()));
    let lab = policy(&["*.lab.example"], &[], true);
    assert_eq!(lab.check("db.lab.example", [10, 0, 0, 1].into(), 22), Ok(()));
    assert_eq!(lab.check("db.example", [10, 0, 0, 1].into(), 22), Err(Denial::NotAllowed));
}

#[test]
fn denied_wins() {
    let both = policy(&["10.0.0.0/8", "*.example"], &["10.0.0.1", "*:25", "bad.example"], true);
    let check = |host: &str, address: [u8; 4], port| both.check(host, address.into(), port);
    assert_eq!(check("a.example", [10, 0, 0, 2], 22), Ok(()));
    assert_eq!(check("a.example", [10, 0, 0, 1], 22), Err(Denial::Denied));
    assert_eq!(check("a.example", [10, 0, 0, 2], 25), Err(Denial::Denied));
    assert_eq!(check("bad.example", [10, 0, 0, 2], 22), Err(Denial::Denied));
    assert_eq!(check("BAD.example.", [10, 0, 0, 2], 22), Err(Denial::Denied));
    assert_eq!(check("10.0.0.1", [10, 0, 0, 1], 22), Err(Denial::Denied));
}

#[test]
fn a_name_is_judged_before_it_is_looked_up() {
    let both = policy(&["*.example:22"], &["bad.example"], false);
    assert_eq!(both.check_name("a.example", 22), Ok(()));
    assert_eq!(both.check_name("a.example", 23), Err(Denial::NotAllowed));
    assert_eq!(both.check_name("bad.example", 22), Err(Denial::Denied));
    assert_eq!(both.check_name("a.example.org", 22), Err(Denial::NotAllowed));
    // Its address may be among what is allowed.
    assert_eq!(policy(&["10.0.0.0/8:22"], &[], false).check_name("any.example", 22), Ok(()));
    assert_eq!(policy(&["10.0.0.0/8:22"], &[], false).check_name("any.example", 23), Err(Denial::NotAllowed));
    assert_eq!(literal(&policy(&[], &["10.0.0.0/8"], false), "10.0.0.1"), Err(Denial::Denied));
}

#[test]
fn patterns_are_written_as_they_are_read() {
    for (text, written) in [
        ("10.1.2.3", "10.1.2.3/32"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("192.0.2.7:22", "192.0.2.7/32:22"),
        ("2001:db8::1", "[2001:db8::1/128]"),
        ("[2001:DB8::]/32:22", "[2001:db8::/32]:22"),
        ("[2001:db8::/32]:22-2222", "[2001:db8::/32]:22-2222"),
        ("[::1]:22", "[::1/128]:22"),
        ("[::ffff:10.0.0.0/104]", "10.0.0.0/8"),
        ("0x7f.1", "127.0.0.1/32"),
        ("*", "*"),
        ("*.Example.org.:1-65535", "*.example.org"),
        ("bücher.example:22", "xn--bcher-kva.example:22"),
        ("web-??.example", ""),
        ("10.*", ""),
        ("192.168.*.*:22", ""),
        ("", ""),
        (":22", ""),
        ("host:", ""),
        ("host:0", ""),
        ("host:22-", ""),
        ("host:30-20", ""),
        ("host:65536", ""),
        ("host:+22", ""),
        ("host:22:23", ""),
        ("10.0.0.0/33", ""),
        ("10.0.0.0/8/8", ""),
        ("[::1", ""),
        ("[::1]x", ""),
        ("[host]:22", ""),
        ("fe80::1%eth0", ""),
        ("*.bücher.example", ""),
        ("a b", ""),
    ] {
        let read = text.parse::<TargetPattern>().map(|pattern| pattern.to_string());
        match written {
            "" => assert!(read.as_ref().is_err_and(|error| error.contains(text)), "{text}: {read:?}"),
            written => assert_eq!(read.as_deref(), Ok(written), "{text}"),
        }
    }
}

#[test]
fn a_star_is_any_characters() {
    for (pattern, host, is_like) in [
        ("*", "anything", true),
        ("*.example", "a.b.example", true),
        ("*.example", "example", false),
        ("*.example", "a.example.org", false),
        ("db*.example", "db.example", true),
        ("db*.example", "db-1.example", true),
        ("*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaab", true),
        ("*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ("db.example", "DB.example", true),
        ("db.example", "db.example.", true),
        ("db.example。", "db.example", true),
        ("ড়.\u{fe00}", "xn--15b8c.", true),
        ("db.example", "db1example", false),
    ] {
        let pattern: TargetPattern = pattern.parse().unwrap();
        assert_eq!(pattern.matches_host(host, 22), is_like, "{pattern} {host}");
    }
}

/// Every way to write an IPv4 address that a resolver takes.
fn spellings(address: Ipv4Addr) -> Vec<String> {
    let ([a, b, c, d], whole) = (address.octets(), address.to_bits());
    let (low, lower) = (whole & 0xff_ffff, whole & 0xffff);
    vec![
        format!("{a}.{b}.{c}.{d}"),
        format!("{whole}"),
        format!("{whole:#x}"),
        format!("{whole:#X}"),
        format!("0{whole:o}"),
        format!("{a}.{low}"),
        format!("{a}.{b}.{lower}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a}.{b}.{c}.{d}."),
        format!("{a:#06x}.0{low:o}"),
        format!("::ffff:{a}.{b}.{c}.{d}"),
        format!("0:0:0:0:0:FFFF:{:x}:{lower:X}", whole >> 16),
        format!("[::ffff:{a}.{b}.{c}.{d}]"),
    ]
}

proptest! {
    #[test]
    fn any_spelling_of_a_denied_address_is_denied(low in any::<u16>(), mid in any::<u8>()) {
        for (network, denial) in [(127, Denial::Private), (10, Denial::Private), (233, Denial::Never)] {
            let address = Ipv4Addr::from_bits(network << 24 | u32::from(mid) << 16 | u32::from(low));
            for spelling in spellings(address) {
                let host = engine::host_name(&spelling).map_err(|_| TestCaseError::fail(spelling.clone()))?;
                prop_assert_eq!(&host, &address.to_string(), "{}", spelling);
                prop_assert_eq!(literal(&TargetPolicy::default(), &host), Err(denial), "{}", spelling);
            }
        }
    }

    #[test]
    fn whatever_carries_a_denied_address_is_denied(bits in any::<u32>()) {
        let address = Ipv4Addr::from_bits(bits);
        let denying = policy(&[], &[&address.to_string()], true);
        for carrier in carriers(address) {
            prop_assert!(denying.check("h", carrier.into(), 22).is_err(), "{}", carrier);
        }
    }

    #[test]
    fn no_pattern_and_no_host_name_panics(text in ".{0,40}", host in ".{0,40}") {
        let _ = engine::host_name(&host);
        if let Ok(pattern) = text.parse::<TargetPattern>() {
            let again: TargetPattern = pattern.to_string().parse().unwrap();
            prop_assert_eq!(&again, &pattern);
            pattern.matches_host(&host, 22);
        }
    }
}

/// A jump host resolves it: no rule about addresses may be evaded by that.
#[test]
fn a_name_that_somebody_else_resolves_is_judged_by_all_that_it_may_resolve_to() {
    for (allow, deny, allow_private, expected) in [
        (&[][..], &[][..], true, Ok(())),
        (&[], &[], false, Err(Denial::Unresolved)),
        (&["db.example"], &[], false, Ok(())),
        (&["*.example:22"], &[], false, Ok(())),
        (&["*.example:23"], &[], true, Err(Denial::NotAllowed)),
        (&["other.example"], &[], true, Err(Denial::NotAllowed)),
        (&["0.0.0.0/0", "::/0"], &[], true, Err(Denial::NotAllowed)),
        (&[], &["10.0.0.1"], true, Err(Denial::Unresolved)),
        (&["db.example"], &["10.0.0.0/8"], true, Err(Denial::Unresolved)),
        (&[], &["10.0.0.0/8:23"], true, Ok(())),
        (&["*"], &["db.example"], true, Err(Denial::Denied)),
        (&[], &["other.example"], true, Ok(())),
    ] {
        let targets = policy(allow, deny, allow_private);
        let reach = crate::Reach { targets, ..crate::Reach::default() };
        let verdict = reach.check_host_beyond("db.example", 22);
        assert_eq!(verdict, expected, "{allow:?} {deny:?} {allow_private}");
    }
}

#[test]
fn an_address_behind_a_jump_host_is_judged_like_any_other() {
    for (allow_private, address, expected) in [
        (false, "8.8.8.8", Ok(())),
        (false, "10.0.0.5", Err(Denial::Private)),
        (true, "10.0.0.5", Ok(())),
        (true, "127.0.0.1", Ok(())),
        (true, "169.254.169.254", Err(Denial::Never)),
        (true, "fe80::1", Err(Denial::Never)),
    ] {
        let reach = crate::Reach { targets: policy(&[], &[], allow_private), ..crate::Reach::default() };
        assert_eq!(reach.check_host_beyond(address, 22), expected, "{address}");
    }
    let named = crate::Reach { targets: policy(&["10.0.0.0/24:22"], &[], false), ..crate::Reach::default() };
    assert_eq!(named.check_host_beyond("10.0.0.5", 22), Ok(()));
    assert_eq!(named.check_host_beyond("10.0.1.5", 22), Err(Denial::Private));
}
