//! What the target's terminal is asked to be. Must not know how that is said to the target.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use crate::target::TermSize;

/// What the shell's pty is asked to be.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pty {
    /// All but its size.
    pub terminal: Terminal,
    /// The first size.
    pub size: TermSize,
}

/// A kind of terminal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Terminal {
    /// The `TERM` of the pty request.
    pub term: String,
    /// What the target reads and prints, if that is not UTF-8.
    pub charset: Option<Charset>,
    /// What its Backspace key types.
    pub erase: Erase,
    /// The speed that its line has, in bits a second.
    pub speed: u32,
}

/// The erase character of a terminal.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Erase {
    /// `^?`, DEL.
    #[default]
    Delete,
    /// `^H`, BS.
    Backspace,
}

impl Erase {
    /// The character.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Delete => 0x7f,
            Self::Backspace => 0x08,
        }
    }
}

impl Default for Terminal {
    /// A terminal of this century.
    fn default() -> Self {
        let term = "xterm-256color".to_owned();
        Self { term, charset: None, erase: Erase::default(), speed: 38_400 }
    }
}

/// A character encoding in which ASCII is ASCII, and which is not UTF-8.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Charset(&'static Encoding);

/// A text that names no character encoding that a terminal could have.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a character encoding such as iso-8859-1, gbk or euc-jp")]
pub struct UnknownCharset;

impl Charset {
    /// Reads a label of the Encoding Standard, in any case of letters; `None` for UTF-8's.
    ///
    /// # Errors
    /// There is no such label, or its encoding is for no terminal: it has no ASCII in it.
    pub fn parse(label: &str) -> Result<Option<Self>, UnknownCharset> {
        let encoding = Encoding::for_label(label.as_bytes()).ok_or(UnknownCharset)?;
        if [UTF_16BE, UTF_16LE, REPLACEMENT].contains(&encoding) {
            return Err(UnknownCharset);
        }
        Ok((encoding != UTF_8).then_some(Self(encoding)))
    }

    /// These bytes as text; what is none is U+FFFD.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        self.0.decode_without_bom_handling(bytes).0
    }

    /// The encoding.
    #[must_use]
    pub fn encoding(self) -> &'static Encoding {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_has_the_labels_of_the_encoding_standard() {
        let name = |label| Charset::parse(label).map(|charset| charset.map(|charset| charset.0.name()));
        for (label, encoding) in [
            ("iso-8859-1", "windows-1252"),
            ("ISO-8859-15", "ISO-8859-15"),
            (" GBK ", "GBK"),
            ("sjis", "Shift_JIS"),
            ("big5", "Big5"),
            ("koi8-r", "KOI8-R"),
            ("iso-2022-jp", "ISO-2022-JP"),
        ] {
            assert_eq!(name(label), Ok(Some(encoding)), "{label}");
        }
        for label in ["utf-8", "UTF8", "unicode-1-1-utf-8"] {
            assert_eq!(name(label), Ok(None), "{label}");
        }
        for label in ["", "cp437", "klingon", "utf-16", "utf-16be", "utf-7", "iso-2022-kr", "replacement"] {
            assert_eq!(name(label), Err(UnknownCharset), "{label}");
        }
    }
}
