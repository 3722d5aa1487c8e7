//! The pages and their assets, as the front end's build left them, inside the binary.
//!
//! Owns what the templates' placeholders mean and which encoding a client gets. Must not know
//! routes, policies or sessions.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use rust_embed::RustEmbed;

use crate::hash::sha256;

const TERMINAL: &str = include_str!(concat!(env!("WEB_DIST"), "/index.html"));
const LANDING: &str = include_str!(concat!(env!("WEB_DIST"), "/landing.html"));
const NOT_FOUND: &str = include_str!(concat!(env!("WEB_DIST"), "/not-found.html"));

const DEFAULT_HINT: &str = "Ask for a new link where you got this one.";

#[derive(RustEmbed)]
#[folder = "$WEB_DIST/assets"]
struct Assets;

/// A page that the gateway serves, with what stands in it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Page<'a> {
    /// The terminal for one ticket, which the page finds in its own address.
    Terminal,
    /// What this gateway is, and how to create a session at `origin`.
    Landing { origin: &'a str },
    /// The link opens nothing; `hint` says how to get a new one.
    NotFound { hint: Option<&'a str> },
}

impl Page<'_> {
    /// The page's HTML. The `nonce` is the one in the response's policy.
    pub(crate) fn html(self, nonce: &str) -> String {
        let html = self.template().replace("{{nonce}}", &escaped(nonce));
        match self {
            Page::Terminal => html,
            Page::Landing { origin } => html.replace("{{origin}}", &escaped(origin)),
            Page::NotFound { hint } => html.replace("{{hint}}", &escaped(hint.unwrap_or(DEFAULT_HINT))),
        }
    }

    /// The hash of the script that stands in the page itself, as a policy names it, if there is one.
    pub(crate) fn script_hash(self) -> Option<String> {
        let (_, rest) = self.template().split_once("<script>")?;
        let (script, _) = rest.split_once("</script>")?;
        Some(format!("sha256-{}", STANDARD.encode(sha256(script.as_bytes()))))
    }

    fn template(self) -> &'static str {
        match self {
            Page::Terminal => TERMINAL,
            Page::Landing { .. } => LANDING,
            Page::NotFound { .. } => NOT_FOUND,
        }
    }
}

/// A file under `/assets/`. Its name changes with its content, so it may be kept for ever.
#[derive(Debug)]
pub(crate) struct Asset {
    /// The bytes, in the encoding.
    pub(crate) body: Bytes,
    /// The value of `Content-Type`.
    pub(crate) content_type: &'static str,
    /// The value of `Content-Encoding`. The response varies by `Accept-Encoding` in any case.
    pub(crate) encoding: Option<&'static str>,
    /// A strong entity tag of these bytes, with its quotes.
    pub(crate) etag: String,
}

/// The file of this name, without `/assets/` before it, in the best encoding that the client takes.
/// `accept_encoding` is the header's value, and empty where there is none.
pub(crate) fn asset(name: &str, accept_encoding: &str) -> Option<Asset> {
    let content_type = content_type(name)?;
    let (file, encoding) = [("br", "br"), ("gz", "gzip")]
        .into_iter()
        .filter(|(_, coding)| accepts(accept_encoding, coding))
        .find_map(|(suffix, coding)| Some((Assets::get(&format!("{name}.{suffix}"))?, Some(coding))))
        .or_else(|| Some((Assets::get(name)?, None)))?;
    let etag = u128::from_be_bytes(*file.metadata.sha256_hash().first_chunk()?);
    let body = match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Some(Asset { body, content_type, encoding, etag: format!("\"{etag:032x}\"") })
}

/// None for what the build makes no assets of, its own compressed copies among them.
fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// Whether a client with this `Accept-Encoding` takes the coding (RFC 9110, 12.5.3).
fn accepts(accept_encoding: &str, coding: &str) -> bool {
    let quality = |wanted: &str| {
        accept_encoding.split(',').find_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            parts.next().filter(|name| name.eq_ignore_ascii_case(wanted))?;
            let q = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            Some(q.map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0)))
        })
    };
    quality(coding).or_else(|| quality("*")).is_some_and(|q| q > 0.0)
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_at_most_one_script_of_its_own_and_its_policy_names_it() {
        let hint = Some("<script>alert(1)</script>");
        for page in [Page::Terminal, Page::NotFound { hint }] {
            let html = page.html("n0nce");
            let (before, rest) = html.split_once("<script>").expect("a script");
            let (script, after) = rest.split_once("</script>").expect("its end");
            assert!(!before.contains("<script>") && !after.contains("<script>"));
            let hash = STANDARD.encode(sha256(script.as_bytes()));
            assert_eq!(page.script_hash(), Some(format!("sha256-{hash}")));
        }
        assert_eq!(Page::Landing { origin: "http://h" }.script_hash(), None);
    }

    /// The terminal page's script, by its name under `/assets/`.
    fn script() -> &'static str {
        let start = TERMINAL.find("src=\"/assets/").expect("a script") + "src=\"/assets/".len();
        TERMINAL[start..].split('"').next().expect("a name")
    }

    #[test]
    fn best_encoding_wins_and_q_zero_is_respected() {
        let encoding = |header| asset(script(), header).expect("the script").encoding;
        assert_eq!(encoding("gzip, deflate, br, zstd"), Some("br"));
        assert_eq!(encoding("br;q=0, gzip"), Some("gzip"));
        assert_eq!(encoding("GZIP;q=0.5"), Some("gzip"));
        assert_eq!(encoding("br; q=0.000, gzip ; q=0"), None);
        assert_eq!(encoding("*"), Some("br"));
        assert_eq!(encoding("br;q=0, *;q=0.1"), Some("gzip"));
        assert_eq!(encoding("*;q=0"), None);
        assert_eq!(encoding("brotli, x-br, gzipped"), None);
        assert_eq!(encoding("br;q=high"), None);
        assert_eq!(encoding("identity"), None);
        assert_eq!(encoding(""), None);
    }

    #[test]
    fn encodings_are_smaller_and_have_their_own_tags() {
        let [plain, gzip, br] = ["", "gzip", "br"].map(|header| asset(script(), header).expect("the script"));
        assert!(br.body.len() < gzip.body.len() && gzip.body.len() < plain.body.len());
        assert_ne!(plain.etag, gzip.etag);
        assert_ne!(gzip.etag, br.etag);
        assert!(br.etag.len() == 34 && br.etag.starts_with('"') && br.etag.ends_with('"'));
        assert_eq!(br.content_type, "text/javascript; charset=utf-8");
    }

    #[test]
    fn only_assets_are_found() {
        assert!(asset(&format!("{}.br", script()), "").is_none());
        for name in ["", "index.html", "../index.html", "no-such.js", "/", ".js"] {
            assert!(asset(name, "br").is_none(), "{name}");
        }
    }

    #[test]
    fn every_asset_has_a_type() {
        for name in Assets::iter().filter(|name| !name.ends_with(".br") && !name.ends_with(".gz")) {
            assert!(asset(&name, "br").is_some(), "{name}");
        }
    }

    #[test]
    fn placeholders_are_filled_and_escaped() {
        let pages = [
            Page::Terminal.html("n0nce"),
            Page::Landing { origin: "http://h/\"><b>" }.html("n0nce"),
            Page::NotFound { hint: Some("<b>{{nonce}}") }.html("n0nce"),
        ];
        for html in &pages {
            assert!(html.contains("nonce=\"n0nce\""));
        }
        assert!(!pages[0].contains("{{") && !pages[1].contains("{{"));
        assert!(pages[1].contains("curl http://h/&quot;&gt;&lt;b&gt;/create-session"));
        assert!(pages[2].contains("&lt;b&gt;{{nonce}}") && !pages[2].contains("<b>"));
        assert!(Page::NotFound { hint: None }.html("n").contains(DEFAULT_HINT));
    }
}
