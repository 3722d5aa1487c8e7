//! Output as events: text for the original's clients, with its characters put together and its length
//! counted; the payload beside the bytes for our page.

use std::hint::black_box;

use bytes::Bytes;
use divan::{Bencher, counter::BytesCount};
use web::measured::{Utf8Decoder, json_length};
use wire::{Output, OutputBytes};

use crate::mixed::mixed_output;

const PIECE: usize = 32 * 1024;

/// Characters are cut at the ends of pieces.
#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let output = mixed_output(16 * PIECE);
    let mut pieces = output.chunks(PIECE - 1).cycle();
    let mut decoder = Utf8Decoder::default();
    bencher
        .counter(BytesCount::new(PIECE - 1))
        .bench_local(|| pieces.next().map(|piece| decoder.decode(piece)));
}

#[divan::bench]
fn escape(bencher: Bencher<'_, '_>) {
    let text = String::from_utf8_lossy(&mixed_output(PIECE)).into_owned();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| serde_json::to_string(&Output { output: black_box(&text), timeout: None }));
}

#[divan::bench]
fn escaped_length(bencher: Bencher<'_, '_>) {
    let text = String::from_utf8_lossy(&mixed_output(PIECE)).into_owned();
    bencher.counter(BytesCount::new(text.len())).bench_local(|| json_length(black_box(&text)));
}

#[divan::bench]
fn payload_beside_bytes(bencher: Bencher<'_, '_>) {
    let output = Bytes::from_static(b"x");
    bencher.bench_local(|| {
        serde_json::to_string(&OutputBytes { output: black_box(output.clone()), offset: 1_234_567 })
    });
}
