//! How sessions end, who is told what, and that nothing is left on the other side.

use std::time::Duration;

use serde_json::json;
use testkit::{
    ClientVersion, GatewayOptions, NodeClient, PATIENCE, Page, Protocol, Sshd, TestGateway,
    demo_sshd::{Quirk, Script},
    process,
};
use wire::{Code, Peer, event};

use crate::setup::{BOTH, Result, eventually, faulty, key_order, open_bash, open_script, scripted, sessions};

#[tokio::test]
async fn an_exit_shows_its_status_and_a_kill_its_signal() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    for (command, code, status, signal, sentence) in [
        ("exit", Code::Exited, Some(0), None, "The shell exited."),
        ("exit 7", Code::Exited, Some(7), None, "The shell exited with status 7."),
        ("kill -9 $$", Code::Signalled, None, Some("KILL"), "The shell was killed by signal KILL."),
    ] {
        for protocol in BOTH {
            let mut page = open_bash(&sshd, &gateway, protocol).await?;
            page.type_keys(&format!("{command}\r")).await?;
            let closed = page.until_closed().await?;
            assert_eq!((closed.code, closed.peer, closed.retry), (code, Peer::Target, false), "{command}");
            assert_eq!((closed.exit_status, closed.exit_signal.as_deref()), (status, signal));
            assert_eq!(closed.message, sentence);
            if protocol == Protocol::Original {
                assert!(page.text().ends_with(&format!("\u{1b}[91m{sentence}\u{1b}[0m")), "{}", page.text());
                page.until_disconnected().await?;
            }
        }
    }
    eventually(async || Ok(sshd.connections().is_empty() && sessions(&gateway) == 0)).await
}

#[tokio::test]
async fn a_server_that_goes_is_told_apart_from_one_that_closes() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let mut page = open_bash(&sshd, &gateway, Protocol::Ours).await?;
    for connection in sshd.connections() {
        process::signal(connection, rustix::process::Signal::KILL)?;
    }
    let closed = page.until_closed().await?;
    assert_eq!((closed.code, closed.peer, closed.retry), (Code::LinkLost, Peer::Target, false));
    assert_eq!(closed.message, "The connection to the server was lost.");

    let drops = faulty(Quirk::LinkDropsAtInput).await?;
    let mut page = open_script(&drops, &gateway, Protocol::Original).await?;
    page.type_keys("x").await?;
    assert_eq!(page.until_closed().await?.code, Code::LinkLost);

    let silent = scripted(Script::CloseSilently).await?;
    let mut page = open_script(&silent, &gateway, Protocol::Ours).await?;
    let closed = page.until_closed().await?;
    assert_eq!((closed.code, closed.exit_status), (Code::TargetClosed, None));
    assert_eq!(page.text(), "bye\r\n");
    Ok(())
}

/// Types a shell that writes to a file when it is hung up, and returns its process id.
async fn watch_for_hang_up(page: &mut Page, file: &std::path::Path) -> Result<process::ProcessId> {
    let watch = format!("bash -c 'trap \"echo hup > {}; exit\" HUP; echo pid=$$=; ", file.display());
    page.type_keys(&format!("{watch} while :; do sleep 1000 & wait $!; done'\r")).await?;
    let mut pid = None;
    while pid.is_none() {
        page.step().await?;
        let text = page.text();
        pid = text.split("pid=").filter_map(|rest| rest.split_once('=')?.0.parse().ok()).last();
    }
    Ok(pid.unwrap())
}

#[tokio::test]
async fn a_browser_that_goes_hangs_its_shell_up_and_leaves_nothing() -> Result {
    let sshd = Sshd::start().await?;
    let sessions_end = engine::Options { detach_grace: Duration::ZERO, ..Default::default() };
    let options = GatewayOptions { sessions: sessions_end, ..Default::default() };
    let gateway = TestGateway::with_options(options).await?;
    for protocol in BOTH {
        let mut page = open_bash(&sshd, &gateway, protocol).await?;
        let file = sshd.dir().join(format!("{protocol:?}"));
        let shell = watch_for_hang_up(&mut page, &file).await?;
        let connections = sshd.connections();
        assert_eq!(connections.len(), 1);
        page.socket.cut();
        process::wait_gone(shell, PATIENCE).await?;
        process::wait_gone(connections[0], PATIENCE).await?;
        assert_eq!(std::fs::read_to_string(file)?, "hup\n");
        eventually(async || Ok(sessions(&gateway) == 0)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_official_client_that_leaves_ends_its_session_over_each_transport() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    for transports in ["websocket", "polling"] {
        let ticket = gateway.create(&key_order(&sshd)?).await?;
        let version = ClientVersion::Original;
        let mut node = NodeClient::connect_by(version, gateway.address(), &json!(null), transports).await?;
        node.emit(event::START_SESSION, &json!({ "credentials_uuid": ticket })).await?;
        node.until_output("$ ").await?;
        let connections = sshd.connections();
        assert_eq!(connections.len(), 1, "{transports}");
        node.leave().await?;
        process::wait_gone(connections[0], PATIENCE).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_finds_its_session_idle_may_end_it() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let sentence = "Timed-out, this session was inactive for too long";
    let mut page = open_bash(&sshd, &gateway, Protocol::Ours).await?;
    page.socket.emit_bare(event::TIMEOUT).await?;
    let closed = page.until_closed().await?;
    assert_eq!((closed.code, closed.peer, closed.retry), (Code::TimedOut, Peer::Browser, false));
    assert_eq!(closed.message, sentence);

    let page = open_bash(&sshd, &gateway, Protocol::Original).await?;
    let mut socket = page.socket;
    socket.emit_bare(event::TIMEOUT).await?;
    let mut line = json!(null);
    while let testkit::Incoming::Event(event) = socket.next().await? {
        if event.name == event::SSH_OUTPUT && event.payload.get("timeout").is_some() {
            line = event.payload;
        }
    }
    assert_eq!(line, json!({ "output": format!("\u{1b}[91m{sentence}\u{1b}[0m"), "timeout": true }));
    eventually(async || Ok(sshd.connections().is_empty())).await
}

#[tokio::test]
async fn a_gateway_that_goes_down_tells_each_page_and_ends_each_shell() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, TestGateway::start().await?);
    let mut ours = open_bash(&sshd, &gateway, Protocol::Ours).await?;
    let mut original = open_bash(&sshd, &gateway, Protocol::Original).await?;
    let connections = sshd.connections();
    assert_eq!(connections.len(), 2);
    let going = tokio::spawn(gateway.shutdown());
    for page in [&mut ours, &mut original] {
        let closed = page.until_closed().await?;
        assert_eq!((closed.code, closed.peer, closed.retry), (Code::Shutdown, Peer::Gateway, false));
    }
    ours.until_disconnected().await?;
    original.until_disconnected().await?;
    going.await??;
    for connection in connections {
        process::wait_gone(connection, PATIENCE).await?;
    }
    Ok(())
}
