//! Any bytes at any size: nothing panics, cuts do not matter, a run is what its pieces are, and a snapshot is
//! no longer than it may be.
//!
//! `cargo +nightly fuzz run screen`, from the root.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use screen::Screen;

const MOST_BYTES: usize = 4 << 20;

fuzz_target!(|input: &[u8]| {
    let [cols, rows, later_cols, later_rows, cut, output @ ..] = input else { return };
    let size = |cols: u8, rows: u8| (u16::from(cols % 100), u16::from(rows % 40));
    let (cols, rows) = size(*cols, *rows);
    let (begin, end) = output.split_at(usize::from(*cut).min(output.len()));

    let mut whole = Screen::new(cols, rows);
    whole.feed(output);
    let mut in_pieces = Screen::new(cols, rows);
    in_pieces.feed(begin);
    in_pieces.feed(end);
    let mut skimmed = Screen::new(cols, rows);
    skimmed.feed_run(&[Bytes::copy_from_slice(begin), Bytes::copy_from_slice(end)]);

    let snapshot = whole.snapshot();
    assert!(snapshot.len() <= MOST_BYTES);
    assert!(snapshot == in_pieces.snapshot(), "a cut matters");
    assert!(snapshot == skimmed.snapshot(), "skimming matters");

    let mut restored = Screen::new(cols, rows);
    restored.feed(&snapshot);
    let (cols, rows) = size(*later_cols, *later_rows);
    for screen in [&mut whole, &mut restored] {
        screen.resize(cols, rows);
        screen.feed(output);
        screen.snapshot();
    }
});
