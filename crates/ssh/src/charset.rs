//! The character encoding of a target that does not speak UTF-8: what it prints becomes UTF-8, and
//! what is typed becomes what it reads. Escape sequences and control characters pass as they are.
//! Must not know where bytes come from.

mod iso_2022_jp;

use bytes::Bytes;
use encoding_rs::{DecoderResult, EncoderResult, Encoding, ISO_2022_JP, UTF_8};
use engine::Charset;

/// Stands for what an encoding has no word for.
const UNKNOWN: u8 = b'?';
/// Characters that choose character sets in ISO-2022-JP, where its encoder refuses them.
const SHIFTS: [char; 3] = ['\x1b', '\x0e', '\x0f'];

/// What a target prints, as UTF-8: one stream, which may be cut anywhere.
pub(crate) enum Decoder {
    Plain(encoding_rs::Decoder),
    Iso2022Jp(iso_2022_jp::Decoder),
}

impl Decoder {
    pub(crate) fn new(charset: Charset) -> Self {
        match charset.encoding() {
            encoding if encoding == ISO_2022_JP => Self::Iso2022Jp(iso_2022_jp::Decoder::new()),
            encoding => Self::Plain(encoding.new_decoder_without_bom_handling()),
        }
    }

    /// The next characters; nothing, if the bytes only begin one.
    pub(crate) fn decode(&mut self, bytes: &[u8]) -> Bytes {
        self.take(bytes, false)
    }

    /// What is left of a character that never came whole.
    pub(crate) fn end(mut self) -> Bytes {
        self.take(&[], true)
    }

    fn take(&mut self, bytes: &[u8], is_last: bool) -> Bytes {
        let mut text = String::new();
        match self {
            Self::Plain(decoder) => append(decoder, bytes, is_last, &mut text),
            Self::Iso2022Jp(decoder) => decoder.decode(bytes, is_last, &mut text),
        }
        Bytes::from(text)
    }
}

/// Decodes into `text`; what is malformed is U+FFFD.
fn append(decoder: &mut encoding_rs::Decoder, bytes: &[u8], is_last: bool, text: &mut String) {
    // Room for all: there is nothing left to be read then.
    text.reserve(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or_default());
    let _ = decoder.decode_to_string(bytes, text, is_last);
}

/// What is typed in UTF-8, as a target reads it: one stream, which may be cut anywhere.
pub(crate) struct Encoder {
    encoding: &'static Encoding,
    /// Holds a character of which only the beginning was typed.
    typed: encoding_rs::Decoder,
}

impl Encoder {
    pub(crate) fn new(charset: Charset) -> Self {
        Self { encoding: charset.encoding(), typed: UTF_8.new_decoder_without_bom_handling() }
    }

    /// The bytes for what was typed. What the encoding does not have is a question mark.
    pub(crate) fn encode(&mut self, typed: &[u8]) -> Bytes {
        let text = self.text(typed);
        let mut bytes = Vec::with_capacity(text.len());
        // A piece for itself begins and ends with ASCII, whatever the encoding.
        for piece in text.split_inclusive(SHIFTS) {
            let words = piece.strip_suffix(SHIFTS).unwrap_or(piece);
            self.append(words, &mut bytes);
            bytes.extend_from_slice(&piece.as_bytes()[words.len()..]);
        }
        Bytes::from(bytes)
    }

    fn text(&mut self, mut typed: &[u8]) -> String {
        let mut text = String::new();
        loop {
            text.reserve(
                self.typed.max_utf8_buffer_length_without_replacement(typed.len()).unwrap_or_default(),
            );
            let (result, read) = self.typed.decode_to_string_without_replacement(typed, &mut text, false);
            typed = &typed[read..];
            match result {
                DecoderResult::InputEmpty => return text,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => text.push(char::from(UNKNOWN)),
            }
        }
    }

    fn append(&self, mut words: &str, bytes: &mut Vec<u8>) {
        let mut encoder = self.encoding.new_encoder();
        loop {
            let most = encoder.max_buffer_length_from_utf8_without_replacement(words.len());
            bytes.reserve(most.unwrap_or_default());
            let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(words, bytes, true);
            words = &words[read..];
            match result {
                EncoderResult::InputEmpty => return,
                EncoderResult::OutputFull => {}
                EncoderResult::Unmappable(_) => bytes.push(UNKNOWN),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATELESS: [&str; 8] =
        ["iso-8859-1", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "koi8-r"];

    fn charset(label: &str) -> Charset {
        Charset::parse(label).unwrap().unwrap()
    }

    /// All that comes of these pieces.
    fn decoded<'a>(label: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut decoder = Decoder::new(charset(label));
        let mut text = Vec::new();
        for piece in pieces {
            text.extend_from_slice(&decoder.decode(piece));
        }
        text.extend_from_slice(&decoder.end());
        String::from_utf8(text).unwrap()
    }

    fn encoded(label: &str, text: &str) -> Vec<u8> {
        Encoder::new(charset(label)).encode(text.as_bytes()).to_vec()
    }

    #[test]
    fn letters_have_their_bytes_in_both_directions() {
        for (label, text, bytes) in [
            ("iso-8859-1", "Grüße €", &b"Gr\xfc\xdfe \x80"[..]),
            ("koi8-r", "мир", b"\xcd\xc9\xd2"),
            ("shift_jis", "ソ表", b"\x83\x5c\x95\x5c"),
            ("euc-jp", "日本", b"\xc6\xfc\xcb\xdc"),
            ("gbk", "中文", b"\xd6\xd0\xce\xc4"),
            ("gb18030", "😀", b"\x94\x39\xfc\x36"),
            ("big5", "許功", b"\xb3\x5c\xa5\x5c"),
            ("euc-kr", "한국", b"\xc7\xd1\xb1\xb9"),
            ("iso-2022-jp", "日本", b"\x1b$BF|K\\\x1b(B"),
        ] {
            assert_eq!(encoded(label, text), bytes, "{label}");
            assert_eq!(decoded(label, [bytes]), text, "{label}");
            assert_eq!(decoded(label, bytes.chunks(1)), text, "{label}");
        }
    }

    #[test]
    fn what_an_encoding_does_not_have_is_a_question_mark() {
        assert_eq!(encoded("iso-8859-1", "a😀ω&amp;b"), b"a??&amp;b");
        assert_eq!(encoded("iso-2022-jp", "日😀本"), b"\x1b$BF|\x1b(B?\x1b$BK\\\x1b(B");
        assert_eq!(Encoder::new(charset("gb18030")).encode(b"a\xff\xfeb"), &b"a??b"[..]);
    }

    #[test]
    fn a_malformed_character_is_one_that_stands_for_it() {
        assert_eq!(decoded("gbk", [&b"a\xff\xffb\xd6"[..]]), "a\u{fffd}\u{fffd}b\u{fffd}");
        assert_eq!(decoded("euc-jp", [&b"\xc6\x1b[0m"[..]]), "\u{fffd}\x1b[0m");
        assert_eq!(decoded("iso-2022-jp", [&b"\xe4\x1b$BF"[..]]), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn control_characters_and_escape_sequences_pass_in_every_encoding() {
        let controls: String = (0..0x20_u8).chain([0x7f]).map(char::from).collect();
        let text =
            format!("{controls}\x1b[1;31mred\x1b[0m\x1b]0;title\x07\x1b(0q\x1b(B\x1bOA\x1b$\x1b\x1b(x");
        for label in STATELESS {
            assert_eq!(decoded(label, [text.as_bytes()]), text, "{label}");
            assert_eq!(encoded(label, &text), text.as_bytes(), "{label}");
        }
        assert_eq!(encoded("iso-2022-jp", &text), text.as_bytes());
        // Which character set is chosen is the encoding's own business.
        assert_eq!(decoded("iso-2022-jp", [text.as_bytes()]), text.replace("\x1b(B", ""));
    }

    #[test]
    fn a_character_that_is_typed_in_halves_arrives_whole() {
        let mut encoder = Encoder::new(charset("iso-8859-1"));
        assert_eq!(encoder.encode(b"a\xc3"), &b"a"[..]);
        assert_eq!(encoder.encode(b""), &b""[..]);
        assert_eq!(encoder.encode(b"\xa4b"), &b"\xe4b"[..]);
    }

    /// Texts in this encoding, some of them with bytes that are none.
    fn texts() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
        let text = prop_oneof!["[a-zäöü日本語中文한국мир\\x1b\\[\n]{0,40}", any::<String>()];
        (prop::sample::select(&STATELESS[..]), text, prop::collection::vec(any::<u8>(), 0..8))
            .prop_map(|(label, text, noise)| (label, [encoded(label, &text), noise].concat()))
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_a_stream_is_cut((label, bytes) in texts(), length in 1..7_usize) {
            let whole = charset(label).encoding().decode_without_bom_handling(&bytes).0;
            prop_assert_eq!(decoded(label, bytes.chunks(length)), whole.as_ref());
        }

        #[test]
        fn it_does_not_matter_where_typing_is_cut(text: String, length in 1..7_usize) {
            let mut encoder = Encoder::new(charset("gb18030"));
            let pieces = text.as_bytes().chunks(length);
            let bytes: Vec<u8> = pieces.flat_map(|piece| encoder.encode(piece)).collect();
            prop_assert_eq!(bytes, encoded("gb18030", &text));
        }
    }
}
