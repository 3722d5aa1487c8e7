//! Output on its way: kept under its offsets, put together from small pieces, and let go by credit.

use std::hint::black_box;

use bytes::Bytes;
use divan::{Bencher, counter::BytesCount};
use engine::{
    Client, ClientFull, FlowLimits, Notice,
    measured::{Backlog, Outbox},
};

const MEBIBYTE: usize = 1024 * 1024;
const LIMITS: FlowLimits =
    FlowLimits { high_water: 256 * 1024, low_water: 64 * 1024, chunks: 128, tell_input_every: 16 * 1024 };

/// Takes everything.
struct Taker;

impl Client for Taker {
    fn limits(&self) -> FlowLimits {
        LIMITS
    }

    fn can_resume(&self) -> bool {
        true
    }

    fn output(&self, _: u64, bytes: &Bytes) -> Result<(), ClientFull> {
        black_box(bytes);
        Ok(())
    }

    fn screen(&self, _: u64, _: &Bytes) -> Result<(), ClientFull> {
        Ok(())
    }

    fn notice(&self, _: &Notice) -> Result<(), ClientFull> {
        Ok(())
    }
}

/// Pieces of this size become chunks of 64 KiB; a mebibyte stays.
#[divan::bench(args = [1, 64, 4096, 32768])]
fn coalesce(bencher: Bencher<'_, '_>, piece: usize) {
    let piece = vec![b'x'; piece];
    let mut backlog = Backlog::default();
    let mut offset = 0;
    bencher.counter(BytesCount::new(MEBIBYTE)).bench_local(|| {
        for _ in 0..MEBIBYTE / piece.len() {
            backlog.push(&piece);
        }
        let end = offset + MEBIBYTE as u64;
        while offset < end {
            offset += black_box(backlog.chunk(offset, MEBIBYTE)).len() as u64;
        }
        backlog.forget_before(end - MEBIBYTE as u64);
    });
}

/// Pieces of this size go to a client at once, and are acknowledged.
#[divan::bench(args = [1, 4096, 32768])]
fn flush(bencher: Bencher<'_, '_>, piece: usize) {
    let bytes = vec![b'x'; piece];
    let mut outbox = Outbox::new(LIMITS, MEBIBYTE);
    let mut end = 0;
    bencher.counter(BytesCount::new(piece)).bench_local(|| {
        outbox.push(&bytes);
        outbox.flush(&Taker);
        end += bytes.len() as u64;
        outbox.ack(end);
        outbox.trim(end);
    });
}
