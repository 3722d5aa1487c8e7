//! The mirror: feeding it, skimming a flood, writing it down and reading that.

use std::hint::black_box;

use bytes::Bytes;
use divan::{Bencher, counter::BytesCount};
use screen::Screen;

use crate::mixed::mixed_output;

const MEBIBYTE: usize = 1024 * 1024;

fn full_screen() -> Screen {
    let mut screen = Screen::new(80, 24);
    screen.feed(&mixed_output(MEBIBYTE));
    screen
}

/// Every byte is looked at.
#[divan::bench]
fn feed(bencher: Bencher<'_, '_>) {
    let output = mixed_output(MEBIBYTE);
    let fresh = || Screen::new(80, 24);
    bencher
        .counter(BytesCount::new(output.len()))
        .with_inputs(fresh)
        .bench_local_refs(|screen| screen.feed(&output));
}

/// The same as a session does it: long runs, of which what scrolls away is skipped.
#[divan::bench]
fn feed_run(bencher: Bencher<'_, '_>) {
    let output = Bytes::from(mixed_output(MEBIBYTE));
    let fresh = || Screen::new(80, 24);
    bencher
        .counter(BytesCount::new(output.len()))
        .with_inputs(fresh)
        .bench_local_refs(|screen| screen.feed_run(std::slice::from_ref(&output)));
}

/// Of a screen with all of its history.
#[divan::bench]
fn snapshot(bencher: Bencher<'_, '_>) {
    let mut screen = full_screen();
    bencher.bench_local(|| black_box(screen.snapshot()));
}

#[divan::bench]
fn resize(bencher: Bencher<'_, '_>) {
    let mut screen = full_screen();
    let mut cols = [132, 80].into_iter().cycle();
    bencher.bench_local(|| screen.resize(cols.next().unwrap_or(80), 24));
}
