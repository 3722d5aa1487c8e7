//! ISO-2022-JP as a terminal reads it. The Encoding Standard's decoder is for documents: the only
//! escape sequences that it knows choose a character set, two of them in a row are an error, and so is
//! a control character in the midst of Japanese.

use encoding_rs::ISO_2022_JP;

use super::append;

const ESC: u8 = 0x1b;

/// Passes control characters and other escape sequences; behind each the text is in ASCII again.
pub(crate) struct Decoder {
    text: encoding_rs::Decoder,
    /// The beginning of what may choose a character set.
    escape: Vec<u8>,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { text: in_ascii(), escape: Vec::new() }
    }

    pub(super) fn decode(&mut self, bytes: &[u8], is_last: bool, out: &mut String) {
        for &byte in bytes {
            self.take(byte, out);
        }
        if is_last {
            self.pass(out);
        }
    }

    fn take(&mut self, byte: u8, out: &mut String) {
        match (self.escape.as_slice(), byte) {
            ([], ESC) | ([_], b'(' | b'$') => self.escape.push(byte),
            ([], ..0x20) => {
                self.escape.push(byte);
                self.pass(out);
            }
            ([], _) => append(&mut self.text, &[byte], false, out),
            ([_, b'('], b'B' | b'J' | b'I') | ([_, b'$'], b'@' | b'B') => {
                self.finish(out);
                self.escape.push(byte);
                append(&mut self.text, &std::mem::take(&mut self.escape), false, out);
            }
            _ => {
                self.pass(out);
                self.take(byte, out);
            }
        }
    }

    /// What was held back is none of this encoding's.
    fn pass(&mut self, out: &mut String) {
        self.finish(out);
        out.extend(self.escape.drain(..).map(char::from));
    }

    /// Half a character stays half.
    fn finish(&mut self, out: &mut String) {
        append(&mut self.text, &[], true, out);
        self.text = in_ascii();
    }
}

fn in_ascii() -> encoding_rs::Decoder {
    ISO_2022_JP.new_decoder_without_bom_handling()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> String {
        let (mut decoder, mut text) = (Decoder::new(), String::new());
        decoder.decode(bytes, false, &mut text);
        decoder.decode(&[], true, &mut text);
        text
    }

    #[test]
    fn colours_and_japanese_stand_side_by_side() {
        assert_eq!(decoded(b"\x1b[34m\x1b$BF|\x1b(B\x1b$BK\\\x1b(B\x1b[0m."), "\x1b[34m日本\x1b[0m.");
    }

    #[test]
    fn a_line_ends_whatever_it_is_in() {
        assert_eq!(decoded(b"\x1b$BF|\r\nF|\x1b$BF\x1b[K"), "日\r\nF|\u{fffd}\x1b[K");
    }

    #[test]
    fn what_was_held_back_comes_at_the_end() {
        assert_eq!((decoded(b"a\x1b"), decoded(b"a\x1b$")), ("a\x1b".to_owned(), "a\x1b$".to_owned()));
    }
}
