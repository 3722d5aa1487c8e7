//! What the front is told to do: types that are valid once they exist.

use std::{fmt, time::Duration};

use http::Uri;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{front::is_authority, hash::sha256, program::EnvPattern};

/// What the front is told to do.
pub struct Config {
    /// The origin that browsers reach this gateway at; without it, whatever the request names.
    pub public_url: Option<PublicUrl>,
    /// Who may create sessions. Empty: everybody who reaches the port.
    pub api_tokens: Vec<ApiToken>,
    /// Who may frame the page.
    pub frame_ancestors: FrameAncestors,
    /// A sentence on the page for used links: how to get a new one here.
    pub new_url_hint: Option<String>,
    /// What a request may ask for.
    pub permits: Permits,
    /// Bounds of what one caller may take.
    pub limits: Limits,
    /// How many bytes were allocated since the start, where the program counts them.
    pub allocated: Option<fn() -> u64>,
}

/// What a request may ask for.
#[derive(Clone, Debug, Default)]
pub struct Permits {
    /// Variables of its shell, beside those of the language.
    pub accept_env: Vec<EnvPattern>,
    /// An agent in its shell with the key of the request.
    pub agent_forwarding: bool,
}

/// Bounds of what one caller may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open TCP connections from one address.
    pub connections_per_address: usize,
    /// Open TCP connections in all.
    pub connections: usize,
    /// How long a request's head, and its body, may take to arrive.
    pub read_timeout: Duration,
    /// The longest that a request may let a connection to its target take.
    pub connect_timeout: Duration,
    /// The longest that a command without a terminal may run.
    pub exec_time: Duration,
    /// How much of each of its stdout and stderr is kept, in bytes.
    pub exec_output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_per_address: 512,
            connections: 8192,
            read_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            exec_time: Duration::from_secs(60),
            exec_output: 1024 * 1024,
        }
    }
}

/// A named right to create sessions. Only the token's SHA-256 is kept.
pub struct ApiToken {
    name: String,
    hash: [u8; 32],
}

impl ApiToken {
    /// A right under this name, for whoever shows this token.
    #[must_use]
    pub fn new(name: String, token: &SecretString) -> Self {
        Self { name, hash: sha256(token.expose_secret().as_bytes()) }
    }

    /// The name, for logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Compares in constant time.
    pub(crate) fn is(&self, shown: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.hash, &sha256(shown.as_bytes())).is_ok()
    }
}

/// An origin, and nothing after it: `http://host[:port]` or `https://host[:port]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads an origin; one trailing slash is forgiven.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse_origin(text).map(Self)
    }

    /// The origin, as a browser writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads an origin into the one spelling that browsers send.
pub(crate) fn parse_origin(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is not an origin such as https://terminal.example.org");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let scheme = uri.scheme_str().map(str::to_ascii_lowercase).ok_or_else(wrong)?;
    let authority = uri.authority().ok_or_else(wrong)?;
    if !matches!(scheme.as_str(), "http" | "https")
        || !is_authority(authority.as_str())
        || authority.host().is_empty()
    {
        return Err(wrong());
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(format!("{text:?} has something after the origin: give scheme, host and port alone"));
    }
    let host = authority.host().to_ascii_lowercase();
    let default_port = if scheme == "https" { 443 } else { 80 };
    Ok(match authority.port_u16() {
        Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

/// Who may frame the page: the sources of CSP `frame-ancestors`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FrameAncestors(Vec<String>);

impl FrameAncestors {
    /// Reads `'self'`, `'none'` (alone), origins, and origins whose host begins with `*.`; the
    /// quotes of the two words may be left out.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse<'a>(sources: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let sources = sources.into_iter().map(parse_frame_ancestor).collect::<Result<Vec<_>, _>>()?;
        match sources.as_slice() {
            [] => Err("name at least one source: 'self', 'none' or an origin".to_owned()),
            [_, _, ..] if sources.iter().any(|source| source == "'none'") => {
                Err("'none' stands alone or not at all".to_owned())
            }
            _ => Ok(Self(sources)),
        }
    }

    /// The sources as CSP wants them.
    pub(crate) fn csp(&self) -> String {
        self.0.join(" ")
    }

    /// The older header that says the same, where it can.
    pub(crate) fn x_frame_options(&self) -> Option<&'static str> {
        match self.0.as_slice() {
            [only] if only == "'self'" => Some("SAMEORIGIN"),
            [only] if only == "'none'" => Some("DENY"),
            _ => None,
        }
    }
}

impl Default for FrameAncestors {
    /// `'self'`.
    fn default() -> Self {
        Self(vec!["'self'".to_owned()])
    }
}

fn parse_frame_ancestor(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.trim_matches('\'') {
        "self" => return Ok("'self'".to_owned()),
        "none" => return Ok("'none'".to_owned()),
        _ => {}
    }
    let Some((scheme, host)) = text.split_once("://*.") else { return parse_origin(text) };
    // A wildcard is no host name, so the origin is read without it.
    let origin = parse_origin(&format!("{scheme}://{host}"))?;
    Ok(origin.replacen("://", "://*.", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        for (text, origin) in [
            ("https://Example.org/", "https://example.org"),
            ("https://example.org:443", "https://example.org"),
            ("http://example.org:443", "http://example.org:443"),
            ("http://[::1]:5000", "http://[::1]:5000"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().as_str(), origin);
        }
        for text in
            ["", "example.org", "ftp://x", "https://", "https://a/b", "https://a?b", "https://u@a", "//a"]
        {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn frame_ancestors_are_csp_sources() {
        let parse = |sources: &[&str]| FrameAncestors::parse(sources.iter().copied());
        assert_eq!(parse(&["self", "https://*.Example.org"]).unwrap().csp(), "'self' https://*.example.org");
        assert_eq!(parse(&["'none'"]).unwrap().x_frame_options(), Some("DENY"));
        assert_eq!(FrameAncestors::default().x_frame_options(), Some("SAMEORIGIN"));
        assert_eq!(parse(&["https://a.example"]).unwrap().x_frame_options(), None);
        for bad in [
            &[][..],
            &["none", "self"],
            &["*"],
            &["https:"],
            &["https://a; script-src *"],
            &["https://a;script-src"],
            &["https://a,b"],
            &["'unsafe-inline'"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_token_is_itself_alone() {
        let token = ApiToken::new("portal".into(), &"0123456789abcdef".into());
        assert!(token.is("0123456789abcdef"));
        assert!(!token.is("0123456789abcdeg"));
        assert!(!token.is(""));
    }
}
