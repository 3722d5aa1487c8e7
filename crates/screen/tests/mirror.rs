//! What must hold of a mirror whatever it is fed: it does not matter how output is cut, a run is what its
//! pieces are, and a snapshot of what a snapshot makes is the same.

use bytes::Bytes;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof, proptest},
    sample::{Index, select},
};
use screen::Screen;

/// Text that can only scroll, and things that are nearly that.
const PLAIN: [&str; 28] = [
    "plain text",
    "a",
    " ",
    "日本語",
    "e\u{301}",
    "👩\u{200D}🚀",
    "é",
    "\t",
    "\x08",
    "\x07",
    "\r",
    "\n",
    "\r\n",
    "\r\n",
    "\r\n\r\n",
    "\x1B[m",
    "\x1B[0m",
    "\x1B[31m",
    "\x1B[1;4:3;58:2::1:2:3m",
    "\x1B[44m\r\n",
    "\x1B[0;7m",
    "\x1B[K",
    "\x1B[1K",
    "\r\x1B[2K",
    "\x1B[1;2;m\x1B[K",
    "0123456789",
    "the quick brown fox jumps over the lazy dog\r\n",
    "\x1B[38;5;12mcoloured\x1B[39m\r\n",
];
const NASTY: [&str; 29] = [
    "\x1B[2J",
    "\x1B[H",
    "\x1B[5;2H",
    "\x1B[2;4r",
    "\x1B[r",
    "\x1B[?1049h",
    "\x1B[?1049l",
    "\x1B7",
    "\x1B8",
    "\x1B[4h",
    "\x1B[4l",
    "\x1B(0",
    "\x1B(B",
    "\x0E",
    "\x0F",
    "\x1B]2;title\x07",
    "\x1B]8;;http://a/\x07",
    "\x1B]8;;\x07",
    "\u{9B}1m",
    "\u{85}",
    "\x1B[?45h",
    "\x1B[?45l",
    "\x1B[?7l",
    "\x1B[?7h",
    "\x1BM",
    "\x1B[3J",
    "\x1B[?K",
    "\x1B[20h",
    "\x1B[!p",
];
const BROKEN: [&[u8]; 10] =
    [b"\xC2", b"\x9B", b"\xE6\x97", b"\xF0\x9F", b"\xFF", b"\x1B", b"\x1B[", b"\x1B[3", b"\x7F", b"\xC2\x80"];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        40 => select(&PLAIN[..]).prop_map(|text| text.as_bytes().to_vec()),
        3 => select(&NASTY[..]).prop_map(|text| text.as_bytes().to_vec()),
        1 => select(&BROKEN[..]).prop_map(<[u8]>::to_vec),
    ]
}

/// Long enough that something is left out: blocks of text, many times over.
fn flood() -> impl Strategy<Value = Vec<u8>> {
    let block = (vec(piece(), 1..30), prop_oneof![Just(1_usize), 1..60_usize, 800..1500_usize]);
    vec(block, 1..5).prop_map(|blocks| {
        let blocks = blocks.into_iter().map(|(pieces, times)| pieces.concat().repeat(times));
        blocks.collect::<Vec<_>>().concat()
    })
}

/// Cuts bytes into pieces.
fn cut(bytes: &[u8], cuts: &[Index]) -> Vec<Bytes> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.push(bytes.len());
    at.sort_unstable();
    let mut begin = 0;
    at.into_iter()
        .map(|end| Bytes::copy_from_slice(&bytes[std::mem::replace(&mut begin, end)..end]))
        .collect()
}

/// Compares a difference by its first place: whole snapshots say nothing to a reader.
fn assert_same(left: &[u8], right: &[u8]) {
    if left != right {
        let at = left.iter().zip(right).take_while(|(left, right)| left == right).count();
        let near = |bytes: &[u8]| {
            let (from, to) = (at.saturating_sub(60), bytes.len().min(at + 60));
            String::from_utf8_lossy(&bytes[from..to]).into_owned()
        };
        panic!(
            "differ at {at} of {} and {}: {:?} and {:?}",
            left.len(),
            right.len(),
            near(left),
            near(right)
        );
    }
}

proptest! {
    #[test]
    fn a_run_is_what_its_pieces_are(
        (cols, rows) in (2..50_u16, 1..12_u16),
        before in vec(piece(), 0..6),
        flood in flood(),
        after in vec(piece(), 0..6),
        cuts in vec(any::<Index>(), 0..6),
        is_full in prop_oneof![1 => Just(false), 6 => Just(true)],
        most_left in 0..40_000_usize,
    ) {
        let mut fed = Screen::new(cols, rows);
        let mut skimmed = Screen::new(cols, rows);
        let mut in_turns = Screen::new(cols, rows);
        for screen in [&mut fed, &mut skimmed, &mut in_turns] {
            // Nothing is left out while the page's history is not full.
            screen.feed(&b"\r\n".repeat(if is_full { 10_100 } else { 0 }));
            screen.feed(&before.concat());
        }
        for piece in cut(&flood, &cuts) {
            fed.feed(&piece);
        }
        skimmed.feed_run(&cut(&flood, &cuts));
        let mut left = Vec::new();
        for piece in cut(&flood, &cuts) {
            left.extend_from_slice(&piece);
            left.drain(..in_turns.skim_run(&[Bytes::copy_from_slice(&left)], most_left));
            assert!(left.len() <= most_left);
        }
        in_turns.feed_run(&[left.into()]);
        assert_same(&fed.snapshot(), &skimmed.snapshot());
        assert_same(&fed.snapshot(), &in_turns.snapshot());
        for screen in [&mut fed, &mut skimmed, &mut in_turns] {
            screen.feed(&after.concat());
            screen.feed(b"\x1B8\x1B[3Jx");
        }
        assert_same(&fed.snapshot(), &skimmed.snapshot());
        assert_same(&fed.snapshot(), &in_turns.snapshot());
    }

    #[test]
    fn cuts_do_not_matter(flood in vec(piece(), 0..80), cuts in vec(any::<Index>(), 0..20)) {
        let flood = flood.concat();
        let mut whole = Screen::new(20, 5);
        whole.feed(&flood);
        let mut in_pieces = Screen::new(20, 5);
        for piece in cut(&flood, &cuts) {
            in_pieces.feed(&piece);
        }
        assert_same(&whole.snapshot(), &in_pieces.snapshot());
    }

    #[test]
    fn a_snapshot_makes_itself((cols, rows) in (2..50_u16, 1..12_u16), output in vec(piece(), 0..200)) {
        let mut screen = Screen::new(cols, rows);
        screen.feed(&output.concat());
        let snapshot = screen.snapshot();
        let mut again = Screen::new(cols, rows);
        again.feed(&snapshot);
        assert_same(&snapshot, &again.snapshot());
    }

    #[test]
    fn any_bytes_are_survived(
        (cols, rows) in (0..2000_u16, 0..600_u16),
        output in vec(vec(any::<u8>(), 0..200), 0..8),
        (later_cols, later_rows) in (0..200_u16, 0..60_u16),
    ) {
        let mut screen = Screen::new(cols, rows);
        for bytes in &output {
            screen.feed(bytes);
            screen.snapshot();
        }
        screen.resize(later_cols, later_rows);
        screen.snapshot();
    }
}
