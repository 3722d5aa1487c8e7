//! The screen mirror against xterm.js on what real programs write to a real terminal.

use std::{fs, path::Path};

use pty_process::{Command, Size};
use testkit::{PATIENCE, Referee};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, timeout},
};

use crate::screen::Trial;

const COLS: u16 = 80;
const ROWS: u16 = 24;
/// How many snapshots are taken of each recording.
const CUTS: usize = 12;

/// A program, and what is typed into it when it has said something.
struct Play<'a> {
    command: &'a [&'a str],
    lines: &'a [(&'a str, &'a str)],
}

/// Runs a program on a terminal of a fixed size, and records what it says until it ends.
async fn record(play: &Play<'_>, dir: &Path) -> Vec<u8> {
    let (mut pty, pts) = pty_process::open().unwrap();
    pty.resize(Size::new(ROWS, COLS)).unwrap();
    let command = Command::new(play.command[0]).args(&play.command[1..]).current_dir(dir).env_clear();
    let env =
        [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PS1", "\\[\\e[1;32m\\]ready\\[\\e[0m\\]$ ")];
    let paths =
        [("PATH", std::env::var("PATH").unwrap()), ("HOME", dir.join("a folder").display().to_string())];
    let mut process = command.envs(env).envs(paths).kill_on_drop(true).spawn(pts).unwrap();
    let mut recorded = Vec::new();
    let mut lines = play.lines.iter();
    let mut line = lines.next();
    let mut heard = 0;
    let mut room = [0; 16 * 1024];
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some((awaited, typed)) = line
            && let Some(end) = end_of(&recorded[heard..], awaited.as_bytes())
        {
            heard += end;
            pty.write_all(typed.as_bytes()).await.unwrap();
            line = lines.next();
            continue;
        }
        let read = timeout(deadline - Instant::now(), pty.read(&mut room)).await.unwrap_or_else(|_| {
            panic!("{:?} does not say {line:?}: {:?}", play.command, tail(&recorded[heard..]))
        });
        // Its end is an error where the other side is gone.
        match read {
            Ok(count) if count > 0 => recorded.extend_from_slice(&room[..count]),
            _ => break,
        }
    }
    timeout(PATIENCE, process.wait()).await.unwrap().unwrap();
    assert!(line.is_none(), "{:?} ended before {line:?}: {:?}", play.command, tail(&recorded));
    recorded
}

fn end_of(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let begin = bytes.windows(wanted.len()).position(|window| window == wanted)?;
    Some(begin + wanted.len())
}

fn tail(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(400)..]).into_owned()
}

/// Takes snapshots all over a recording, wherever that is; every other one at the end of a line.
fn judge(recorded: &[u8], referee: &mut Referee) -> Vec<String> {
    let mut trial = Trial::new(COLS, ROWS);
    let mut begin = 0;
    for cut in 1..CUTS {
        let at = recorded.len() * cut / CUTS;
        let line = recorded[at..].iter().position(|byte| *byte == b'\n').map_or(at, |length| at + length + 1);
        let end = if cut % 2 == 0 { line } else { at }.max(begin);
        trial.write(&recorded[begin..end]).check();
        begin = end;
    }
    trial.write(&recorded[begin..]).check().judge(referee)
}

async fn judge_play(name: &str, command: &[&str], lines: &[(&str, &str)]) {
    let dir = tempfile::tempdir().unwrap();
    let text: String =
        (1..=300).map(|line| format!("{line}: some text to look at — 日本語, é, 👩\u{200D}🚀\n")).collect();
    fs::write(dir.path().join("text.txt"), &text).unwrap();
    fs::write(
        dir.path().join("code.c"),
        "#include <stdio.h>\nint main(void) {\n\treturn 42; /* answer */\n}\n",
    )
    .unwrap();
    fs::create_dir(dir.path().join("a folder")).unwrap();
    let recorded = record(&Play { command, lines }, dir.path()).await;
    assert!(recorded.len() > 200, "{name} said only {:?}", tail(&recorded));
    let differences = judge(&recorded, &mut Referee::start().unwrap());
    assert!(differences.is_empty(), "{name}:\n{}", differences.join("\n"));
}

const BASH: [&str; 4] = ["bash", "--norc", "--noprofile", "-i"];

#[tokio::test]
async fn bash() {
    judge_play(
        "bash",
        &BASH,
        &[
            ("$ ", "ls -la --color=always\n"),
            ("$ ", "echo a long line that is typed, corrected\x02\x02\x02\x02\x0B and goes on beyond the right edge of this terminal\n"),
            ("$ ", "cat text.txt\n"),
            ("300", "seq 1200; printf '\\e]0;a title\\a'; echo dо\u{301}ne | tr o o\n"),
            ("ne\r\n", "clear\n"),
            ("\x1B[3J", ""),
            ("$ ", "\x12seq"),
            ("1200", "\x07exit\n"),
        ],
    )
    .await;
}

#[tokio::test]
async fn progress_and_characters() {
    let script = r"for i in $(seq 0 5 100); do printf '\r\e[K[%-20s] %3d%%' $(printf '%*s' $((i/5)) | tr ' ' '#') $i; done
        printf '\n👩‍🚀 🇩🇪 ☁️ ❤️ 👍🏽 é e\u0301 각 각\n'
        for i in $(seq 12); do printf '日本語の長い行が折り返すところ'; done; printf '\n'
        printf '\e[4:3m\e[58:2::255:0:0mcurly\e[0m \e]8;;http://example.com/\e\\link\e]8;;\e\\ \e[53mover\e[0m\n'
        printf '\e7\e[5;20r\e[5;1Hin the margins\n\n\n\e[r\e8after\n'; for i in $(seq 255); do printf '\e[48;5;%dm %3d' $i $i; done; printf '\e[0m\n'";
    judge_play("progress", &["bash", "-c", script], &[]).await;
}

#[tokio::test]
async fn vim() {
    judge_play(
        "vim",
        &["vim", "-u", "NONE", "-N", "--cmd", "set noswapfile ruler number hlsearch", "text.txt"],
        &[
            ("1: some", ":syntax on\n"),
            ("syntax on", "Gihello, 日本 wörld\x1B"),
            ("rld", "gg/look\n"),
            ("look", ":split code.c\n"),
            ("answer", "\x17\x17dd5\x06u:set wrap list\n"),
            ("list", ":%s/text/TEXT/g\n"),
            ("TEXT", ":qa!\n"),
        ],
    )
    .await;
}

#[tokio::test]
async fn less() {
    judge_play(
        "less",
        &["less", "text.txt"],
        &[("text.txt", " "), ("24: ", "/100\n"), ("100", "G"), ("(END)", "gb\x0Cq")],
    )
    .await;
}

#[tokio::test]
async fn htop() {
    judge_play("htop", &["htop", "-d", "1"], &[("Load", "\x1B[B\x1B[B"), ("\x1B[", "t"), ("\x1B[", "q")])
        .await;
}

#[tokio::test]
async fn tmux() {
    // Its server must not outlive the test, whatever happens.
    let config = "set -g default-command 'bash --norc --noprofile'\nset -g exit-unattached on\nset -g destroy-unattached on\nset -g assume-paste-time 0\n";
    judge_play(
        "tmux",
        &[
            "bash",
            "-c",
            "printf %s \"$1\" >tmux.conf; exec tmux -S socket -f tmux.conf new-session",
            "-",
            config,
        ],
        &[
            ("# ", "ls --color=always\n"),
            ("code.c", "\x02%"),
            ("# ", "seq 100; echo do''ne\n"),
            ("done", "\x02\""),
            ("# ", "echo 日本''語\n"),
            ("日本語", "\x02d"),
        ],
    )
    .await;
}

#[tokio::test]
async fn midnight_commander() {
    judge_play(
        "mc",
        &["mc", "-u", "-d"],
        &[
            ("text.txt", "\x1BOB\x1BOB\x1BOR"),
            ("answer", "\x1B[21~"),
            ("text.txt", "\x1B[20~"),
            ("File", "\x1B\x1B"),
            ("\x1B[", "\x1B[21~"),
        ],
    )
    .await;
}
