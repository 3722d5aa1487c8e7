//! What a screen takes in memory, whatever it is fed.
//!
//! Alone in its binary: the allocator counts what everything in it takes.

#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "it says what it found")]

use peak_alloc::PeakAlloc;
use screen::Screen;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;
const KIB: usize = 1 << 10;
/// What a terminal of 1000 columns and 500 rows takes at the most: two screens of half a million cells
/// each, of 16 bytes, with room to grow; 1 MiB of history, as much of clusters and links, and small change.
const LARGEST: usize = 40 * MIB;
const SNAPSHOT: usize = 4 * MIB;

/// How much is in use more after something was done.
fn taken<T>(make: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATOR.current_usage();
    let made = make();
    (ALLOCATOR.current_usage() - before, made)
}

fn fed(cols: u16, rows: u16, output: &[u8]) -> (usize, Screen) {
    taken(|| {
        let mut screen = Screen::new(cols, rows);
        output.chunks(MIB).for_each(|piece| screen.feed(piece));
        screen
    })
}

#[test]
fn memory_is_bounded() {
    let (idle, _) = taken(|| Screen::new(80, 24));
    println!("a fresh screen: {idle} bytes");
    assert!(idle < 4 * KIB, "a fresh screen takes {idle} bytes");

    let prompt = b"\x1B[?2004h\x1B[1;32muser@host\x1B[0m:\x1B[1;34m~\x1B[0m$ ";
    let (prompted, _) = fed(80, 24, prompt);
    println!("a prompt: {prompted} bytes");
    assert!(prompted < 6 * KIB, "a prompt takes {prompted} bytes");

    let line = "Nov 24 15:06:40 host program[1234]: a message of seventy characters.\r\n";
    let (without, _) = fed(80, 24, line.repeat(24).as_bytes());
    let (with, _) = fed(80, 24, line.repeat(2000).as_bytes());
    println!("1,000 lines of plain text: {} bytes", with - without);
    assert!(with - without < 160 * KIB, "1,000 lines take {} bytes", with - without);

    for (name, output) in floods() {
        let (bytes, mut screen) = fed(1000, 500, &output);
        let snapshot = screen.snapshot().len();
        println!("{name}: {} KiB, {} KiB of snapshot", bytes / KIB, snapshot / KIB);
        assert!(bytes < LARGEST, "{name} takes {bytes} bytes");
        assert!(snapshot <= SNAPSHOT, "{name} makes a snapshot of {snapshot} bytes");
    }
}

/// What would like to take more.
fn floods() -> Vec<(&'static str, Vec<u8>)> {
    let numbered =
        |count: u32, text: &dyn Fn(u32) -> String| (0..count).map(text).collect::<String>().into_bytes();
    let long = |text: &str| text.repeat(3 * MIB / text.len()).into_bytes();
    let opened = |opener: &str| [opener.as_bytes(), &long("payload;")].concat();
    vec![
        ("a full screen", long("x")),
        ("both screens", [long("x"), b"\x1B[?1049h".to_vec(), long("y")].concat()),
        ("an endless OSC", opened("\x1B]2;")),
        ("an endless link", opened("\x1B]8;;")),
        ("an endless DCS", opened("\x1BP$q")),
        ("an endless APC", opened("\x1B_G")),
        ("an endless sequence", opened("\x1B[")),
        ("endless parameters", [b"\x1B[".to_vec(), long("1;2:3")].concat()),
        ("a cell without end", [b"e".to_vec(), long("\u{301}")].concat()),
        (
            "clusters",
            numbered(300_000, &|n| format!("e{}", char::from_u32(0x300 + n % 100).unwrap()).repeat(2)),
        ),
        (
            "long clusters",
            numbered(300_000, &|n| {
                let mark = |shift: u32| char::from_u32(0x300 + (n >> shift) % 64).unwrap();
                format!("e{}{}{}{}", mark(0), mark(6), mark(12), String::from(mark(1)).repeat(40))
            }),
        ),
        ("links", numbered(200_000, &|n| format!("\x1B]8;;http://host/{n}/{}\x07x", "path/".repeat(100)))),
        (
            "underlines",
            numbered(500_000, &|n| format!("\x1B[4;58;2;{};{};{}mx", n >> 16, n >> 8 & 255, n & 255)),
        ),
        (
            "colours",
            numbered(600_000, &|n| {
                format!("\x1B[38;2;{};{};{};48;2;1;{};3mx", n >> 16, n >> 8 & 255, n & 255, n & 255)
            }),
        ),
        ("titles", numbered(100_000, &|n| format!("\x1B]2;{n}{}\x07", "title".repeat(100)))),
        ("colours of the palette", numbered(500_000, &|n| format!("\x1B]4;{};#{n:06x}\x07", n % 300))),
        ("tab stops", long("\x1BH x")),
        ("keyboard flags", long("\x1B[>5u")),
        ("saved cursors", long("\x1B7\x1B[?1049h\x1B7\x1B[?1049l")),
        ("backgrounds", long("\x1B[48;5;9m\x1B[2J\x1B[H\x1B[48;5;10m\x1B[J")),
    ]
}
