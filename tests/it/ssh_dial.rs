//! The way to a shell on real servers, and everything that can be in the way of it.

use engine::{DialError, Exit, Preset, Remedy, ShellEvent, Step, TermSize};
use russh::cipher::{AES_256_CTR, CHACHA20_POLY1305};
use ssh::HostKeyPolicy;
use testkit::{
    Sshd, SshdConfig,
    demo_sshd::{DemoSshd, Options, Program, Quirk, Script},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    ssh_dialing::{Dialing, Talk, error},
    ssh_odd_server::{OddServer, Oddity},
};

#[tokio::test]
async fn a_shell_on_openssh_from_the_first_step_to_the_exit_status() {
    let server = Sshd::start().await.unwrap();
    let dialing = Dialing::to_sshd(&server).pin(&server.host_key_line().unwrap());
    let mut talk = Talk::new(dialing.with_key(&server.client_key().unwrap(), None).await);
    let steps = dialing.person.steps().clone();
    assert_eq!(steps, [Step::Dial, Step::Handshake, Step::Auth, Step::Shell]);
    talk.until("$ ").await;
    talk.type_in("echo $((40+2)) $TERM; stty size; stty -a | tr ' ;' '\\n\\n' | grep iutf8; exit 7\n").await;
    let end = talk.end().await;
    assert!(end.text.contains("42 xterm-256color\r\n30 100\r\niutf8\r\n"), "{:?}", end.text);
    assert_eq!(end.exit(), Some(&Exit::Status(7)), "{end:?}");
}

#[tokio::test]
async fn the_size_follows() {
    let server = Sshd::start().await.unwrap();
    let dialing = Dialing::to_sshd(&server);
    let mut talk = Talk::new(dialing.with_key(&server.client_key().unwrap(), None).await);
    talk.until("$ ").await;
    talk.transport.shell.clone().resize(TermSize::clamped(123, 45)).await.unwrap();
    talk.type_in("stty size\n").await;
    talk.until("45 123\r\n").await;
}

#[tokio::test]
async fn a_shell_that_is_killed_says_by_what() {
    let server = Sshd::start().await.unwrap();
    let dialing = Dialing::to_sshd(&server);
    let mut talk = Talk::new(dialing.with_key(&server.client_key().unwrap(), None).await);
    talk.until("$ ").await;
    talk.type_in("kill -KILL $$\n").await;
    assert_eq!(talk.end().await.exit(), Some(&Exit::Signal("KILL".to_owned())));
}

#[tokio::test]
async fn two_megabytes_of_output_arrive_whole_before_the_exit_status() {
    let config = SshdConfig { force_command: Some("seq 1 300000; exit 3".to_owned()), ..Default::default() };
    let server = Sshd::with_config(config).await.unwrap();
    let mut talk = Talk::new(Dialing::to_sshd(&server).with_key(&server.client_key().unwrap(), None).await);
    let end = talk.end().await;
    let expected: String = (1..=300_000).map(|n| format!("{n}\r\n")).collect();
    assert!(end.text == expected, "{} bytes instead of {}", end.text.len(), expected.len());
    assert_eq!(end.exit(), Some(&Exit::Status(3)));
}

#[tokio::test]
async fn a_banner_is_printed_first_and_without_escapes() {
    let dir = tempfile::tempdir().unwrap();
    let banner = dir.path().join("banner");
    std::fs::write(&banner, "Authorised\x1b[31m use only\nsecond line\n").unwrap();
    let extra = vec![format!("Banner {}", banner.display())];
    let server = Sshd::with_config(SshdConfig { extra, ..Default::default() }).await.unwrap();
    let mut talk = Talk::new(Dialing::to_sshd(&server).with_key(&server.client_key().unwrap(), None).await);
    let before = talk.until("$ ").await;
    assert!(before.starts_with("Authorised[31m use only\r\nsecond line\r\n"), "{before:?}");
}

#[tokio::test]
async fn a_server_with_nothing_but_a_nist_curve_is_reached() {
    for curve in ["ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"] {
        let extra = vec![format!("KexAlgorithms {curve}")];
        let server = Sshd::with_config(SshdConfig { extra, ..Default::default() }).await.unwrap();
        Talk::new(Dialing::to_sshd(&server).with_key(&server.client_key().unwrap(), None).await);
    }
}

#[tokio::test]
async fn chacha_without_the_strict_key_exchange_is_for_legacy_alone() {
    let server = OddServer::start(Oddity::IsNotStrict(&[CHACHA20_POLY1305])).await;
    let to = || Dialing::to(server.port, "u");
    for preset in [Preset::Modern, Preset::Compatible] {
        // Nobody is asked about a host that is refused in any case.
        let dialing = to().preset(preset).policy(HostKeyPolicy::Ask);
        let (target, remedy) = (dialing.target.to_string(), Remedy::ForbiddenPreset(Preset::Legacy));
        let refused = error(dialing.with_password("").await);
        assert_eq!(refused, DialError::NotStrict { target, remedy }, "{preset}");
        assert_eq!(dialing.person.questions(), []);
    }
    let talk = Talk::new(to().preset(Preset::Legacy).with_password("").await);
    assert_eq!(talk.transport.facts.target.weak, ["chacha20-poly1305@openssh.com"]);
}

#[tokio::test]
async fn a_server_without_the_strict_key_exchange_is_asked_for_another_cipher() {
    let server = OddServer::start(Oddity::IsNotStrict(&[CHACHA20_POLY1305, AES_256_CTR])).await;
    let dialing = Dialing::to(server.port, "u");
    let talk = Talk::new(dialing.with_password("").await);
    let facts = &talk.transport.facts.target;
    assert_eq!((facts.cipher.as_str(), facts.is_strict, facts.weak.len()), ("aes256-ctr", false, 0));
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Whoever connects is greeted with these bytes, asked for the client's greeting, and left.
async fn greeter(greeting: &'static [u8]) -> (u16, tokio::task::JoinHandle<Vec<u8>>) {
    let (listener, port) = listener().await;
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(greeting).await.unwrap();
        let mut heard = vec![0; 64];
        let count = stream.read(&mut heard).await.unwrap();
        heard.truncate(count);
        heard
    });
    (port, task)
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let (listener, port) = listener().await;
    drop(listener);
    let dialing = Dialing::to(port, "u");
    assert_eq!(
        error(dialing.with_password("p").await),
        DialError::ConnectRefused { target: format!("127.0.0.1:{port}") }
    );
    assert_eq!(dialing.person.steps(), [Step::Dial]);
}

#[tokio::test]
async fn another_protocol_is_not_ssh() {
    for greeting in
        [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"220 mail ESMTP\r\n", &[b'x'; 300], &[0xff; 300]]
    {
        let (port, _task) = greeter(greeting).await;
        let refused = error(Dialing::to(port, "u").with_password("p").await);
        assert!(matches!(refused, DialError::NotSsh { .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn the_clients_greeting_tells_no_version() {
    let (port, task) = greeter(b"").await;
    error(Dialing::to(port, "u").with_password("p").await);
    assert_eq!(task.await.unwrap(), b"SSH-2.0-AlfrescoSSH\r\n");
}

#[tokio::test]
async fn a_server_that_leaves_at_once_is_a_lost_link() {
    for greeting in [&b""[..], b"SSH-2.0-x\r\n"] {
        let (port, _task) = greeter(greeting).await;
        let refused = error(Dialing::to(port, "u").with_password("p").await);
        let during = "during the handshake".to_owned();
        assert_eq!(refused, DialError::LinkLost { target: format!("127.0.0.1:{port}"), during });
    }
}

#[tokio::test]
async fn garbage_after_the_greeting_is_not_ssh() {
    let (port, _task) = greeter(b"SSH-2.0-x\r\n\xff\xff\xff\xffgarbage garbage").await;
    let refused = error(Dialing::to(port, "u").with_password("p").await);
    assert!(matches!(refused, DialError::NotSsh { .. }), "{refused:?}");
}

async fn demo(quirk: Quirk) -> DemoSshd {
    let program = Program::Scripted(Script::Echo);
    DemoSshd::start(Options { program, quirk: Some(quirk), ..Options::default() }).await.unwrap()
}

#[tokio::test]
async fn a_server_that_lets_in_and_refuses_the_rest() {
    for (quirk, what) in [
        (Quirk::ChannelRefused, "a session channel"),
        (Quirk::PtyRefused, "a terminal"),
        (Quirk::ShellRefused, "a shell"),
    ] {
        let server = demo(quirk).await;
        let dialing = Dialing::to_demo(&server);
        let refused = error(dialing.with_password(server.password()).await);
        assert_eq!(refused, DialError::ShellRefused { target: dialing.target.to_string(), what });
        server.shutdown().await;
    }
}

#[tokio::test]
async fn channels_that_a_server_opens_are_refused() {
    let server = demo(Quirk::OpensChannels).await;
    let mut talk = Talk::new(Dialing::to_demo(&server).with_password(server.password()).await);
    let mut record = server.record();
    let opened = record.wait_for(|record| !record.opened.is_empty()).await.unwrap().opened.clone();
    assert_eq!(opened.len(), 5);
    assert!(opened.iter().all(|(_, accepted)| !accepted), "{opened:?}");
    talk.type_in("still here").await;
    talk.until("still here").await;
}

#[tokio::test]
async fn a_link_that_breaks_under_a_shell_is_lost() {
    let server = demo(Quirk::LinkDropsAtInput).await;
    let mut talk = Talk::new(Dialing::to_demo(&server).with_password(server.password()).await);
    talk.type_in("x").await;
    assert_eq!(talk.end().await.others, [ShellEvent::LinkLost]);
}

#[tokio::test]
async fn an_end_without_a_status_is_no_lost_link() {
    let program = Program::Scripted(Script::CloseSilently);
    let server = DemoSshd::start(Options { program, ..Options::default() }).await.unwrap();
    let mut talk = Talk::new(Dialing::to_demo(&server).with_password(server.password()).await);
    let end = talk.end().await;
    assert!(end.text.contains("bye"), "{end:?}");
    assert_eq!(end.others, []);
}
