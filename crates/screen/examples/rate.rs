//! What feeding costs, in CPU seconds for a gigabyte: `cargo run --release -p screen --example rate`,
//! and the name of one output if it shall be only that.
//!
//! Output is fed whole, and as a session does in a flood: in runs, with what may be left of each.

#![allow(clippy::print_stdout)]

use std::{fs, time::Duration};

use bytes::Bytes;
use screen::Screen;

const RUN: usize = 768 * 1024;
const LEFT: usize = 384 * 1024;
const PIECE: usize = 64 * 1024;
const TOTAL: usize = 64 << 20;

fn main() {
    println!("{:<12} {:>10} {:>10}", "output", "feed", "skim_run");
    let only = std::env::args().nth(1);
    for (name, line) in
        outputs().into_iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name))
    {
        let text = Bytes::from(line.repeat(TOTAL / line.len()));
        let fed = measured(|screen| text.chunks(PIECE).for_each(|piece| screen.feed(piece)));
        let skimmed = measured(|screen| {
            let mut rest = text.clone();
            while rest.len() > LEFT {
                let run = rest.slice(..rest.len().min(RUN));
                let pieces: Vec<Bytes> = run.chunks(PIECE).map(|piece| run.slice_ref(piece)).collect();
                rest = rest.slice(screen.skim_run(&pieces, LEFT)..);
            }
            screen.feed_run(&[rest]);
        });
        let rate = |time: Duration| time.as_secs_f64() / text.len() as f64 * 1e9;
        println!("{name:<12} {:>10.2} {:>10.2}", rate(fed), rate(skimmed));
    }
}

/// What is written over and over.
fn outputs() -> [(&'static str, Vec<u8>); 7] {
    let log =
        "Nov 24 15:06:40 host program[1234]: \x1B[32mINFO\x1B[0m a message of ordinary length, no more\r\n";
    let mixed =
        "\x1B[1;34mdrwxr-xr-x\x1B[0m  2 user group  4096 \x1B[38;5;208mnames\x1B[0m — 日本語 é ✓\tend\r\n";
    let build = "\x1B[K  CC      \x1B[32mdrivers/net/file.o\x1B[m\x1B[K\r\n";
    let screen =
        "\x1B[H\x1B[2J\x1B[3;5Htext\x1B[7mbar\x1B[27m\x1B[K\x1B[10;1H\x1B[1Ltop line\x1B[24;1Hbottom";
    let cjk = "日本語の文章が続いていくところを表示する。\r\n";
    let titles = "\x1B]0;user@host: ~/folder\x07user@host:~/folder$ make\r\ncc -c file.c\r\n";
    [
        ("yes", b"y\r\n".to_vec()),
        ("log", log.into()),
        ("mixed", mixed.into()),
        ("build", build.into()),
        ("full screen", screen.into()),
        ("cjk", cjk.into()),
        ("titles", titles.into()),
    ]
}

fn measured(feed: impl FnOnce(&mut Screen)) -> Duration {
    let mut screen = Screen::new(120, 40);
    let begin = on_processor();
    feed(&mut screen);
    let time = on_processor() - begin;
    assert!(!screen.snapshot().is_empty());
    time
}

/// How long this thread has run: other programs do not count.
fn on_processor() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}
