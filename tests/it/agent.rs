//! The agent that a session lends to its target, between OpenSSH's own programs.

use std::fs;

use anyhow::Context as _;
use russh::keys::PrivateKey;
use serde_json::{Value, json};
use testkit::{PageClient, Sshd, SshdConfig, sshd::keygen};
use wire::Code;

use crate::{
    memory::{count, holds_none_of},
    resume_setup::Gateway,
    setup::{Result, key_order_with, runner},
};

/// A server with a bash, which may be lent an agent.
async fn server() -> Result<Sshd> {
    with("AllowAgentForwarding yes").await
}

async fn with(line: &str) -> Result<Sshd> {
    Sshd::with_config(SshdConfig { extra: vec![line.to_owned()], ..SshdConfig::default() }).await
}

/// A bash of a session.
struct Shell {
    page: PageClient,
    commands: usize,
}

impl Shell {
    /// One that was lent an agent with the server's client key.
    async fn with_agent(gateway: &Gateway, sshd: &Sshd) -> Result<Self> {
        Self::open(gateway, sshd, json!({ "forward_agent": true })).await
    }

    async fn open(gateway: &Gateway, sshd: &Sshd, fields: Value) -> Result<Self> {
        let mut page = gateway.open(&key_order_with(sshd, fields)?).await?;
        page.until("$ ").await?;
        Ok(Self { page, commands: 0 })
    }

    /// What a command printed, and its status.
    async fn run(&mut self, command: &str) -> Result<(String, String)> {
        self.commands += 1;
        let number = self.commands;
        self.page
            .type_keys(&format!("echo begin-$(({number})); {command}; echo end-$(({number})) $?.\r"))
            .await?;
        let (begin, end) = (format!("begin-{number}\r\n"), format!("end-{number} "));
        let is_over = |text: &str| text.rsplit_once(&end).is_some_and(|(_, status)| status.contains('.'));
        self.page.until_that(command, |page| is_over(&page.text())).await?;
        let text = self.page.text();
        let (_, rest) = text.split_once(&begin).context("it began")?;
        let (printed, rest) = rest.split_once(&end).context("it ended")?;
        let (status, _) = rest.split_once('.').context("it has a status")?;
        Ok((printed.replace('\r', ""), status.to_owned()))
    }
}

#[tokio::test]
async fn a_shell_has_an_agent_with_one_key_only_if_the_request_says_so() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let mut shell = Shell::with_agent(&gateway, &sshd).await?;
    let (keys, status) = shell.run("ssh-add -L").await?;
    let public = fs::read_to_string(sshd.client_key_path().with_extension("pub"))?;
    assert_eq!((keys, status.as_str()), (public, "0"));
    let mut shell = Shell::open(&gateway, &sshd, json!({})).await?;
    assert_eq!(shell.run("echo \"<$SSH_AUTH_SOCK>\"").await?.0, "<>\n");
    Ok(())
}

#[tokio::test]
async fn the_next_host_is_entered_with_the_key_whatever_its_type() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let next = runner(&[]).await?;
    let hop = format!(
        "ssh -F none -p {} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes \
         -o IdentityFile=none -o LogLevel=ERROR {}@127.0.0.1 'echo there-$((40+2))'",
        next.port(),
        next.username()
    );
    for (kind, bits) in [("ed25519", "0"), ("ecdsa", "256"), ("ecdsa", "521"), ("rsa", "2048")] {
        let options = if bits == "0" { &[][..] } else { &["-b", bits] };
        let key = sshd.new_client_key(kind, "", options).await?;
        let public = PrivateKey::from_openssh(&key)?.public_key().to_openssh()?;
        fs::write(next.dir().join("authorized_keys"), public)?;
        let fields = json!({ "forward_agent": true, "ssh_key": key });
        let mut shell = Shell::open(&gateway, &sshd, fields).await?;
        assert_eq!(shell.run(&hop).await?, ("there-42\n".to_owned(), "0".to_owned()), "{kind} {bits}");
    }
    // What a session leaves is no agent any more.
    let mut shell = Shell::open(&gateway, &sshd, json!({})).await?;
    assert_eq!(shell.run(&hop).await?.1, "255");
    Ok(())
}

#[tokio::test]
async fn an_agent_takes_no_other_key_and_keeps_its_own() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let mut shell = Shell::with_agent(&gateway, &sshd).await?;
    let before = shell.run("ssh-add -L").await?;
    let key = sshd.client_key_path().display().to_string();
    for options in [&key, "-D", &format!("-d {key}"), &format!("-t 9 {key}"), &format!("-c {key}")] {
        let (words, status) = shell.run(&format!("ssh-add {options} </dev/null")).await?;
        assert_eq!(status, "1", "{options}: {words}");
    }
    assert_eq!(shell.run("ssh-add -L").await?, before);
    Ok(())
}

#[tokio::test]
async fn a_certificate_is_forwarded_with_its_key() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let (key, authority) = (sshd.client_key_path(), sshd.dir().join("authority"));
    keygen(&authority, "ed25519", "").await?;
    let signed = tokio::process::Command::new("ssh-keygen")
        .args(["-q", "-I", "id", "-n", sshd.username(), "-s"])
        .arg(&authority)
        .arg(key.with_extension("pub"))
        .status();
    anyhow::ensure!(signed.await?.success());
    let certificate = fs::read_to_string(sshd.dir().join("client_key-cert.pub"))?;
    let fields = json!({ "forward_agent": true, "certificate": certificate });
    let mut shell = Shell::open(&gateway, &sshd, fields).await?;
    let (keys, _) = shell.run("ssh-add -L").await?;
    let keys: Vec<&str> = keys.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(keys, ["ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"]);
    Ok(())
}

#[tokio::test]
async fn a_server_that_wants_no_agent_has_its_shell_all_the_same() -> Result {
    let (sshd, gateway) = (with("AllowAgentForwarding no").await?, Gateway::start(&[]).await?);
    let mut shell = Shell::with_agent(&gateway, &sshd).await?;
    let text = shell.page.text();
    assert!(text.starts_with("Warning: the server refused agent forwarding.\r\n"), "{text}");
    assert_eq!(shell.run("echo \"<$SSH_AUTH_SOCK>\"").await?.0, "<>\n");
    Ok(())
}

#[tokio::test]
async fn an_operator_may_forbid_it_and_a_password_cannot_be_forwarded() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&["--allow-agent-forwarding=false"]).await?);
    let asked = key_order_with(&sshd, json!({ "forward_agent": true }))?;
    let refusal = async |gateway: &Gateway, order: &Value| {
        let reply = gateway.http.post_json("/create-session", order).await?;
        Result::Ok((reply.status, reply.json()?["code"].clone()))
    };
    assert_eq!(refusal(&gateway, &asked).await?, (400, json!(Code::InvalidField)));
    let gateway = Gateway::start(&[]).await?;
    let by_password =
        json!({ "hostname": "127.0.0.1", "username": "u", "password": "p", "forward_agent": true });
    assert_eq!(refusal(&gateway, &by_password).await?, (400, json!(Code::InvalidField)));
    Ok(())
}

#[tokio::test]
async fn a_command_may_have_it_too() -> Result {
    let (sshd, gateway) = (runner(&[]).await?, Gateway::start(&[]).await?);
    let order = key_order_with(&sshd, json!({ "forward_agent": true, "command": "ssh-add -l | wc -l" }))?;
    let answer = gateway.http.post_json("/api/v1/exec", &order).await?.json()?;
    assert_eq!((&answer["stdout"], &answer["stderr"]), (&json!("1\n"), &json!("")), "{answer}");
    Ok(())
}

#[tokio::test]
async fn many_questions_are_answered_and_whoever_talks_nonsense_is_cut_off() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let mut shell = Shell::with_agent(&gateway, &sshd).await?;
    // More than there may be channels at a time.
    let (answers, _) = shell.run("for n in $(seq 50); do ssh-add -L; done | wc -l").await?;
    assert_eq!(answers, "50\n");
    let program = sshd.dir().join("nonsense.py");
    fs::write(&program, NONSENSE)?;
    let (cut, _) = shell.run(&format!("python3 {}", program.display())).await?;
    assert_eq!(cut, "b'' b'' b'' b''\n");
    assert_eq!(shell.run("ssh-add -l").await?.1, "0");
    Ok(())
}

/// Says to the agent what is no message, or is one without end, and prints what it answers.
const NONSENSE: &str = r#"
import os, socket
def answer(words):
    agent = socket.socket(socket.AF_UNIX)
    agent.connect(os.environ["SSH_AUTH_SOCK"])
    try:
        agent.sendall(words)
        return agent.recv(1)
    except OSError:
        return b""
print(*[answer(words) for words in (bytes(4), b"\xff" * 8, b"SSH-2.0-x\r\n", b"\0\4\0\1" + bytes(1 << 20))])
"#;

#[tokio::test]
async fn nothing_of_the_key_is_left_behind_a_session() -> Result {
    if !rustix::process::geteuid().is_root() {
        // Nobody else may read the memory, which is the point.
        return Ok(());
    }
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    // The comment is part of the opened key, and lives as long.
    let comment = ["goes-with-its-key-8835".to_owned()];
    let key = sshd.new_client_key("ed25519", "", &["-C", &comment[0]]).await?;
    let mut shell = Shell::open(&gateway, &sshd, json!({ "forward_agent": true, "ssh_key": key })).await?;
    assert_eq!(shell.run("ssh-add -l >/dev/null").await?.1, "0");
    assert!(count(&gateway.binary, &comment)?[0] > 0);
    shell.page.type_keys("exit\r").await?;
    shell.page.until_closed().await?;
    drop(shell);
    holds_none_of(&gateway.binary, &comment).await
}
