//! Bytes into text for clients of the original's protocol, without ever breaking a character.

/// Decodes UTF-8 over chunk borders. What is not UTF-8 becomes U+FFFD; the beginning of a
/// character waits for its end, at most 3 bytes of it.
#[derive(Clone, Default)]
pub struct Utf8Decoder {
    unfinished: Vec<u8>,
}

impl Utf8Decoder {
    /// The text that is complete with these bytes.
    pub fn decode(&mut self, bytes: &[u8]) -> String {
        let mut joined = std::mem::take(&mut self.unfinished);
        joined.extend_from_slice(bytes);
        let mut text = String::with_capacity(joined.len());
        let mut chunks = joined.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let broken = chunk.invalid();
            if chunks.peek().is_none() && is_unfinished(broken) {
                self.unfinished = broken.to_vec();
            } else if !broken.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        text
    }

    /// What is left when nothing follows.
    pub(crate) fn finish(&mut self) -> &'static str {
        if std::mem::take(&mut self.unfinished).is_empty() { "" } else { "\u{fffd}" }
    }
}

/// Whether these bytes, which are not UTF-8, are the beginning of a character.
fn is_unfinished(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// The length of a text as a JSON string, quotes included.
pub fn json_length(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0x00..=0x1f => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(bytes: &[u8], length: usize) -> String {
        let mut decoder = Utf8Decoder::default();
        let mut text: String = bytes.chunks(length).map(|piece| decoder.decode(piece)).collect();
        text.push_str(decoder.finish());
        text
    }

    #[test]
    fn any_chunking_gives_the_same_text() {
        let text = "aé日🚀\u{7f}z".repeat(50);
        for length in 1..40 {
            assert_eq!(in_pieces(text.as_bytes(), length), text, "{length}");
        }
    }

    #[test]
    fn what_is_not_utf8_is_replaced_as_the_standard_library_does() {
        for bytes in [
            &b"a\xffb"[..],
            b"\xe6\x97",
            b"\xe6\x97a",
            b"\xf0\x9f\x9a",
            b"\xc0\x80",
            b"\xed\xa0\x80x",
            b"\x80",
        ] {
            for length in 1..=bytes.len() {
                assert_eq!(in_pieces(bytes, length), String::from_utf8_lossy(bytes), "{bytes:?} {length}");
            }
        }
    }

    #[test]
    fn an_unfinished_character_waits() {
        let mut decoder = Utf8Decoder::default();
        assert_eq!(decoder.decode(b"x\xe6\x97"), "x");
        assert_eq!(decoder.decode(b"\xa5"), "日");
    }

    #[test]
    fn the_length_is_what_json_takes() {
        let text: String = (0..0x100_u32).filter_map(char::from_u32).chain("日🚀\u{2028}".chars()).collect();
        assert_eq!(json_length(&text), serde_json::to_string(&text).unwrap().len());
    }
}
