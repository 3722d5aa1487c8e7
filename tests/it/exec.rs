//! `POST /api/v1/exec`, against OpenSSH's own server.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use http::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{
    Http, PATIENCE, Reply, Sshd,
    demo_sshd::Script,
    process::{ProcessId, wait_gone},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use wire::Code;

use crate::{
    resume_setup::Gateway,
    setup::{Result, key_order, key_order_with, password_order, runner, scripted, seen},
};

const EXEC: &str = "/api/v1/exec";

async fn server() -> Result<Sshd> {
    runner(&["AcceptEnv LC_*"]).await
}

fn order(sshd: &Sshd, command: &str, mut fields: Value) -> Result<Value> {
    if fields.get("command").is_none() {
        fields["command"] = json!(command);
    }
    key_order_with(sshd, fields)
}

async fn answer(gateway: &Gateway, order: &Value) -> Result<(u16, Value)> {
    let reply = gateway.http.post_json(EXEC, order).await?;
    Ok((reply.status, reply.json()?))
}

async fn refusal(gateway: &Gateway, order: &Value) -> Result<(u16, Value)> {
    let (status, answer) = answer(gateway, order).await?;
    anyhow::ensure!(answer["success"] == false && answer["error"].is_string(), "{answer}");
    Ok((status, answer["code"].clone()))
}

/// A command that has begun and ends when it is let go.
struct Long {
    asked: JoinHandle<Result<Reply>>,
    /// The command waits for its end.
    line: TcpStream,
}

impl Long {
    async fn begin(http: Http, sshd: &Sshd) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; read <&3; echo ended");
        let order = order(sshd, &format!("exec bash -c '{script}'"), json!({}))?;
        let asked = tokio::spawn(async move { http.post_json(EXEC, &order).await });
        let (stream, _) = timeout(PATIENCE, listener.accept()).await??;
        Ok(Self { asked, line: stream })
    }

    async fn let_go(self) -> Result<(u16, Value)> {
        drop(self.line);
        let reply = self.asked.await??;
        Ok((reply.status, reply.json()?["stdout"].clone()))
    }
}

#[tokio::test]
async fn both_outputs_and_the_status_are_in_the_answer() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let command = "echo to stdout in $LC_PAPER; echo to stderr >&2; exit 3";
    let fields = json!({ "shell": false, "env": { "LC_PAPER": "a4" }, "term": "xterm", "colour": "red" });
    let (status, mut answer) = answer(&gateway, &order(&sshd, command, fields)?).await?;
    assert!(answer["duration_ms"].take().is_u64());
    let expected = json!({
        "success": true, "code": "exited", "exit_status": 3, "duration_ms": null,
        "stdout": "to stdout in a4\n", "stdout_truncated": false,
        "stderr": "to stderr\n", "stderr_truncated": false,
        "ignored": ["colour", "term"],
    });
    assert_eq!((status, answer), (200, expected));
    gateway.base.is_back().await
}

#[tokio::test]
async fn there_is_no_terminal_and_nothing_to_read() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let command = "for fd in 0 1 2; do test -t $fd && echo terminal; done; cat; echo read";
    let (_, answer) = answer(&gateway, &order(&sshd, command, json!({}))?).await?;
    assert_eq!(answer["stdout"], "read\n");
    Ok(())
}

#[tokio::test]
async fn a_command_that_is_killed_says_by_what() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let (status, answer) = answer(&gateway, &order(&sshd, "exec sh -c 'kill -9 $$'", json!({}))?).await?;
    assert_eq!((status, &answer["code"], &answer["exit_signal"]), (200, &json!("signalled"), &json!("KILL")));
    assert_eq!(answer.get("exit_status"), None);
    Ok(())
}

#[tokio::test]
async fn every_byte_is_there_in_base64_and_text_stays_text() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let of = async |encoding: &str| {
        let order = order(&sshd, r"printf '\377\000\303\244'", json!({ "encoding": encoding }))?;
        anyhow::Ok(answer(&gateway, &order).await?.1["stdout"].clone())
    };
    assert_eq!(of("base64").await?, "/wDDpA==");
    assert_eq!(of("utf-8").await?, "\u{fffd}\0ä");
    Ok(())
}

#[tokio::test]
async fn a_flood_is_read_to_its_end_and_its_beginning_kept() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&["--exec-output", "2048"]).await?);
    let command = "yes no 2>/dev/null | head -c 20000000; echo done >&2";
    let (status, answer) = answer(&gateway, &order(&sshd, command, json!({}))?).await?;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["stdout"], "no\n".repeat(700)[..2048]);
    assert_eq!((&answer["stdout_truncated"], &answer["stderr_truncated"]), (&json!(true), &json!(false)));
    assert_eq!((&answer["stderr"], &answer["exit_status"]), (&json!("done\n"), &json!(0)));
    Ok(())
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_and_what_it_printed_is_kept() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    // Once nobody reads it any more, it is killed by its next line.
    let command = "echo begun in $$; while sleep 0.1; do echo; done";
    let order = order(&sshd, command, json!({ "max_duration": 1 }))?;
    let (status, answer) = answer(&gateway, &order).await?;
    assert_eq!((status, &answer["code"], &answer["success"]), (504, &json!("max_duration"), &json!(false)));
    assert_eq!(answer["error"], "The command had not ended after 1 s.");
    let begun = answer["stdout"].as_str().and_then(|text| text.strip_prefix("begun in ")?.lines().next());
    let pid: ProcessId = begun.context("it began")?.parse()?;
    wait_gone(pid, PATIENCE).await
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_told_to_end() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let mut order = password_order(&sshd);
    (order["command"], order["max_duration"]) = (json!("sleep 1000"), json!(1));
    assert_eq!(refusal(&gateway, &order).await?, (504, json!(Code::MaxDuration)));
    seen(&sshd, |record| record.signals == ["TERM"] && record.disconnections == 1).await?;
    gateway.base.is_back().await
}

#[tokio::test]
async fn a_command_goes_with_its_caller() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&[]).await?);
    let long = Long::begin(gateway.http.clone(), &sshd).await?;
    long.asked.abort();
    gateway.base.is_back().await
}

#[tokio::test]
async fn it_counts_as_a_session_while_it_runs() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&["--max-sessions", "1"]).await?);
    let long = Long::begin(gateway.http.clone(), &sshd).await?;
    let other = order(&sshd, "true", json!({}))?;
    assert_eq!(refusal(&gateway, &other).await?, (503, json!(Code::TooManySessions)));
    let refused = gateway.http.post_json("/create-session", &key_order(&sshd)?).await?;
    assert_eq!(refused.json()?["code"], json!(Code::TooManySessions));
    assert_eq!(long.let_go().await?, (200, json!("ended\n")));
    assert_eq!(answer(&gateway, &other).await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_an_order_is_told_before_anything_is_dialled() -> Result {
    let (sshd, gateway) = (server().await?, Gateway::start(&["--exec-timeout", "5"]).await?);
    for (fields, code) in [
        (json!({ "command": null }), Code::MissingField),
        (json!({ "command": " " }), Code::MissingField),
        (json!({ "shell": true }), Code::InvalidField),
        (json!({ "shell": "no" }), Code::InvalidField),
        (json!({ "encoding": "latin1" }), Code::InvalidField),
        (json!({ "max_duration": 6 }), Code::InvalidField),
        (json!({ "password": "both" }), Code::InvalidCredentials),
    ] {
        let order = order(&sshd, "true", fields)?;
        assert_eq!(refusal(&gateway, &order).await?, (400, json!(code)), "{order}");
    }
    let shell = order(&sshd, "true", json!({ "shell": false }))?;
    let refused = gateway.http.post_json("/create-session", &shell).await?;
    assert_eq!((refused.status, &refused.json()?["code"]), (400, &json!(Code::InvalidField)));
    let form = [("hostname", "h"), ("username", "u"), ("password", "p"), ("command", "true"), ("shell", "1")];
    assert_eq!(gateway.http.post_form(EXEC, &form).await?.status, 400);
    let wrong: Reply = gateway.http.send(Method::GET, EXEC, "").await?;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "POST, OPTIONS"));
    Ok(())
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_has_a_status_and_a_code() -> Result {
    let sshd = server().await?;
    let gateway = Gateway::start(&["--host-key-policy", "ask"]).await?;
    let with = |fields: Value| order(&sshd, "true", fields);
    let pinned = with(json!({ "host_key": sshd.fingerprint().await? }))?;
    assert_eq!(answer(&gateway, &pinned).await?.0, 200);
    // There is nobody who could be asked.
    assert_eq!(refusal(&gateway, &with(json!({}))?).await?, (502, json!(Code::HostKeyUnknown)));
    let mut wrong = pinned.clone();
    wrong["username"] = json!("nobody-of-this-name");
    assert_eq!(refusal(&gateway, &wrong).await?, (502, json!(Code::AuthFailed)));
    let mut unreadable = pinned.clone();
    unreadable["ssh_key"] = json!("no key");
    assert_eq!(refusal(&gateway, &unreadable).await?, (400, json!(Code::KeyInvalid)));
    let mut denied = pinned;
    denied["hostname"] = json!("169.254.169.254");
    assert_eq!(refusal(&gateway, &denied).await?, (403, json!(Code::TargetDenied)));
    Ok(())
}

#[tokio::test]
async fn only_who_may_create_sessions_may_run_commands() -> Result {
    let sshd = server().await?;
    let token = "0123456789abcdef";
    let arguments = &["--api-token", &format!("portal={token}")];
    let (known, unknown) =
        (Gateway::with_token(arguments, Some(token)).await?, Gateway::with_token(arguments, None).await);
    assert_eq!(answer(&known, &order(&sshd, "true", json!({}))?).await?.0, 200);
    assert!(unknown.is_err(), "its figures need the token too");
    let stranger = known.binary.http()?.post_json(EXEC, &order(&sshd, "true", json!({}))?).await?;
    assert_eq!((stranger.status, &stranger.json()?["code"]), (401, &json!(Code::Unauthorized)));
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_goes_down_lets_a_command_end() -> Result {
    let (sshd, mut gateway) = (server().await?, Gateway::start(&["--drain", "60s"]).await?);
    let long = Long::begin(gateway.http.clone(), &sshd).await?;
    gateway.binary.signal(Signal::TERM)?;
    gateway.binary.logged("stopping").await?;
    assert_eq!(long.let_go().await?, (200, json!("ended\n")));
    assert_eq!(gateway.binary.ended().await?.code(), Some(0));
    Ok(())
}
