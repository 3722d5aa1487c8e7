//! The demo's SSH server against OpenSSH's own client.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Output, Stdio},
    time::Duration,
};

use demo_sshd::{DemoSshd, Options, Program, Quirk, Script, flood, utf8_text};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A server whose account shell is a bash that finds no start-up files.
async fn start(program: Program) -> DemoSshd {
    let environment = [("SHELL", "/bin/bash"), ("HOME", "/nonexistent")];
    let options = Options {
        program,
        rejection_time: Duration::ZERO,
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..Options::default()
    };
    DemoSshd::start(options).await.unwrap()
}

/// A client that answers the password prompt with `password`.
fn client(sshd: &DemoSshd, password: &str, dir: &TempDir) -> Child {
    let askpass = dir.path().join("askpass");
    fs::write(&askpass, "#!/bin/sh\necho \"$ANSWER\"\n").unwrap();
    fs::set_permissions(&askpass, fs::Permissions::from_mode(0o700)).unwrap();
    let known_hosts = dir.path().join("known_hosts");
    fs::write(&known_hosts, format!("[127.0.0.1]:{} {}\n", sshd.port(), sshd.host_key_line())).unwrap();
    Command::new("ssh")
        .args(["-F", "none", "-tt", "-o", "LogLevel=ERROR", "-o", "NumberOfPasswordPrompts=1", "-o"])
        .arg(format!("UserKnownHostsFile={}", known_hosts.display()))
        .args(["-p", &sshd.port().to_string(), "-l", sshd.username(), "127.0.0.1"])
        .env("SSH_ASKPASS", askpass)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("ANSWER", password)
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn session(sshd: &DemoSshd, input: &[u8]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let mut client = client(sshd, sshd.password(), &dir);
    client.stdin.as_mut().unwrap().write_all(input).await.unwrap();
    timeout(PATIENCE, client.wait_with_output()).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_account_shell_runs_on_a_pty_and_its_status_arrives() {
    let sshd = start(Program::AccountShell).await;
    let output = session(&sshd, b"tty; echo \"<$TERM>\" $((40+2)); exit 7\n").await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{text} {output:?}");
    assert!(text.contains("/dev/pts/") && text.contains("<xterm-256color> 42\r\n"), "{text}");
    assert_eq!(sshd.record().borrow().terminal.as_ref().unwrap().term, "xterm-256color");
    timeout(PATIENCE, sshd.shutdown()).await.unwrap();
}

#[tokio::test]
async fn the_last_byte_comes_before_the_exit() {
    let sshd = start(Program::AccountShell).await;
    for _ in 0..5 {
        let output = session(&sshd, b"exec sh -c 'seq 1 20000; echo the-end'\n").await;
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.ends_with("20000\r\nthe-end\r\n"), "{:?}", &text[text.len() - 40..]);
        assert!(output.status.success());
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let sshd = start(Program::Scripted(Script::Exit(0))).await;
    let dir = tempfile::tempdir().unwrap();
    let client = client(&sshd, "wrong", &dir);
    let output = timeout(PATIENCE, client.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(255));
    let record = sshd.record().borrow().clone();
    let accepted: Vec<(&str, bool)> =
        record.logins.iter().map(|login| (login.method, login.accepted)).collect();
    assert_eq!(accepted, [("none", false), ("password", false)]);
}

#[tokio::test]
async fn no_process_outlives_the_server() {
    let sshd = start(Program::AccountShell).await;
    let dir = tempfile::tempdir().unwrap();
    let mut client = client(&sshd, sshd.password(), &dir);
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    // One that ignores the hang-up in a group of its own, and one in the foreground.
    let script =
        b"sh -c 'trap \"\" HUP; echo bg-$$-; exec sleep 1000' &\nsh -c 'echo fg-$$-; exec sleep 1000'\n";
    client.stdin.as_mut().unwrap().write_all(script).await.unwrap();
    let mut pids = Vec::new();
    while pids.len() < 2 {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        let pid =
            ["bg-", "fg-"].iter().find_map(|mark| line.split_once(mark)?.1.split_once('-')?.0.parse().ok());
        pids.extend::<Option<u32>>(pid);
    }
    assert!(pids.iter().all(|pid| is_alive(*pid)), "{pids:?}");
    timeout(PATIENCE, sshd.shutdown()).await.unwrap();
    assert!(!pids.iter().any(|pid| is_alive(*pid)), "{pids:?}");
}

fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_client_that_goes_hangs_its_shell_up() {
    let sshd = start(Program::AccountShell).await;
    let dir = tempfile::tempdir().unwrap();
    let mut client = client(&sshd, sshd.password(), &dir);
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    client.stdin.as_mut().unwrap().write_all(b"echo pid-$$-\n").await.unwrap();
    let pid = loop {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        let pid = line.split_once("pid-").and_then(|(_, rest)| rest.split_once('-')?.0.parse::<u32>().ok());
        if let Some(pid) = pid {
            break pid;
        }
    };
    client.kill().await.unwrap();
    let mut record = sshd.record();
    timeout(PATIENCE, record.wait_for(|record| record.shells_ended == 1)).await.unwrap().unwrap();
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn scripted_output_arrives_whole() {
    let sshd = start(Program::Scripted(Script::Utf8(300_000))).await;
    assert_eq!(session(&sshd, b"").await.stdout, utf8_text(300_000).into_bytes());

    let sshd = start(Program::Scripted(Script::FloodBytes(3_000_001))).await;
    let mut expected: Vec<u8> = flood().take(92).flatten().collect();
    expected.truncate(3_000_001);
    assert!(session(&sshd, b"").await.stdout == expected);
}

#[tokio::test]
async fn scripted_ends_are_told_by_the_protocol() {
    let sshd = start(Program::Scripted(Script::Exit(7))).await;
    assert_eq!(session(&sshd, b"").await.status.code(), Some(7));
    let sshd = start(Program::Scripted(Script::Signal("KILL".to_owned()))).await;
    assert_eq!(session(&sshd, b"").await.status.code(), Some(255));
}

#[tokio::test]
async fn a_flood_ends_at_ctrl_c_and_not_before() {
    let sshd = start(Program::Scripted(Script::Flood)).await;
    let dir = tempfile::tempdir().unwrap();
    let mut client = client(&sshd, sshd.password(), &dir);
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut interrupt = client.stdin.take().unwrap();
    let mut count = 0;
    loop {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        count += 1;
        if count == 100_000 {
            interrupt.write_all(b"\x03").await.unwrap();
        }
        if line == "interrupted" {
            break;
        }
    }
    assert!(count > 100_000);
    interrupt.write_all(b"\x04").await.unwrap();
    assert!(timeout(PATIENCE, client.wait()).await.unwrap().unwrap().success());
}

#[tokio::test]
async fn a_client_refuses_channels_it_did_not_ask_for() {
    let options = Options {
        program: Program::Scripted(Script::Silent),
        quirk: Some(Quirk::OpensChannels),
        ..Options::default()
    };
    let sshd = DemoSshd::start(options).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let _client = client(&sshd, sshd.password(), &dir);
    let mut record = sshd.record();
    let seen = timeout(PATIENCE, record.wait_for(|record| !record.opened.is_empty())).await.unwrap().unwrap();
    assert_eq!(seen.opened.len(), 5);
    assert!(seen.opened.iter().all(|(_, opened)| !opened), "{:?}", seen.opened);
}

#[tokio::test]
async fn a_login_that_is_never_answered_does_not_delay_the_end() {
    let options = Options { quirk: Some(Quirk::LoginUnanswered), ..Options::default() };
    let sshd = DemoSshd::start(options).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let _client = client(&sshd, sshd.password(), &dir);
    let mut record = sshd.record();
    timeout(PATIENCE, record.wait_for(|record| record.logins.len() == 2)).await.unwrap().unwrap();
    timeout(Duration::from_secs(5), sshd.shutdown()).await.unwrap();
}
