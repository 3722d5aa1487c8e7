//! Time that runs out: who is warned, what helps against it, and how it ends.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{PageClient, demo_sshd::Script};
use wire::{Code, Peer, Warning, event};

use crate::{
    resume_setup::Gateway,
    setup::{Result, password_order, scripted},
};

/// An order with one more field.
fn with(mut order: Value, name: &str, value: impl Into<Value>) -> Value {
    order[name] = value.into();
    order
}

async fn warning(page: &mut PageClient) -> Result<Warning> {
    Ok(serde_json::from_value(page.until_event(event::SESSION_WARNING).await?.payload)?)
}

/// Whoever types, or says that somebody is there, is warned anew instead of put out.
#[tokio::test]
async fn an_idle_session_ends_unless_somebody_is_there() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let gateway = Gateway::start(&[]).await?;
    let mut page = gateway.open(&with(password_order(&sshd), "idle_timeout", 3)).await?;
    for round in 0..4 {
        let warning = warning(&mut page).await?;
        assert_eq!(warning.code, Code::TimedOut);
        assert!((1..=3).contains(&warning.seconds), "{warning:?}");
        match round {
            0 => page.socket()?.emit_bare(event::STAY_CONNECTED).await?,
            1 => page.type_keys("still here").await?,
            2 => page.socket()?.emit(event::SSH_INPUT, json!({ "input": "and here" })).await?,
            _ => {}
        }
    }
    let closed = page.until_closed().await?;
    assert_eq!((closed.code, closed.peer, closed.retry), (Code::TimedOut, Peer::Browser, false));
    assert!(closed.duration_s.is_some_and(|seconds| seconds >= 3), "{closed:?}");
    assert_eq!(page.text(), "still hereand here");
    gateway.forgets(&page.token()?).await?;
    drop(page);
    gateway.base.is_back().await
}

/// Output, a new size, and acknowledgements are nobody.
#[tokio::test]
async fn what_the_shell_prints_keeps_no_session_awake() -> Result {
    let sshd = scripted(Script::Ticks(Duration::from_millis(50))).await?;
    let gateway = Gateway::start(&["--idle-timeout", "2s"]).await?;
    let mut page = gateway.open_script(&sshd).await?;
    assert_eq!(warning(&mut page).await?.code, Code::TimedOut);
    page.socket()?.emit(event::RESIZE, json!({ "cols": 90, "rows": 20 })).await?;
    assert_eq!(page.until_closed().await?.code, Code::TimedOut);
    assert!(page.events.iter().all(|event| event.name != event::SESSION_WARNING), "{:?}", page.events);
    assert!(page.text().contains("tick 5\r\n"), "{}", page.text());
    drop(page);
    gateway.base.is_back().await
}

/// Nobody is warned who is not there; whoever comes back in time is.
#[tokio::test]
async fn an_idle_session_ends_also_while_nobody_looks() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let gateway = Gateway::start(&["--idle-timeout", "2s"]).await?;
    let mut page = gateway.open_script(&sshd).await?;
    page.returns = false;
    page.cut();
    gateway.until_detached(1).await?;
    gateway
        .base
        .until(|now| now.sessions("detached") == 0 || sshd.record().borrow().shells_ended == 1)
        .await?;
    crate::setup::seen(&sshd, |record| record.shells_ended == 1).await?;
    page.returns = true;
    let closed = page.until_closed().await?;
    assert!([Code::TimedOut, Code::SessionUnknown].contains(&closed.code), "{closed:?}");
    drop(page);
    gateway.base.is_back().await
}

#[tokio::test]
async fn a_session_lasts_so_long_whatever_is_typed() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let gateway = Gateway::start(&["--max-session", "3s"]).await?;
    let shorter = with(password_order(&sshd), "max_duration", 2);
    for (order, seconds) in [(password_order(&sshd), 3), (shorter, 2)] {
        let mut page = gateway.open(&order).await?;
        let warning = warning(&mut page).await?;
        assert_eq!(warning.code, Code::MaxDuration);
        assert!((1..=seconds).contains(&warning.seconds), "{warning:?}");
        page.type_keys("x").await?;
        page.socket()?.emit_bare(event::STAY_CONNECTED).await?;
        let closed = page.until_closed().await?;
        assert_eq!((closed.code, closed.peer, closed.retry), (Code::MaxDuration, Peer::Gateway, false));
        assert!(closed.duration_s.is_some_and(|lasted| lasted >= u64::from(seconds)), "{closed:?}");
        // It was said once.
        assert!(page.events.iter().all(|event| event.name != event::SESSION_WARNING), "{:?}", page.events);
    }
    gateway.base.is_back().await
}

#[tokio::test]
async fn a_page_that_comes_back_is_warned_of_what_still_holds() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let gateway = Gateway::start(&["--max-session", "10s"]).await?;
    let mut page = gateway.open_script(&sshd).await?;
    assert_eq!(warning(&mut page).await?.code, Code::MaxDuration);
    let mut newer = gateway.resume(&page.token()?).await?;
    let again = warning(&mut newer).await?;
    assert!(again.code == Code::MaxDuration && (1..=5).contains(&again.seconds), "{again:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_asked_for_stays_below_what_is_set() -> Result {
    let sshd = scripted(Script::Echo).await?;
    let unlimited = Gateway::start(&[]).await?;
    let limited = Gateway::start(&["--idle-timeout", "10m", "--max-session", "1h"]).await?;
    for (name, most) in [("idle_timeout", 600), ("max_duration", 3600)] {
        for (gateway, value, is_good) in [
            (&limited, json!(most), true),
            (&limited, json!(1), true),
            (&limited, json!(most.to_string()), true),
            (&limited, json!(most + 1), false),
            (&limited, json!(u64::MAX), false),
            (&unlimited, json!(most + 1), true),
            (&unlimited, json!(0), false),
            (&unlimited, json!(-1), false),
            (&unlimited, json!(1.5), false),
            (&unlimited, json!("soon"), false),
            (&unlimited, json!(true), false),
        ] {
            let order = with(password_order(&sshd), name, value.clone());
            let reply = gateway.http.post_json("/create-session", &order).await?;
            let body = reply.json()?;
            assert_eq!(reply.status == 200, is_good, "{name} {value}: {body}");
            if !is_good {
                assert_eq!(
                    (reply.status, &body["code"]),
                    (400, &json!(Code::InvalidField)),
                    "{name} {value}"
                );
                assert!(body["error"].as_str().is_some_and(|error| error.contains(name)), "{body}");
            }
        }
    }
    Ok(())
}
