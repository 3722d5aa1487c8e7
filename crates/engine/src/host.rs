//! The one spelling of a host that everything else uses: to connect, to find its key, to judge it.

use url::Host;

/// A text that is neither a host name nor an IP address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("neither a host name nor an IP address")]
pub struct InvalidHost;

/// A host name in its ASCII form and in lower case, as UTS 46 has it, or an address as its standard text.
///
/// Every way to write an IPv4 address that resolvers understand is one: `127.1`, `0x7f000001`,
/// `2130706433`. An IPv6 address may stand in brackets; with a zone it belongs to no other machine.
///
/// # Errors
/// It is neither.
pub fn host_name(text: &str) -> Result<String, InvalidHost> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = match bare {
        Some(address) => Host::Ipv6(address.parse().map_err(|_| InvalidHost)?),
        None if text.contains(':') => Host::Ipv6(text.parse().map_err(|_| InvalidHost)?),
        // A percent sign would be read as the beginning of an encoded byte.
        None if text.contains('%') => return Err(InvalidHost),
        None => Host::parse(text).map_err(|_| InvalidHost)?,
    };
    match host {
        Host::Ipv4(address) => Ok(address.to_string()),
        Host::Ipv6(address) => Ok(address.to_canonical().to_string()),
        Host::Domain(name) => Some(name).filter(|name| is_name(name)).ok_or(InvalidHost),
    }
}

/// Letters, digits, dots, hyphens and underscores: everything else would also mean something else in a
/// known hosts file.
fn is_name(name: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| (1..=63).contains(&label.len());
    name.len() <= 253 && name.bytes().all(usual) && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ascii_and_in_lower_case() {
        for (text, name) in [
            ("example.org", "example.org"),
            ("EXAMPLE.org", "example.org"),
            ("example.org.", "example.org."),
            ("db_1", "db_1"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            // Not what it became before: that would be another host.
            ("faß.example", "xn--fa-hia.example"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("ｅｘａｍｐｌｅ.org", "example.org"),
        ] {
            assert_eq!(host_name(text).as_deref(), Ok(name), "{text}");
        }
    }

    #[test]
    fn an_address_has_one_spelling() {
        for text in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.1.",
            "１２７.0.0.1",
            "::ffff:127.0.0.1",
            "[::ffff:7f00:1]",
        ] {
            assert_eq!(host_name(text).as_deref(), Ok("127.0.0.1"), "{text}");
        }
        for text in ["2001:DB8::1", "[2001:db8:0::1]", "2001:db8:0:0:0:0:0:1"] {
            assert_eq!(host_name(text).as_deref(), Ok("2001:db8::1"), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        let long = format!("{}.example", "a".repeat(64));
        for text in [
            "",
            ".",
            "a b",
            "a,b",
            "*",
            "a\nb",
            "#x",
            "!x",
            "|1|x",
            "a..b",
            "a/b",
            "user@host",
            "fe80::1%eth0",
            "[fe80::1%eth0]",
            "[fe80::1%25eth0]",
            "a%2eb",
            "[127.0.0.1]",
            "[::1",
            "::1]",
            "1.2.3.4.5",
            "256.1.1.1",
            "host:22",
            "\u{202e}x",
            "xn--a",
            &long,
        ] {
            assert_eq!(host_name(text), Err(InvalidHost), "{text:?}");
        }
    }
}
