//! Where a session goes: types that are valid once they exist.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose};

use crate::{algorithms::AlgorithmChoice, hash::sha256};

/// An SSH server and the account on it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Host name or address, in the spelling of [`host_name`](crate::host_name).
    pub host: String,
    /// TCP port, 1 to 65535.
    pub port: u16,
    /// The account's name.
    pub username: String,
    /// The only host keys that are accepted, if the caller pinned any.
    pub host_keys: Vec<Fingerprint>,
    /// How long connecting may take, if less than the dialer's own limit.
    pub connect_timeout: Option<Duration>,
    /// Which algorithms may be used on the way there.
    pub algorithms: AlgorithmChoice,
}

impl Target {
    /// An account on a server, of which nothing else is asked.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16, username: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port,
            username: username.into(),
            host_keys: Vec::new(),
            connect_timeout: None,
            algorithms: AlgorithmChoice::default(),
        }
    }
}

impl fmt::Display for Target {
    /// `host:port`, with an IPv6 address in brackets; never the account.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The SHA-256 of a public host key, as OpenSSH prints it: `SHA256:` and unpadded base64.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Fingerprint([u8; 32]);

/// A text that names no host key.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a SHA256:… fingerprint and not a public key line")]
pub struct InvalidHostKey;

impl Fingerprint {
    /// The fingerprint of a public key in its wire encoding (RFC 4253, section 6.6).
    #[must_use]
    pub fn of_public_key(blob: &[u8]) -> Self {
        Self(sha256(blob))
    }

    /// Reads `SHA256:…` or a public key line such as `ssh-ed25519 AAAA… comment`.
    ///
    /// # Errors
    /// The text is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidHostKey> {
        let text = text.trim();
        if let Some(hash) = text.strip_prefix("SHA256:") {
            let hash = hash.trim_end_matches('=');
            let bytes = general_purpose::STANDARD_NO_PAD.decode(hash).map_err(|_| InvalidHostKey)?;
            return Ok(Self(bytes.try_into().map_err(|_| InvalidHostKey)?));
        }
        let mut words = text.split_ascii_whitespace();
        let (Some(kind), Some(key)) = (words.next(), words.next()) else {
            return Err(InvalidHostKey);
        };
        let blob = general_purpose::STANDARD.decode(key).map_err(|_| InvalidHostKey)?;
        // The blob begins with the length and the name of its own type.
        let length = blob.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize);
        if length != Some(kind.len()) || blob.get(4..4 + kind.len()) != Some(kind.as_bytes()) {
            return Err(InvalidHostKey);
        }
        Ok(Self::of_public_key(&blob))
    }

    /// Reads one or several, each on a line of its own; fingerprints also with commas between them.
    /// A key line's comment may have any.
    ///
    /// # Errors
    /// There is none, or a text among them is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, InvalidHostKey> {
        let mut list = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line.starts_with("SHA256:") {
                for text in line.split(',') {
                    list.push(Self::parse(text)?);
                }
            } else {
                list.push(Self::parse(line)?);
            }
        }
        if list.is_empty() { Err(InvalidHostKey) } else { Ok(list) }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", general_purpose::STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The size of a terminal, in cells: 1 to 1000 columns, 1 to 500 rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TermSize {
    cols: u16,
    rows: u16,
}

impl TermSize {
    /// Clamps both into what a terminal may be.
    #[must_use]
    pub fn clamped(cols: u16, rows: u16) -> Self {
        Self { cols: cols.clamp(1, 1000), rows: rows.clamp(1, 500) }
    }

    /// Columns, in cells.
    #[must_use]
    pub fn cols(self) -> u16 {
        self.cols
    }

    /// Rows, in cells.
    #[must_use]
    pub fn rows(self) -> u16 {
        self.rows
    }
}

impl Default for TermSize {
    /// 80 by 24, what a client gets that names no size.
    fn default() -> Self {
        Self { cols: 80, rows: 24 }
    }
}
