//! The text around a private key: armour, blank space and whatever a copy and paste has done to it.
//!
//! Must not know what is inside.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// One PEM block.
pub(crate) struct Pem {
    /// What stands between `BEGIN` and the dashes.
    pub(crate) label: String,
    /// The cipher and parameters of the old encryption, `DEK-Info`, if the block has any.
    pub(crate) dek_info: Option<String>,
    /// The base64 text without blank space.
    body: Zeroizing<String>,
}

impl Pem {
    /// Finds the first private key, or else the first block of any kind.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut first = None;
        while let Some((pem, after)) = next(rest) {
            if pem.label.ends_with("PRIVATE KEY") {
                return Some(pem);
            }
            first = first.or(Some(pem));
            rest = after;
        }
        first
    }

    /// What the base64 text stands for; nothing if it is damaged.
    pub(crate) fn bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        STANDARD.decode(self.body.as_bytes()).ok().map(Zeroizing::new)
    }

    /// The block as OpenSSL would write it, for libraries that are strict about it.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        let headers = match &self.dek_info {
            Some(dek_info) => format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: {dek_info}\n\n"),
            None => String::new(),
        };
        let (label, body) = (&self.label, self.body.as_str());
        Zeroizing::new(format!("-----BEGIN {label}-----\n{headers}{body}\n-----END {label}-----\n"))
    }
}

fn next(text: &str) -> Option<(Pem, &str)> {
    let (_, text) = text.split_once("-----BEGIN ")?;
    let (label, text) = text.split_once("-----")?;
    let (inside, after) = text.split_once(&format!("-----END {label}-----"))?;
    let (dek_info, body) = split_headers(inside);
    let body = Zeroizing::new(body.split_ascii_whitespace().collect());
    Some((Pem { label: label.to_owned(), dek_info, body }, after))
}

/// The headers of the old encryption end with the parameters of its cipher, which are a word.
fn split_headers(inside: &str) -> (Option<String>, &str) {
    let Some((_, after)) = inside.split_once("DEK-Info:") else { return (None, inside) };
    let after = after.trim_start();
    let end = after.find(|c: char| c.is_ascii_whitespace()).unwrap_or(after.len());
    (Some(after[..end].to_owned()), &after[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (String, Option<String>, Vec<u8>) {
        let pem = Pem::find(text).unwrap();
        let bytes = pem.bytes().unwrap().to_vec();
        (pem.label, pem.dek_info, bytes)
    }

    #[test]
    fn blank_space_does_not_matter() {
        let expected = ("X PRIVATE KEY".to_owned(), None, b"hello world".to_vec());
        for text in [
            "-----BEGIN X PRIVATE KEY-----\naGVsbG8g\nd29ybGQ=\n-----END X PRIVATE KEY-----\n",
            "\u{feff}\r\n  -----BEGIN X PRIVATE KEY-----  \r\n\t aGVsbG8g \r\n d29ybGQ=\r\n\r\n-----END X PRIVATE KEY-----",
            "-----BEGIN X PRIVATE KEY----- aGVsbG8g d29ybGQ= -----END X PRIVATE KEY-----",
            "noise -----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\
             -----BEGIN X PRIVATE KEY-----aGVsbG8gd29ybGQ=-----END X PRIVATE KEY----- noise",
        ] {
            assert_eq!(found(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_old_headers_are_told_from_the_body() {
        let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00ff\n\naGk=\n-----END RSA PRIVATE KEY-----";
        let expected = ("RSA PRIVATE KEY".to_owned(), Some("AES-128-CBC,00ff".to_owned()), b"hi".to_vec());
        assert_eq!(found(text), expected);
        assert_eq!(found(&Pem::find(text).unwrap().text()), expected);
        assert_eq!(found(&text.replace('\n', " ")), expected);
    }

    #[test]
    fn what_has_no_end_is_no_block() {
        assert!(Pem::find("-----BEGIN X PRIVATE KEY-----\naGk=\n").is_none());
        assert!(Pem::find("").is_none());
    }
}
