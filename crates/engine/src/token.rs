//! The right to come back to a session: 256 random bits, of which only the SHA-256 is kept.

use std::fmt;

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::hash::sha256;

const LENGTH: usize = 32;

/// A right to come back to one session. It prints nothing of itself.
#[derive(Clone, Eq, PartialEq)]
pub struct ResumeToken([u8; LENGTH]);

impl ResumeToken {
    /// A new one, or none if the system gives no random bits.
    pub(crate) fn random() -> Option<Self> {
        let mut bits = [0; LENGTH];
        rand::fill(&mut bits).ok()?;
        Some(Self(bits))
    }

    /// Reads a token as [`reveal`](Self::reveal) writes it; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The text to hand to the attached browser, and to nobody else: 43 characters of base64url.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(sha256(&self.0))
    }
}

impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeToken(…)")
    }
}

/// All that is kept of a token.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(crate) struct TokenHash([u8; 32]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written_and_no_other_way() {
        let token = ResumeToken::random().unwrap();
        let text = token.reveal();
        assert_eq!(ResumeToken::parse(&text), Some(token.clone()));
        assert_eq!(format!("{token:?}"), "ResumeToken(…)");
        for bad in
            ["", &text[1..], &format!("{text}A"), &text.replace(|c| c == text.chars().next().unwrap(), "+")]
        {
            assert_eq!(ResumeToken::parse(bad), None, "{bad}");
        }
        assert!(ResumeToken::random() != ResumeToken::random());
    }
}
