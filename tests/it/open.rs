//! From a ticket to a shell: both generations of the original's client, and our page.

use anyhow::Context as _;
use serde_json::json;
use testkit::{
    ClientVersion, Event, Incoming, NodeClient, PATIENCE, Page, Protocol, SocketClient, Sshd, TestGateway,
    demo_sshd::Script,
};
use tokio::time::timeout;
use wire::{Code, event};

use crate::setup::{BOTH, Result, key_order, open_bash, password_order, scripted, seen};

#[tokio::test]
async fn our_page_sees_each_step_and_gets_a_shell_of_its_size() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let ticket = gateway.create(&key_order(&sshd)?).await?;
    let mut page = Page::connect(gateway.address(), Protocol::Ours).await?;
    let start = json!({ "create_session_id": ticket, "cols": 100, "rows": 30 });
    page.socket.emit(event::START_SESSION, start).await?;
    for step in ["dial", "handshake", "auth", "shell"] {
        assert_eq!(page.until_event(event::SESSION_PROGRESS).await?.payload, json!({ "step": step }));
    }
    assert_eq!(page.until_event(event::CONNECTION_READY).await?.payload, json!({ "ready": true }));
    page.until("$ ").await?;
    page.type_keys("stty size; echo $((40+2)) $TERM\r").await?;
    page.until("30 100\r\n42 xterm-256color\r\n").await?;
    Ok(())
}

#[tokio::test]
async fn the_first_generation_names_its_size_before_it_starts() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = Page::connect(gateway.address(), Protocol::Original).await?;
    page.resize(132, 43).await?;
    page.socket.emit(event::START_SESSION, json!({ "create_session_id": ticket })).await?;
    page.type_keys("typed at once").await?;
    page.until("typed at once").await?;
    let terminal = seen(&sshd, |record| record.terminal.is_some()).await?.terminal.unwrap();
    assert_eq!((terminal.cols, terminal.rows), (132, 43));
    // Such a page knows no progress.
    assert!(page.events.iter().all(|event| event.name == event::CONNECTION_READY), "{:?}", page.events);
    Ok(())
}

#[tokio::test]
async fn the_second_generation_names_its_size_when_it_is_ready() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = Page::connect(gateway.address(), Protocol::Original).await?;
    page.socket.emit(event::START_SESSION, json!({ "credentials_uuid": ticket })).await?;
    page.until_event(event::CONNECTION_READY).await?;
    page.resize(101, 31).await?;
    let record = seen(&sshd, |record| !record.window_changes.is_empty()).await?;
    let terminal = record.terminal.unwrap();
    assert_eq!((terminal.cols, terminal.rows, terminal.term.as_str()), (80, 24, "xterm-256color"));
    assert_eq!(record.window_changes, [(101, 31)]);
    Ok(())
}

#[tokio::test]
async fn the_official_clients_of_both_times_work_with_both_names_of_a_ticket() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    for version in [ClientVersion::Original, ClientVersion::Newest] {
        for name in ["create_session_id", "credentials_uuid"] {
            for transports in ["websocket", "polling", "polling,websocket"] {
                let session = official_client(&sshd, &gateway, version, name, transports);
                session.await.with_context(|| format!("{version:?} {name} {transports}"))?;
            }
        }
    }
    Ok(())
}

async fn official_client(
    sshd: &Sshd,
    gateway: &TestGateway,
    version: ClientVersion,
    name: &str,
    transports: &str,
) -> Result {
    let ticket = gateway.create(&key_order(sshd)?).await?;
    let mut node = NodeClient::connect_by(version, gateway.address(), &json!(null), transports).await?;
    node.emit(event::START_SESSION, &json!({ name: ticket })).await?;
    assert_eq!(node.until_event(event::CONNECTION_READY).await?, json!({ "ready": true }));
    node.emit(event::SSH_INPUT, &json!({ "input": "echo $((40+2)) $((50+5)); exit 3\r" })).await?;
    // Nothing is lost at the end: the last output, then the line that says why.
    node.until_output("42 55").await?;
    node.until_output("\u{1b}[91mThe shell exited with status 3.\u{1b}[0m").await?;
    node.until(|told| told[0] == "disconnect").await?;
    Ok(())
}

/// The packet as it was on the wire, with words for the token, the server and its key, and 0 for whatever time
/// it took.
fn golden(event: &Event) -> String {
    let mut frame = event.frame.clone();
    if let Some(token) = event.payload["token"].as_str() {
        assert_eq!(token.len(), 43);
        frame = frame.replace(token, "TOKEN");
    }
    for (name, word) in [("target", "TARGET"), ("server", "SERVER"), ("fingerprint", "FINGERPRINT")] {
        if let Some(text) = event.payload[name].as_str() {
            frame = frame.replace(text, word);
        }
    }
    if let Some(seconds) = event.payload["duration_s"].as_u64() {
        frame = frame.replace(&format!("\"duration_s\":{seconds}"), "\"duration_s\":0");
    }
    frame
}

#[tokio::test]
async fn the_frames_of_the_originals_protocol() -> Result {
    let (sshd, gateway) = (scripted(Script::Exit(7)).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = Page::start(gateway.address(), Protocol::Original, &ticket).await?;
    let mut frames = Vec::new();
    while let Incoming::Event(event) = page.socket.next().await? {
        frames.push(golden(&event));
    }
    assert_eq!(
        frames,
        [
            r#"42/ssh,["connection-ready",{"ready":true}]"#,
            r#"42/ssh,["ssh-output",{"output":"bye\r\n"}]"#,
            r#"42/ssh,["ssh-output",{"output":"\u001b[91mThe shell exited with status 7.\u001b[0m"}]"#,
            concat!(
                r#"42/ssh,["session-closed",{"code":"exited","message":"The shell exited with status 7.","#,
                r#""peer":"target","retry":false,"exit_status":7,"duration_s":0}]"#
            ),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn the_frames_of_our_protocol() -> Result {
    let (sshd, gateway) = (scripted(Script::Exit(0)).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = Page::start(gateway.address(), Protocol::Ours, &ticket).await?;
    let mut frames = Vec::new();
    let mut bytes = Vec::new();
    loop {
        let Incoming::Event(event) = page.socket.next().await? else { break };
        frames.push(golden(&event));
        if let Some(output) = &event.attachment {
            bytes.extend_from_slice(output);
            page.socket.emit(event::SSH_OUTPUT_ACK, json!({ "offset": bytes.len() })).await?;
        }
        if event.name == event::SESSION_CLOSED {
            break;
        }
    }
    assert_eq!(
        frames,
        [
            r#"42/ssh,["session-progress",{"step":"dial"}]"#,
            r#"42/ssh,["session-progress",{"step":"handshake"}]"#,
            r#"42/ssh,["session-progress",{"step":"auth"}]"#,
            r#"42/ssh,["session-progress",{"step":"shell"}]"#,
            r#"42/ssh,["session-attached",{"token":"TOKEN","offset":0,"input_offset":0}]"#,
            concat!(
                r#"42/ssh,["session-details",{"target":"TARGET","server":"SERVER","#,
                r#""preset":"modern","key_exchange":"mlkem768x25519-sha256","post_quantum":true,"#,
                r#""strict_key_exchange":true,"host_key":"ssh-ed25519","fingerprint":"FINGERPRINT","#,
                r#""host_proof":"learnt","cipher":"aes256-gcm@openssh.com","weak":[],"hops":[]}]"#
            ),
            r#"42/ssh,["connection-ready",{"ready":true}]"#,
            r#"451-/ssh,["ssh-output",{"output":{"_placeholder":true,"num":0},"offset":0}]"#,
            concat!(
                r#"42/ssh,["session-closed",{"code":"exited","message":"The shell exited.","#,
                r#""peer":"target","retry":false,"exit_status":0,"duration_s":0}]"#
            ),
        ]
    );
    assert_eq!(bytes, b"bye\r\n");
    Ok(())
}

#[tokio::test]
async fn the_order_decides_terminal_and_size_unless_the_page_does() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let mut order = password_order(&sshd);
    order["term"] = json!("screen-256color");
    order["cols"] = json!(90);
    order["rows"] = json!("20");
    for (size, expected) in [(json!({}), (90, 20)), (json!({ "cols": 70, "rows": 10 }), (70, 10))] {
        let ticket = gateway.create(&order).await?;
        let mut page = Page::connect(gateway.address(), Protocol::Ours).await?;
        let mut start = size;
        start["create_session_id"] = json!(ticket);
        page.socket.emit(event::START_SESSION, start).await?;
        page.until_event(event::CONNECTION_READY).await?;
        let terminal = sshd.record().borrow().terminal.clone().unwrap();
        assert_eq!((terminal.cols, terminal.rows), expected);
        assert_eq!(terminal.term, "screen-256color");
    }
    Ok(())
}

#[tokio::test]
async fn sizes_are_clamped_to_what_a_terminal_may_be() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = Page::connect(gateway.address(), Protocol::Ours).await?;
    let start = json!({ "create_session_id": ticket, "cols": 0, "rows": 65535 });
    page.socket.emit(event::START_SESSION, start).await?;
    page.until_event(event::CONNECTION_READY).await?;
    let terminal = sshd.record().borrow().terminal.clone().unwrap();
    assert_eq!((terminal.cols, terminal.rows), (1, 500));
    page.resize(1001, 0).await?;
    let record = seen(&sshd, |record| !record.window_changes.is_empty()).await?;
    assert_eq!(record.window_changes, [(1000, 1)]);
    Ok(())
}

#[tokio::test]
async fn what_is_no_start_is_refused_and_starts_nothing() -> Result {
    let (sshd, gateway) = (scripted(Script::Echo).await?, TestGateway::start().await?);
    let ticket = gateway.create(&password_order(&sshd)).await?;
    for protocol in BOTH {
        let mut page = Page::connect(gateway.address(), protocol).await?;
        for payload in [
            json!({}),
            json!(null),
            json!("x"),
            json!({ "create_session_id": 7 }),
            json!({ "create_session_id": ticket, "credentials_uuid": ticket }),
            json!({ "create_session_id": ticket, "hostname": "other.example" }),
            json!({ "create_session_id": ticket, "cols": -1, "rows": 24 }),
            json!({ "create_session_id": ticket, "cols": 70_000, "rows": 24 }),
        ] {
            page.socket.emit(event::START_SESSION, payload.clone()).await?;
            let error = page.until_event(event::SESSION_ERROR).await?.payload;
            assert_eq!(error["code"], json!(Code::InvalidPayload), "{payload}");
            assert_eq!((&error["peer"], &error["retry"]), (&json!("browser"), &json!(false)));
            assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{error}");
        }
    }
    assert_eq!(sshd.record().borrow().connections, 0);
    // The ticket is still good.
    Page::open(gateway.address(), Protocol::Ours, &ticket).await?;
    Ok(())
}

#[tokio::test]
async fn wrong_payloads_and_events_without_a_session_are_answered_and_end_nothing() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let mut idle = Page::connect(gateway.address(), Protocol::Original).await?;
    idle.type_keys("x").await?;
    assert_eq!(idle.until_event(event::SESSION_ERROR).await?.payload["code"], json!(Code::NoSession));
    idle.socket.emit_bare(event::TIMEOUT).await?;
    assert_eq!(idle.until_event(event::SESSION_ERROR).await?.payload["code"], json!(Code::NoSession));

    let mut page = open_bash(&sshd, &gateway, Protocol::Ours).await?;
    for (name, payload) in [
        (event::SSH_INPUT, json!({ "input": 7 })),
        (event::SSH_INPUT, json!({})),
        (event::SSH_INPUT, json!("x")),
        (event::RESIZE, json!({ "cols": "80", "rows": 24 })),
        (event::RESIZE, json!({ "cols": 80 })),
        (event::RESIZE, json!("80x24")),
        (event::SSH_OUTPUT_ACK, json!({ "offset": -1 })),
    ] {
        page.socket.emit(name, payload.clone()).await?;
        let error = page.until_event(event::SESSION_ERROR).await?.payload;
        assert_eq!(error["code"], json!(Code::InvalidPayload), "{name} {payload}");
    }
    page.socket.emit("no-such-event", json!({})).await?;
    page.type_keys("echo $((40+2))\r").await?;
    page.until("42\r\n").await?;
    Ok(())
}

#[tokio::test]
async fn a_second_start_leaves_the_first_session_alone() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let mut page = open_bash(&sshd, &gateway, Protocol::Ours).await?;
    let other = gateway.create(&key_order(&sshd)?).await?;
    page.start_session(&other).await?;
    let error = page.until_event(event::SESSION_ERROR).await?.payload;
    assert_eq!(error["code"], json!(Code::SessionAlreadyStarted));
    page.type_keys("echo $((40+2))\r").await?;
    page.until("42\r\n").await?;
    // Once it is over, the same socket may start the next.
    page.type_keys("exit\r").await?;
    assert_eq!(page.until_closed().await?.code, Code::Exited);
    page.clear();
    page.start_session(&other).await?;
    page.until_event(event::CONNECTION_READY).await?;
    page.until("$ ").await?;
    Ok(())
}

#[tokio::test]
async fn a_protocol_that_is_not_spoken_is_refused_by_name() -> Result {
    let gateway = TestGateway::start().await?;
    let mut socket = SocketClient::connect(gateway.address(), None, Some(json!({ "protocol": 2 }))).await?;
    let Incoming::Event(error) = socket.next().await? else { anyhow::bail!("no answer") };
    assert_eq!(error.payload["code"], json!(Code::UnsupportedProtocol));
    assert!(matches!(socket.next().await?, Incoming::Disconnected | Incoming::Closed));
    Ok(())
}

#[tokio::test]
async fn a_session_may_be_asked_for_in_connect() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let ticket = gateway.create(&key_order(&sshd)?).await?;
    let start = json!({ "create_session_id": ticket, "cols": 91, "rows": 23 });
    let socket = SocketClient::ours_saying(gateway.address(), json!({ "start": start })).await?;
    let mut page = Page::on(socket, Protocol::Ours);
    let token = page.until_event(event::SESSION_ATTACHED).await?.payload["token"].clone();
    page.until("$ ").await?;
    page.type_keys("stty size\r").await?;
    page.until("23 91\r\n").await?;
    let resume = json!({ "token": token, "have": page.output().len() });
    page.socket.cut();
    let socket = SocketClient::ours_saying(gateway.address(), json!({ "resume": resume })).await?;
    let mut back = Page::on(socket, Protocol::Ours);
    back.until_event(event::SESSION_ATTACHED).await?;
    back.type_keys("echo $((40+2))\r").await?;
    back.until("42\r\n").await?;
    Ok(())
}

/// As its events would be.
#[tokio::test]
async fn what_is_asked_for_in_connect_is_refused_as_an_event_is() -> Result {
    let gateway = TestGateway::start().await?;
    for (said, event, code) in [
        (json!({ "start": { "cols": 80 } }), event::SESSION_ERROR, Code::InvalidPayload),
        (json!({ "start": "a ticket" }), event::SESSION_ERROR, Code::InvalidPayload),
        (json!({ "resume": { "have": 3 } }), event::SESSION_ERROR, Code::InvalidPayload),
        (json!({ "start": { "create_session_id": "none" } }), event::SESSION_CLOSED, Code::TicketUnknown),
        (json!({ "resume": { "token": "none" } }), event::SESSION_CLOSED, Code::SessionUnknown),
    ] {
        let socket = SocketClient::ours_saying(gateway.address(), said.clone()).await?;
        let answer = Page::on(socket, Protocol::Ours).until_event(event).await?.payload;
        assert_eq!(answer["code"], json!(code), "{said}");
    }
    Ok(())
}

/// Theirs know nothing of it, and may say anything there.
#[tokio::test]
async fn the_original_s_clients_start_nothing_in_connect() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let ticket = gateway.create(&key_order(&sshd)?).await?;
    let said = json!({ "start": { "create_session_id": ticket }, "token": 7 });
    let socket = SocketClient::connect(gateway.address(), None, Some(said)).await?;
    let mut page = Page::on(socket, Protocol::Original);
    page.type_keys("x").await?;
    assert_eq!(page.until_event(event::SESSION_ERROR).await?.payload["code"], json!(Code::NoSession));
    page.start_session(&ticket).await?;
    page.until("$ ").await?;
    Ok(())
}

/// A client may speak as soon as it is let in; the gateway's own threads must not race with that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_client_says_at_once_is_never_lost() -> Result {
    let gateway = TestGateway::start().await?;
    let address = gateway.address();
    let lanes = (0..8).map(|_| {
        tokio::spawn(async move {
            for round in 0..250 {
                let mut socket = SocketClient::ours(address).await?;
                socket.emit(event::SSH_INPUT, json!({ "input": "x" })).await?;
                let answer = timeout(PATIENCE, socket.next()).await;
                let answer = answer.with_context(|| format!("no answer in round {round}"))??;
                let Incoming::Event(error) = answer else { anyhow::bail!("{answer:?}") };
                assert_eq!(error.payload["code"], json!(Code::NoSession));
            }
            anyhow::Ok(())
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await??;
    }
    Ok(())
}
