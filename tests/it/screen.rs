//! The screen mirror against xterm.js: what one shows that was given a snapshot, and what one shows that
//! was given everything.

use std::{fs, process::Command};

use ::screen::Screen;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use testkit::Referee;

/// What a terminal is given, by and by, and the snapshots that a mirror of it gives meanwhile.
pub(crate) struct Trial {
    size: (u16, u16),
    screen: Screen,
    steps: Vec<Value>,
    /// Written since the last step. xterm.js gets it at once: halves of wide characters may depend on it.
    written: Vec<u8>,
}

impl Trial {
    pub(crate) fn new(cols: u16, rows: u16) -> Self {
        Self { size: (cols, rows), screen: Screen::new(cols, rows), steps: Vec::new(), written: Vec::new() }
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.screen.feed(bytes.as_ref());
        self.written.extend_from_slice(bytes.as_ref());
        self
    }

    fn step(&mut self, step: Value) {
        if !self.written.is_empty() {
            let bytes = STANDARD.encode(std::mem::take(&mut self.written));
            self.steps.push(json!(["write", bytes]));
        }
        self.steps.push(step);
    }

    pub(crate) fn resize(&mut self, cols: u16, rows: u16) -> &mut Self {
        self.screen.resize(cols, rows);
        self.step(json!(["resize", cols, rows]));
        self
    }

    /// Takes a snapshot. It must be the same when it is taken of what it makes.
    pub(crate) fn check(&mut self) -> &mut Self {
        let snapshot = self.screen.snapshot();
        self.step(json!(["check", STANDARD.encode(&snapshot)]));
        self
    }

    /// What xterm.js has to say about it.
    pub(crate) fn judge(&self, referee: &mut Referee) -> Vec<String> {
        let (cols, rows) = self.size;
        referee.judge(&json!({ "cols": cols, "rows": rows, "steps": self.steps })).unwrap()
    }
}

/// The table of widths is what the page's addon has, in its present version.
#[test]
fn widths() {
    let node = concat!(env!("CARGO_MANIFEST_DIR"), "/../dev/testkit/node");
    let output = Command::new("node").arg("graphemes.mjs").current_dir(node).output().unwrap();
    let kept =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/screen/src/graphemes/runs.rs"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), kept.unwrap());
}

/// Sequences with a bar wherever a snapshot is taken, on a screen of 20 columns and 6 rows.
fn judge_all(cases: &[&str]) {
    let mut referee = Referee::start().unwrap();
    let mut failed = Vec::new();
    for case in cases {
        let mut trial = Trial::new(20, 6);
        for (index, part) in case.split('|').enumerate() {
            if index > 0 {
                trial.check();
            }
            trial.write(part);
        }
        let differences = trial.check().judge(&mut referee);
        if !differences.is_empty() {
            failed.push(format!("{case:?}:\n  {}", differences.join("\n  ")));
        }
    }
    assert!(failed.is_empty(), "{} of {}\n{}", failed.len(), cases.len(), failed.join("\n"));
}

#[test]
fn characters() {
    judge_all(&[
        "hello|, world",
        "a long line that wraps around and around and around|more of it",
        "日本語の長い行が折り返すところを見る、奇数の列でも|x",
        "x日本語の長い行が折り返すところを見る、奇数の列でも|x",
        "e|\u{301}x",
        "12345678901234567890|\u{301}x",
        "12345678901234567890|x",
        "1234567890123456789👩|\u{200D}🚀x",
        "☁|\u{FE0F}x",
        "1234567890123456789☁|\u{FE0F}x",
        "🇩|🇪🇫🇷x",
        "각|ᆨx",
        "e\u{301}|\x1B[3b|\r\n",
        "日\x1B[Dx|y",
        "日本\x1B[2Dx|y",
        "ab\x1B[m\u{301}c",
        "soft\u{AD}hyphen|x",
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8|\r\n9",
        "bad \u{0}\u{7F} bytes",
    ]);
}

#[test]
fn colours_and_links() {
    judge_all(&[
        "\x1B[1;2;3;4;5;7;8;9;53mall|all\x1B[22;23;24;25;27;28;29;55mnone",
        "\x1B[31;102mred|red\x1B[39;49m\x1B[38;5;200;48;5;17m256\x1B[38;2;1;2;3;48:2::4:5:6mrgb",
        "\x1B[4:3;58:2::1:2:3mcurly|more\x1B[59mx\x1B[4:0my\x1B[21mz\x1B[58;5;9mq",
        "\x1B[44m  \x1B[K\r\n\x1B[3Xx\x1B[2J|\x1B[45m\x1B[1J",
        "\x1B]8;;http://a/\x1B\\link|link\x1B]8;;\x1B\\ no \x1B]8;id=x;http://b/;c\x07two\r\ntwo",
        "\x1B[4mu\x1B7\x1B[mx\x1B8odd|odd\x1B]8;;\x1B\\z",
        "\x1B7\x1B[4m\x1B8plain|\x1B]8;;q:r\x1B\\zz\x1B]8;;\x1B\\y",
        "\x1B[1\"qkeep\x1B[0\"q lose|\x1B[?2K",
        "\x1B[7m日\x1B[Dx\x1B[m|a",
        "\x1B[41m1234567890123456789日|x",
        "\x1B]4;1;#ff0000;2;rgb:1/2/3\x07\x1B]10;#fff\x07|\x1B]104;1\x07\x1B]110\x07",
        "\x1B]2;a title\x07|\x1B]0;other\x1B\\",
    ]);
}

#[test]
fn state() {
    judge_all(&[
        "\x1B[2;4r\x1B[?6h\x1B[2;3Hx|\n\n\ny",
        "\x1B[3g\x1B[5G\x1BH\x1B[12G\x1BH\r|\tx\ty\tz",
        "\x1B[3;4H\x1B[1;31m\x1B7\x1B[m\x1B[H|\x1B8x",
        "one\x1B[?1049h\x1B[2;2Htwo|three\x1B[?1049lfour",
        "one\x1B[?47h\x1B7\x1B[5;5H\x1B[?47l|\x1B[?47h\x1B8x",
        "\x1B(0lqk\x1B(B|lqk\x1B)0\x0Elqk|lqk\x0F",
        "\x1B[?1h\x1B=\x1B[?2004h\x1B[?1002h\x1B[?1006h\x1B[?1004h\x1B[?25l\x1B[5 q|\x1B[?1l\x1B[?1002l",
        "\x1B[4h\x1B[20habc\r|de\nf",
        "\x1B[?7lwithout any wrapping at all|x",
        "\x1B[>1u\x1B[>5u|\x1B[<u\x1B[?1049h\x1B[=3u|\x1B[?1049l",
        "\x1B[?2026h\x1B[?45h\x1B[?1016h|\x1B[?2026l",
        "12345678901234567890\x1B[2K|x",
        "\x1B[?1049h12345678901234567890|x",
        "scroll\r\n\r\n\r\n\r\n\r\n\r\n\r\n\x1B[3J|\x1B[2J",
        "\x1Bcreset|\x1B[!p",
    ]);
}

#[test]
fn unfinished() {
    judge_all(&[
        "a\x1B|[31mb",
        "a\x1B[|31mb",
        "a\x1B[3|1mb",
        "a\x1B[38:2:|:1:2:3mb",
        "a\x1B[?|25lb",
        "a\x1B[1 |qb",
        "a\x1B[?1?|5hb",
        "a\x1B(|0lq",
        "a\x1B]|2;x\x07b",
        "a\x1B]2;ti|tle\x1B\\b",
        "a\x1B]2;x\x1B|\\b",
        "a\x1B]52;c;aGk=|\x07b",
        "a\x1BP|$qm\x1B\\b",
        "a\x1BP1$|qm\x1B\\b",
        "a\x1BP$q|m\x1B\\b",
        "a\x1BPq#1|;2\x1B\\b",
        "a\x1B_|Gi=1\x1B\\b",
        "a\x1B_G|i=1\x1B\\b",
        "a\x1BX|zzz\x1B\\b",
        "a\x1B[6n\x1B[c\x1B[>q|b",
    ]);
    let mut referee = Referee::start().unwrap();
    let text = "é日👩";
    for cut in 1..text.len() {
        let mut trial = Trial::new(20, 6);
        trial.write(&text.as_bytes()[..cut]).check().write(&text.as_bytes()[cut..]).check();
        assert_eq!(trial.judge(&mut referee), [""; 0], "cut at {cut}");
    }
}

/// Lines flow anew, on the screen and above it; the alternate screen only gets wider; tab stops are added.
#[test]
fn resizing() {
    let text = "a line that is too long for the screen, by far\r\nshort\r\n日本語の長い行が折り返すところ\r\n\x1B[41mred\x1B[K\x1B[m\r\n";
    let outputs = [
        text.to_owned(),
        text.repeat(9),
        format!("{}\x1B[2;3H\x1B7", text.repeat(2)),
        format!("{text}\x1B[?1049h\x1B[2;2Hvim\x1B[44m\x1B[K"),
        "no line ends here, ".repeat(20),
        "\x1B[3g\x1B[6G\x1BH\r\tx".to_owned(),
        format!("\x1B[2;4r{text}"),
    ];
    let sizes =
        [[(30, 6), (40, 9)], [(13, 6), (27, 4)], [(20, 3), (20, 8)], [(7, 4), (50, 12)], [(21, 7), (19, 6)]];
    let mut referee = Referee::start().unwrap();
    for output in &outputs {
        for size in sizes {
            let mut trial = Trial::new(20, 6);
            trial.write(output).check();
            for (cols, rows) in size {
                // The alternate screen keeps what is beyond its right edge, which nobody can see.
                if cols < 20 && output.contains("?1049h") {
                    continue;
                }
                trial.resize(cols, rows).write("\0").check().write("\tmore\r\n").check();
            }
            assert_eq!(trial.judge(&mut referee), [""; 0], "{output:?} at {size:?}");
        }
    }
}
