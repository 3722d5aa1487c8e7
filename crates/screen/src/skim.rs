//! Finds what of a flood need not be printed, because nothing of it will be left to see.
//!
//! Text is *simple* that can only move the cursor within its line, or down: printable characters, BEL, BS,
//! TAB, LF, CR, and whole sequences that set the pen (SGR) or erase in the line (EL). Between full margins, lines of it leave at the
//! top; once as many line feeds follow as screen and history have lines, nothing of what was before them is
//! left, but for the pen.

use memchr::{memchr, memrchr};

/// Simple text at the beginning of some bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Simple {
    /// How many bytes.
    pub(crate) len: usize,
    /// How many line feeds are in them.
    pub(crate) lines: usize,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;
/// The first byte of C1 controls in UTF-8, and of characters that are none.
const C1_LEAD: u8 = 0xC2;

/// How far text is simple.
pub(crate) fn simple(bytes: &[u8]) -> Simple {
    let mut simple = Simple::default();
    while simple.len < bytes.len() {
        if let Some(word) = bytes[simple.len..].first_chunk::<8>() {
            let word = u64::from_le_bytes(*word);
            let special = special(word);
            if special == 0 {
                simple.len += 8;
                continue;
            }
            let (hard, feeds) = (special & !moves(word), equal(word, b'\n'));
            if hard == 0 {
                simple.lines += feeds.count_ones() as usize;
                simple.len += 8;
                continue;
            }
            let before = hard.trailing_zeros();
            simple.lines += (feeds & ((1 << before) - 1)).count_ones() as usize;
            simple.len += before as usize / 8;
        }
        match step(&bytes[simple.len..]) {
            0 => break,
            length => {
                simple.lines += usize::from(bytes[simple.len] == b'\n');
                simple.len += length;
            }
        }
    }
    simple
}

/// The high bit of every byte that is not plainly printable.
fn special(word: u64) -> u64 {
    let control = !(((word & !HIGHS) + ONES * 0x60) | word) & HIGHS;
    control | equal(word, 0x7F) | equal(word, C1_LEAD)
}

/// The high bit of every byte that is BEL, BS, TAB, LF or CR.
fn moves(word: u64) -> u64 {
    [0x07, 0x08, b'\t', b'\n', b'\r'].into_iter().fold(0, |moves, byte| moves | equal(word, byte))
}

/// The high bit of every byte that is this one.
fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ (ONES * u64::from(byte));
    !(((differs & !HIGHS) + !HIGHS) | differs | !HIGHS)
}

/// How many bytes the next simple thing has; 0 if it is not simple, or not whole.
fn step(bytes: &[u8]) -> usize {
    match bytes {
        [0x07..=0x0A | 0x0D | 0x20..=0x7E | 0x80..=0xC1 | 0xC3..=0xFF, ..] => 1,
        [C1_LEAD, 0xA0..=0xFF, ..] => 2,
        [0x1B, b'[', rest @ ..] => {
            let numbers = rest.iter().take_while(|byte| matches!(byte, b'0'..=b';')).count();
            if matches!(rest.get(numbers), Some(b'm' | b'K')) { numbers + 3 } else { 0 }
        }
        _ => 0,
    }
}

/// Where to begin to print simple text: after a carriage return and a line feed, with `keep` line feeds to
/// come and `skip` before it, at the least.
pub(crate) fn cut(text: &[u8], simple: Simple, keep: usize, skip: usize) -> Option<usize> {
    let text = &text[..simple.len];
    let mut lines = simple.lines;
    let mut end = text.len();
    loop {
        if lines < skip {
            return None;
        }
        let feed = memrchr(b'\n', &text[..end])?;
        if simple.lines - lines >= keep && feed > 0 && text[feed - 1] == b'\r' {
            return Some(feed + 1);
        }
        lines -= 1;
        end = feed;
    }
}

/// The SGR sequences of simple text that still count at its end.
pub(crate) fn renditions(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut first = text.len();
    while let Some(escape) = memrchr(0x1B, &text[..first]) {
        first = escape;
        if let [b'm', ..] | [b'0', b';' | b'm', ..] = text[escape + 2..] {
            break;
        }
    }
    let mut rest = &text[first..];
    std::iter::from_fn(move || {
        let escape = memchr(0x1B, rest)?;
        let (sequence, after) = rest[escape..].split_at(step(&rest[escape..]));
        rest = after;
        Some(sequence)
    })
    .filter(|sequence| sequence.ends_with(b"m"))
}
