//! Bytes to events: the parser of xterm.js, with bounded strings.
//!
//! Knows no screen. An OSC that is longer than [`OSC_BYTES`] means nothing here.

mod params;
mod table;
mod utf8;

pub(crate) use params::Params;
pub(crate) use table::State;
use table::{Action, transition};
use utf8::{Decoded, Decoder};

/// The longest operating system command that is understood.
const OSC_BYTES: usize = 16 * 1024;
/// As much of a device control string as tells which question it is.
const DCS_BYTES: usize = 8;
/// The number of the commands that are understood.
const OSC_NUMBERS: [&[u8]; 12] =
    [b"0", b"1", b"2", b"4", b"8", b"10", b"11", b"12", b"104", b"110", b"111", b"112"];
const DECRQSS: u32 = 0x2471;

/// What is told to whoever draws.
pub(crate) trait Perform {
    /// Printable ASCII. What is printed without [`Self::end_print`] in between is one run.
    fn print_ascii(&mut self, text: &[u8]);
    /// One character from U+00A0 on.
    fn print(&mut self, code: u32);
    /// Anything but characters follows, or somebody looks.
    fn end_print(&mut self);
    /// A good moment to tidy up.
    fn pause(&mut self);
    /// A C0 or C1 control.
    fn execute(&mut self, code: u32);
    /// `identifier` is the prefix, the intermediates and the final byte, the last one lowest.
    fn csi(&mut self, identifier: u32, params: &Params);
    fn esc(&mut self, identifier: u32);
    /// A whole command, with its number.
    fn osc(&mut self, text: &str);
    /// Something ended that a combining character does not reach over.
    fn end_cluster(&mut self);
}

/// The parser.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    state: State,
    decoder: Decoder,
    params: Params,
    collected: u32,
    /// The text of an OSC, or the beginning of a DCS's.
    text: String,
    is_too_long: bool,
    dcs: u32,
}

impl Parser {
    /// Whether the next byte begins something new.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.state == State::Ground && self.decoder.is_empty()
    }

    /// Parses bytes.
    pub(crate) fn parse(&mut self, mut bytes: &[u8], screen: &mut impl Perform) {
        while let Some(first) = bytes.first() {
            let is_ground = self.state == State::Ground;
            let is_ascii = *first < 0x80 && self.decoder.is_empty();
            match *first {
                0x20..=0x7E | 0x80.. if is_ground => bytes = self.print_run(bytes, screen),
                _ if is_ground && !is_ascii => bytes = self.print_run(bytes, screen),
                _ if !is_ascii => {
                    if let Decoded::Code(code) = self.decoder.next(&mut bytes) {
                        self.advance(code, screen);
                    }
                }
                0x1B if !self.state.is_string() && bytes.len() > 2 && bytes[1] == b'[' => {
                    bytes = self.control_sequence(&bytes[2..], screen);
                }
                0x00..=0x1A if is_ground => {
                    screen.end_print();
                    screen.execute(u32::from(*first));
                    screen.end_cluster();
                    bytes = &bytes[1..];
                }
                _ => bytes = self.ascii(*first, bytes, screen),
            }
        }
    }

    /// Prints up to the first thing that is not printable; returns what follows.
    fn print_run<'a>(&mut self, mut bytes: &'a [u8], screen: &mut impl Perform) -> &'a [u8] {
        let mut control = None;
        while let Some(first) = bytes.first() {
            if self.decoder.is_empty() && *first < 0x80 {
                let ascii = printable_ascii(bytes);
                if ascii == 0 {
                    break;
                }
                let (text, rest) = bytes.split_at(ascii);
                screen.print_ascii(text);
                bytes = rest;
                continue;
            }
            match self.decoder.next(&mut bytes) {
                Decoded::Code(code) if code >= 0xA0 => screen.print(code),
                Decoded::Code(code) => {
                    control = Some(code);
                    break;
                }
                Decoded::Invalid | Decoded::Unfinished => {}
            }
        }
        screen.pause();
        if let Some(code) = control {
            self.advance(code, screen);
        }
        bytes
    }

    /// The usual control sequence, in one go. `bytes` are those after its introducer, and not empty.
    fn control_sequence<'a>(&mut self, bytes: &'a [u8], screen: &mut impl Perform) -> &'a [u8] {
        screen.end_print();
        self.clear();
        let mut at = 0;
        if let 0x3C..=0x3F = bytes[0] {
            self.collected = u32::from(bytes[0]);
            at = 1;
        }
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'0'..=b';' => self.params.take(*byte),
                0x40..=0x7E => {
                    screen.csi(self.collected << 8 | u32::from(*byte), &self.params);
                    screen.end_cluster();
                    self.state = State::Ground;
                    return &bytes[at + 1..];
                }
                _ => break,
            }
            at += 1;
        }
        self.state = if at == 0 { State::CsiEntry } else { State::CsiParam };
        &bytes[at..]
    }

    /// One ASCII character, or all those of a string that mean as little.
    fn ascii<'a>(&mut self, first: u8, bytes: &'a [u8], screen: &mut impl Perform) -> &'a [u8] {
        let in_text = matches!(
            self.state,
            State::Osc | State::DcsPassthrough | State::DcsIgnore | State::ApcPassthrough | State::Ignored
        );
        let plain = if in_text { printable_ascii(bytes) } else { 0 };
        if plain == 0 {
            self.advance(u32::from(first), screen);
            return &bytes[1..];
        }
        let (text, rest) = bytes.split_at(plain);
        match self.state {
            State::Osc => self.put(str::from_utf8(text).unwrap_or(""), OSC_BYTES),
            State::DcsPassthrough => self.put(str::from_utf8(text).unwrap_or(""), DCS_BYTES),
            _ => {}
        }
        rest
    }

    fn advance(&mut self, code: u32, screen: &mut impl Perform) {
        let (action, next) = transition(self.state, code);
        if action != Action::Print {
            screen.end_print();
        }
        match action {
            Action::Ignore => {}
            Action::Print => {
                screen.print(code);
            }
            Action::Execute => {
                screen.execute(code);
                screen.end_cluster();
            }
            Action::Clear => self.clear(),
            Action::Collect => self.collected = self.collected << 8 | code,
            Action::Param => self.params.take(u8::try_from(code).unwrap_or(b'0')),
            Action::CsiDispatch => {
                screen.csi(self.collected << 8 | code, &self.params);
                screen.end_cluster();
            }
            Action::EscDispatch => {
                screen.esc(self.collected << 8 | code);
                screen.end_cluster();
            }
            Action::OscStart => self.start_text(),
            Action::OscPut => self.put_code(code, OSC_BYTES),
            Action::OscEnd => {
                if !matches!(code, 0x18 | 0x1A) && !self.is_too_long {
                    screen.osc(&self.text);
                }
                self.end_string(screen);
            }
            Action::DcsHook => {
                self.dcs = self.collected << 8 | code;
                self.start_text();
            }
            Action::DcsPut => self.put_code(code, DCS_BYTES),
            Action::DcsEnd | Action::ApcEnd => self.end_string(screen),
        }
        self.state = next;
    }

    fn clear(&mut self) {
        self.params.reset();
        self.collected = 0;
    }

    fn end_string(&mut self, screen: &mut impl Perform) {
        self.text = String::new();
        self.clear();
        screen.end_cluster();
    }

    fn start_text(&mut self) {
        self.text.clear();
        self.is_too_long = false;
    }

    fn put_code(&mut self, code: u32, most: usize) {
        let Some(shown) = char::from_u32(code) else { return };
        self.put(shown.encode_utf8(&mut [0; 4]), most);
    }

    fn put(&mut self, text: &str, most: usize) {
        if self.is_too_long {
            return;
        }
        if self.text.len() + text.len() > most {
            self.is_too_long = true;
            self.text = String::new();
        } else {
            self.text.push_str(text);
        }
    }

    /// Bytes that bring a parser at rest to where this one is.
    pub(crate) fn unfinished(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut say = |text: &[&[u8]]| text.iter().for_each(|part| bytes.extend_from_slice(part));
        let collected: Vec<u8> = self.collected.to_be_bytes().into_iter().filter(|byte| *byte != 0).collect();
        let (prefix, intermediates) = match collected.split_first() {
            Some((0x3C..=0x3F, rest)) => collected.split_at(collected.len() - rest.len()),
            _ => (&[][..], &collected[..]),
        };
        match self.state {
            State::Ground => {}
            State::Escape => say(&[b"\x1B"]),
            State::EscapeIntermediate => say(&[b"\x1B", &collected]),
            State::CsiEntry => say(&[b"\x1B["]),
            State::CsiParam | State::CsiIntermediate => {
                say(&[b"\x1B[", prefix, self.params.text().as_bytes(), intermediates]);
            }
            State::CsiIgnore => say(&[b"\x1B[<?"]),
            State::Ignored => say(&[b"\x1BX"]),
            State::Osc => say(&[b"\x1B]", self.osc_text()]),
            State::DcsEntry => say(&[b"\x1BP"]),
            State::DcsParam | State::DcsIntermediate => say(&[b"\x1BP", prefix, b"0", intermediates]),
            State::DcsIgnore => say(&[b"\x1BP<?"]),
            State::DcsPassthrough if self.dcs == DECRQSS && !self.is_too_long => {
                say(&[b"\x1BP$q", self.text.as_bytes()]);
            }
            State::DcsPassthrough => say(&[b"\x1BP|"]),
            State::ApcEntry => say(&[b"\x1B_"]),
            State::ApcIntermediate => say(&[b"\x1B_", intermediates]),
            State::ApcPassthrough => say(&[b"\x1B_0"]),
        }
        bytes.extend_from_slice(self.decoder.begun());
        bytes
    }

    /// What an unfinished OSC has said, or something as meaningless.
    fn osc_text(&self) -> &[u8] {
        let text = self.text.as_bytes();
        let number = text.split(|byte| *byte == b';').next().unwrap_or(b"");
        let is_known = if number.len() < text.len() {
            OSC_NUMBERS.contains(&number)
        } else {
            OSC_NUMBERS.iter().any(|known| known.starts_with(number))
        };
        if self.is_too_long || !is_known { b"x" } else { text }
    }
}

/// How many of these bytes are printable ASCII.
fn printable_ascii(bytes: &[u8]) -> usize {
    let mut chunks = bytes.chunks_exact(16);
    let mut count = 0;
    for chunk in &mut chunks {
        let plain = chunk.iter().fold(true, |plain, byte| plain & (0x20..0x7F).contains(byte));
        if !plain {
            break;
        }
        count += 16;
    }
    count + bytes[count..].iter().take_while(|byte| matches!(byte, 0x20..=0x7E)).count()
}
