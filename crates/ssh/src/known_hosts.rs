//! What known hosts files say about one host: read entry by entry, matched by us.
//!
//! russh's own matcher knows neither `@revoked` nor wildcards and takes a file that it cannot
//! read for an empty one. Must not know where a key comes from nor what a policy makes of it.

use std::{fs, io, path::Path};

use aws_lc_rs::hmac;
use russh::keys::{
    Algorithm, PublicKey,
    ssh_key::{
        known_hosts::{HostPatterns, Marker},
        public::KeyData,
    },
};
use tracing::warn;

use crate::glob;

/// The names under which a host may stand in a file.
#[derive(Clone, Debug)]
pub(crate) struct HostName {
    /// `host`, or `[host]:port` if the port is not 22.
    pub(crate) exact: String,
    /// `host` if the port is not 22. A key under this name proves the host as well unless there
    /// is one under the exact name, but a host known only by it is not known at this port.
    bare: Option<String>,
}

impl HostName {
    /// The names of `host` at `port`.
    pub(crate) fn new(host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        if port == 22 {
            Self { exact: host, bare: None }
        } else {
            Self { exact: format!("[{host}]:{port}"), bare: Some(host) }
        }
    }

    /// The host without its port.
    pub(crate) fn host(&self) -> &str {
        self.bare.as_deref().unwrap_or(&self.exact)
    }
}

/// What the files say about one host.
#[derive(Default)]
pub(crate) struct KnownHost {
    exact: Vec<KnownKey>,
    bare: Vec<KnownKey>,
    /// Whose certificates prove it, by whatever name.
    authorities: Vec<KnownKey>,
    revoked: Vec<KnownKey>,
}

struct KnownKey {
    /// `None` if it cannot be read: the host has a key, which no key that it shows can equal.
    key: Option<KeyData>,
    /// `file:line`.
    place: String,
}

/// What is known of a key that a host shows.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It is the host's.
    Known,
    /// Nothing is known of this host.
    Unknown,
    /// The host has another key, of whatever type.
    Changed {
        /// Where that one stands.
        place: String,
    },
    /// The host's key was revoked.
    Revoked {
        /// Where.
        place: String,
    },
}

impl KnownHost {
    /// Adds what a file says about the host.
    ///
    /// # Errors
    /// The file cannot be read, or revokes a key that cannot be read.
    pub(crate) fn add_file(&mut self, path: &Path, host: &HostName) -> io::Result<()> {
        let bytes = fs::read(path)?;
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let place = format!("{}:{}", path.display(), index + 1);
            match parse(line) {
                Ok(Some(line)) => self.add(line, place, host),
                Ok(None) => {}
                Err(Malformed { revokes: true }) => {
                    let words = format!("the revoked key at line {} cannot be read", index + 1);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, words));
                }
                Err(Malformed { revokes: false }) => warn!(%place, "skipped a malformed known_hosts line"),
            }
        }
        Ok(())
    }

    fn add(&mut self, line: Line, place: String, host: &HostName) {
        let naming = naming(&line.patterns, &host.exact);
        let exact = naming == Naming::Included;
        // A line that excludes the host at this port does not name it by the shorter name either.
        let bare = naming == Naming::Absent
            && host.bare.as_ref().is_some_and(|bare| self::naming(&line.patterns, bare) == Naming::Included);
        if (exact || bare) && line.key.is_none() {
            warn!(%place, "the key at a known_hosts line cannot be read");
        }
        let known = KnownKey { key: line.key, place };
        match line.marker {
            // Another host's.
            _ if !exact && !bare => {}
            Some(Marker::Revoked) => self.revoked.push(known),
            Some(Marker::CertAuthority) => self.authorities.push(known),
            None if exact => self.exact.push(known),
            None => self.bare.push(known),
        }
    }

    /// What is known of `key`.
    pub(crate) fn verdict(&self, key: &KeyData) -> Verdict {
        if let Some(place) = self.revocation(key) {
            return Verdict::Revoked { place: place.to_owned() };
        }
        if self.valid().iter().any(|known| known.key.as_ref() == Some(key)) {
            return Verdict::Known;
        }
        // A key that can be read tells more than one that cannot.
        match self.exact.iter().min_by_key(|known| known.key.is_none()) {
            Some(known) => Verdict::Changed { place: known.place.clone() },
            None => Verdict::Unknown,
        }
    }

    /// Where a key is revoked, the host's own or an authority's.
    pub(crate) fn revocation(&self, key: &KeyData) -> Option<&str> {
        let revoked = self.revoked.iter().find(|known| known.key.as_ref() == Some(key));
        revoked.map(|known| known.place.as_str())
    }

    /// Those whose certificates prove the host.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = &KeyData> {
        self.authorities.iter().filter_map(|known| known.key.as_ref())
    }

    /// The keys that prove the host: the shorter name counts only if nothing stands under the
    /// exact one.
    fn valid(&self) -> &[KnownKey] {
        if self.exact.is_empty() { &self.bare } else { &self.exact }
    }

    /// The types of the keys that are known, to be asked for first.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        self.valid().iter().filter_map(|known| known.key.as_ref()).map(KeyData::algorithm).collect()
    }
}

/// One line that names hosts.
struct Line {
    marker: Option<Marker>,
    patterns: HostPatterns,
    /// `None` if it cannot be read.
    key: Option<KeyData>,
}

#[derive(Debug)]
struct Malformed {
    /// The line would revoke a key: it must not be skipped.
    revokes: bool,
}

/// One line: whom it names, nothing, or what cannot be read.
fn parse(line: &[u8]) -> Result<Option<Line>, Malformed> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    let malformed = Malformed { revokes: line.starts_with(b"@revoked") };
    // Bytes that are no text equal no host and no key, and do no harm in a comment.
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .map(String::from_utf8_lossy)
        .peekable();
    let marker = words.next_if(|word| word.starts_with('@')).map(|word| word.parse()).transpose();
    let patterns = words.next().map(|word| word.parse());
    // The library wants a single blank between type and key, and no comment.
    let key = words.take(2).collect::<Vec<_>>().join(" ").parse::<PublicKey>();
    match (marker, patterns, key) {
        (Ok(Some(Marker::Revoked)), _, Err(_)) => Err(malformed),
        (Ok(marker), Some(Ok(patterns)), key) => {
            Ok(Some(Line { marker, patterns, key: key.ok().map(|key| key.key_data().clone()) }))
        }
        _ => Err(malformed),
    }
}

/// What a line's patterns say about a host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Naming {
    Included,
    /// By a pattern with `!`, whatever the others say.
    Excluded,
    Absent,
}

/// Compares patterns with a host, as sshd(8) describes it.
fn naming(patterns: &HostPatterns, host: &str) -> Naming {
    let is_included = match patterns {
        HostPatterns::Patterns(patterns) => {
            let (excluding, including): (Vec<_>, Vec<_>) =
                patterns.iter().partition(|pattern| pattern.starts_with('!'));
            let matches = |pattern: &str| glob::matches(&pattern.to_ascii_lowercase(), host);
            if excluding.iter().any(|pattern| matches(&pattern[1..])) {
                return Naming::Excluded;
            }
            including.iter().any(|pattern| matches(pattern))
        }
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, host.as_bytes(), hash).is_ok()
        }
    };
    if is_included { Naming::Included } else { Naming::Absent }
}

#[cfg(test)]
#[path = "known_hosts_tests.rs"]
mod tests;
