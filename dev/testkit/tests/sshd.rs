//! The SSH server of the tests, against OpenSSH's own client.

use std::{process::Stdio, time::Duration};

use testkit::{Sshd, process};
use tokio::process::Command;

fn ssh(sshd: &Sshd) -> Command {
    let mut command = Command::new("ssh");
    command
        .args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
        .args(["-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-tt", "-i"])
        .arg(sshd.client_key_path())
        .args(["-p", &sshd.port().to_string(), &format!("{}@127.0.0.1", sshd.username())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn a_shell_on_a_pty_and_its_exit_status() {
    let sshd = Sshd::start().await.unwrap();
    let mut client = ssh(&sshd).spawn().unwrap();
    tokio::io::AsyncWriteExt::write_all(client.stdin.as_mut().unwrap(), b"tty; echo $((40+2)); exit 7\n")
        .await
        .unwrap();
    let output = client.wait_with_output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7), "{text}");
    assert!(text.contains("/dev/pts/") && text.contains("\r\n42\r\n"), "{text:?}");
    assert!(sshd.fingerprint().await.unwrap().starts_with("SHA256:"));
    assert!(sshd.host_key_line().unwrap().starts_with("ssh-ed25519 "));
}

#[tokio::test]
async fn dropping_it_ends_its_sessions() {
    let sshd = Sshd::start().await.unwrap();
    let mut client = ssh(&sshd).spawn().unwrap();
    sshd.logged("Starting session").await.unwrap();
    let connections = sshd.connections();
    assert_eq!(connections.len(), 1);
    drop(sshd);
    client.wait().await.unwrap();
    process::wait_gone(connections[0], Duration::from_secs(10)).await.unwrap();
}
