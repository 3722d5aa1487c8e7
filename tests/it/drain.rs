//! Going down in good order: everybody is told, nobody new is let in, and whoever works may finish.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use testkit::{Page, PageClient, Protocol, SocketClient, Sshd, demo_sshd::Script, process};
use wire::{Code, Peer, Warning, event};

use crate::{
    resume_setup::Gateway,
    setup::{Result, key_order, password_order, scripted},
};

async fn warned(page: &mut PageClient) -> Result<Warning> {
    let warning: Warning = serde_json::from_value(page.until_event(event::SESSION_WARNING).await?.payload)?;
    assert_eq!(warning.code, Code::Shutdown);
    Ok(warning)
}

#[tokio::test]
async fn sessions_go_on_and_the_last_one_ends_the_gateway() -> Result {
    let (sshd, mut gateway) = (Sshd::start().await?, Gateway::start(&["--drain", "10m"]).await?);
    let waiting = gateway.create(&key_order(&sshd)?).await?;
    let mut pages = [gateway.open_bash(&sshd).await?, gateway.open_bash(&sshd).await?];
    gateway.binary.signal(Signal::TERM)?;
    for page in &mut pages {
        let warning = warned(page).await?;
        assert!((590..=600).contains(&warning.seconds), "{warning:?}");
    }
    let reply = gateway.http.post_json("/create-session", &key_order(&sshd)?).await?;
    assert_eq!((reply.status, &reply.json()?["code"]), (503, &json!(Code::Shutdown)));
    assert!(reply.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{reply:?}");
    let turned_away = PageClient::for_ticket(gateway.address()?, &waiting).until_closed().await?;
    assert!([Code::Shutdown, Code::TicketUnknown].contains(&turned_away.code), "{turned_away:?}");

    // They work, also through a cut, and whoever comes back is told again.
    for page in &mut pages {
        page.type_keys("echo $((40+2))\r").await?;
        page.until("42\r\n").await?;
        page.cut();
        page.until_attached().await?;
        warned(page).await?;
        page.type_keys("echo $((50+5))\r").await?;
        page.until("55\r\n").await?;
    }
    for page in &mut pages {
        page.type_keys("exit 5\r").await?;
        let closed = page.until_closed().await?;
        assert_eq!((closed.code, closed.exit_status), (Code::Exited, Some(5)));
    }
    assert_eq!(gateway.binary.ended().await?.code(), Some(0), "{}", gateway.binary.stderr());
    Ok(())
}

#[tokio::test]
async fn the_time_to_finish_ends() -> Result {
    let (sshd, mut gateway) = (Sshd::start().await?, Gateway::start(&["--drain", "2s"]).await?);
    let mut page = gateway.open_bash(&sshd).await?;
    let mut detached = gateway.open_bash(&sshd).await?;
    detached.returns = false;
    detached.cut();
    gateway.base.until(|now| now.sessions("detached") == 1).await?;
    let connections = sshd.connections();
    assert_eq!(connections.len(), 2);
    gateway.binary.signal(Signal::TERM)?;
    assert!((1..=2).contains(&warned(&mut page).await?.seconds));
    let closed = page.until_closed().await?;
    assert_eq!((closed.code, closed.peer, closed.retry), (Code::Shutdown, Peer::Gateway, false));
    assert!(closed.duration_s.is_some());
    assert_eq!(gateway.binary.ended().await?.code(), Some(0), "{}", gateway.binary.stderr());
    for connection in connections {
        process::wait_gone(connection, testkit::PATIENCE).await?;
    }
    Ok(())
}

/// Nobody waits who has no reason to.
#[tokio::test]
async fn without_sessions_it_ends_at_once() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let mut gateway = Gateway::start(&["--drain", "10m"]).await?;
    gateway.create(&password_order(&sshd)).await?;
    // A page without a session is told by its socket's end.
    let mut page = Page::connect(gateway.address()?, Protocol::Ours).await?;
    gateway.binary.signal(Signal::TERM)?;
    page.until_disconnected().await?;
    assert_eq!(gateway.binary.ended().await?.code(), Some(0), "{}", gateway.binary.stderr());
    Ok(())
}

#[tokio::test]
async fn a_second_signal_does_not_wait() -> Result {
    let (sshd, mut gateway) = (Sshd::start().await?, Gateway::start(&["--drain", "10m"]).await?);
    let mut page = gateway.open_bash(&sshd).await?;
    gateway.binary.signal(Signal::TERM)?;
    warned(&mut page).await?;
    let asked = Instant::now();
    gateway.binary.signal(Signal::TERM)?;
    gateway.binary.ended().await?;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    Ok(())
}

/// A client of the original's protocol cannot be warned, and its session goes on all the same.
#[tokio::test]
async fn the_originals_sessions_go_on_as_well() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let mut gateway = Gateway::start(&["--drain", "10m"]).await?;
    let ticket = gateway.create(&password_order(&sshd)).await?;
    let mut page = Page::open(gateway.address()?, Protocol::Original, &ticket).await?;
    gateway.binary.signal(Signal::TERM)?;
    gateway.binary.logged("signal").await?;
    page.type_keys("still echoed").await?;
    page.until("still echoed").await?;
    assert!(page.events.iter().all(|event| event.name != event::SESSION_WARNING), "{:?}", page.events);
    page.type_keys("\x04").await?;
    assert_eq!(page.until_closed().await?.code, Code::Exited);
    assert_eq!(gateway.binary.ended().await?.code(), Some(0));
    Ok(())
}

/// Who comes while it goes down finds it so.
#[tokio::test]
async fn a_drain_of_nothing_is_the_end_at_once() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let mut gateway = Gateway::start(&["--drain", "0"]).await?;
    let mut page = gateway.open_script(&sshd).await?;
    gateway.binary.signal(Signal::TERM)?;
    assert_eq!(page.until_closed().await?.code, Code::Shutdown);
    assert_eq!(gateway.binary.ended().await?.code(), Some(0));
    assert!(SocketClient::ours(gateway.address()?).await.is_err());
    Ok(())
}
