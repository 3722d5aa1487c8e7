//! Readers: a written text in, a value that is valid out, or else a sentence. They do not know where
//! a text was written.

use std::{fs, net::IpAddr, num::NonZeroUsize, ops::RangeInclusive, path::PathBuf, time::Duration};

use engine::{DetachedOutput, Preset};
use ssh::{AddressFamily, HostKeyPolicy, TargetPattern};
use web::EnvPattern;

use crate::{console::cause, logs};

/// Reads the last of several values.
pub(super) fn last<T>(values: &[String], read: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
    values.last().map_or_else(|| Err("a value is missing".to_owned()), |value| read(value))
}

/// An address to listen on.
pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    let address = match text {
        "localhost" => "127.0.0.1",
        "localnetwork" => "0.0.0.0",
        bracketed if bracketed.starts_with('[') && bracketed.ends_with(']') => {
            &bracketed[1..bracketed.len() - 1]
        }
        plain => plain,
    };
    address
        .parse()
        .map_err(|_| format!("{text:?} is not an address: use an IP address, localhost or localnetwork"))
}

/// A port to listen on.
pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("{text:?} is not a port: use a number from 0 (any free port) to 65535"))
}

/// How many there may be: at least one.
pub(super) fn count(text: &str) -> Result<usize, String> {
    text.parse::<NonZeroUsize>()
        .map(NonZeroUsize::get)
        .map_err(|_| format!("{text:?} is not a number of at least 1"))
}

/// How many there may be; `None` where 0 says any number.
pub(super) fn quota(text: &str) -> Result<Option<usize>, String> {
    text.parse::<usize>()
        .map(|count| Some(count).filter(|count| *count > 0))
        .map_err(|_| format!("{text:?} is not a number: use 0 for no limit"))
}

/// A size in bytes.
pub(super) fn bytes(text: &str, limits: &RangeInclusive<usize>) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|bytes| limits.contains(bytes))
        .ok_or_else(|| format!("{text:?} is not a size: use {} to {} bytes", limits.start(), limits.end()))
}

/// What happens to output while nobody is attached.
pub(super) fn detached_output(text: &str) -> Result<DetachedOutput, String> {
    match text {
        "latest" => Ok(DetachedOutput::Latest),
        "keep" => Ok(DetachedOutput::Keep),
        _ => Err(format!("{text:?} is not a policy for detached output: use latest or keep")),
    }
}

/// `true` or `false`.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// Whole seconds: `90`, `90s`, `2m`, `1h`, `1d`.
pub(super) fn duration(text: &str, limits: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_seconds: Option<u64> = match unit {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    };
    let seconds = unit_seconds.and_then(|unit| number.parse::<u64>().ok()?.checked_mul(unit));
    let Some(seconds) = seconds else {
        return Err(format!("{text:?} is not a duration: write it like 90, 90s, 2m, 1h or 1d"));
    };
    let duration = Duration::from_secs(seconds);
    if limits.contains(&duration) {
        Ok(duration)
    } else {
        let (least, most) = (limits.start().as_secs(), limits.end().as_secs());
        Err(format!("{text:?} is out of range: use {least} s to {most} s"))
    }
}

/// What happens with unknown hosts.
pub(super) fn policy(text: &str) -> Result<HostKeyPolicy, String> {
    match text {
        "ask" => Ok(HostKeyPolicy::Ask),
        "accept-new" => Ok(HostKeyPolicy::AcceptNew),
        "reject" => Ok(HostKeyPolicy::Reject),
        _ => Err(format!("{text:?} is not a host key policy: use ask, accept-new or reject")),
    }
}

/// Patterns of targets.
pub(super) fn targets(values: &[String]) -> Result<Vec<TargetPattern>, String> {
    values.iter().map(|text| text.parse()).collect()
}

/// A preset of algorithms.
pub(super) fn preset(text: &str) -> Result<Preset, String> {
    text.parse().map_err(|error| format!("{text:?} is {error}"))
}

/// Presets for patterns of targets.
pub(super) fn target_presets(values: &[String]) -> Result<Vec<(TargetPattern, Preset)>, String> {
    let read = |text: &String| {
        let (pattern, name) =
            text.rsplit_once('=').ok_or_else(|| format!("{text:?} has no preset: write PATTERN=PRESET"))?;
        Ok((pattern.parse()?, preset(name)?))
    };
    values.iter().map(read).collect()
}

/// Names of environment variables.
pub(super) fn env_patterns(values: &[String]) -> Result<Vec<EnvPattern>, String> {
    values.iter().map(|text| EnvPattern::parse(text)).collect()
}

/// Which addresses of a host are used, in ssh_config's words.
pub(super) fn address_family(text: &str) -> Result<AddressFamily, String> {
    match text {
        "any" => Ok(AddressFamily::Any),
        "inet" => Ok(AddressFamily::Inet),
        "inet6" => Ok(AddressFamily::Inet6),
        _ => Err(format!("{text:?} is not an address family: use any, inet or inet6")),
    }
}

/// An address of this machine.
pub(super) fn bind_address(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok().filter(|address| !address.is_unspecified());
    address.ok_or_else(|| format!("{text:?} is not an IP address of this machine"))
}

/// A path.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("a path is missing".to_owned()) } else { Ok(PathBuf::from(text)) }
}

/// The path of a file that can be read now.
pub(super) fn readable_file(text: &str) -> Result<PathBuf, String> {
    let path = path(text)?;
    let is_file = fs::File::open(&path)
        .and_then(|file| file.metadata())
        .map_err(|error| format!("{text} cannot be read: {}", cause(&error)))?
        .is_file();
    if is_file { Ok(path) } else { Err(format!("{text} is not a file")) }
}

/// Directives of the log filter.
pub(super) fn log_filter(text: &str) -> Result<String, String> {
    if logs::is_filter(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not a log filter: write it like info or info,web=debug"))
    }
}

/// The shape of log lines.
pub(super) fn log_format(text: &str) -> Result<logs::Format, String> {
    match text {
        "text" => Ok(logs::Format::Text),
        "json" => Ok(logs::Format::Json),
        _ => Err(format!("{text:?} is not a log format: use text or json")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

    #[test]
    fn durations() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("2m", 120), ("1h", 3_600), ("1d", 86_400), ("1", 1)]
        {
            assert_eq!(duration(text, &WIDE), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "s", "1.5s", "-1", "1ms", "1 h", "2m3s", "99999999999999999999", "99999999999999999d", "１"]
        {
            let error = duration(text, &WIDE).expect_err(text);
            assert!(error.contains("is not a duration"), "{text}: {error}");
        }
        for text in ["0", "2d", "86401"] {
            let error = duration(text, &WIDE).expect_err(text);
            assert!(error.contains("use 1 s to 86400 s"), "{text}: {error}");
        }
    }

    #[test]
    fn hosts() {
        for (text, address) in [
            ("localhost", "127.0.0.1"),
            ("localnetwork", "0.0.0.0"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("192.0.2.7", "192.0.2.7"),
        ] {
            assert_eq!(host(text).map(|host| host.to_string()), Ok(address.to_owned()));
        }
        for text in ["", "example.org", "127.0.0.1:80", "[::1", "[", "[]"] {
            assert!(host(text).expect_err(text).contains("is not an address"));
        }
    }

    #[test]
    fn ports() {
        assert_eq!((port("0"), port("65535")), (Ok(0), Ok(65_535)));
        for text in ["", "65536", "-1", "http", "80 "] {
            assert!(port(text).expect_err(text).contains("is not a port"));
        }
    }

    #[test]
    fn counts() {
        assert_eq!(count("1"), Ok(1));
        for text in ["0", "-1", "", "many"] {
            assert!(count(text).expect_err(text).contains("at least 1"));
        }
    }

    #[test]
    fn quotas_and_sizes() {
        assert_eq!((quota("0"), quota("7")), (Ok(None), Ok(Some(7))));
        for text in ["-1", "", "many"] {
            assert!(quota(text).expect_err(text).contains("0 for no limit"));
        }
        let limits = 10..=20;
        assert_eq!((bytes("10", &limits), bytes("20", &limits)), (Ok(10), Ok(20)));
        for text in ["9", "21", "1M", "", "-10"] {
            assert!(bytes(text, &limits).expect_err(text).contains("use 10 to 20 bytes"));
        }
    }

    #[test]
    fn presets_of_targets() {
        let read = |text: &str| target_presets(&[text.to_owned()]);
        let expected = ("[2001:db8::/32]:22".parse().unwrap(), Preset::Legacy);
        assert_eq!(read("[2001:db8::/32]:22=legacy"), Ok(vec![expected]));
        assert!(read("10.0.0.7").expect_err("no preset").contains("PATTERN=PRESET"));
        assert!(read("10.0.0.7=weak").expect_err("no preset").contains("modern, compatible and legacy"));
        assert!(read("10.*=legacy").expect_err("no pattern").contains("looks like addresses"));
    }

    #[test]
    fn switches() {
        assert_eq!(
            (switch("true"), switch("1"), switch("false"), switch("0")),
            (Ok(true), Ok(true), Ok(false), Ok(false))
        );
        assert!(switch("yes").expect_err("yes").contains("neither true nor false"));
    }
}
