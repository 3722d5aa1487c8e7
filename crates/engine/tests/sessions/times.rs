//! How long sessions last, how many there may be, and how they end with the gateway.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use engine::{
    CloseReason, EndingCause, IssueError, Notice, Options, Quotas, SessionOrder, ShellEvent, StartError,
};
use tokio::time::Instant;

use crate::scripted::{Bench, Browser, CLOSING, HERE, Sent, order};

const MINUTE: Duration = Duration::from_secs(60);

async fn ending(browser: &Browser) -> (EndingCause, Duration) {
    browser
        .noticed(|notice| match notice {
            Notice::Ending { cause, left } => Some((*cause, *left)),
            _ => None,
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn a_session_without_input_is_warned_and_ends_whatever_is_printed() {
    let mut bench = Bench::with(Options { idle_timeout: Some(10 * MINUTE), ..Options::default() });
    let (session, browser, far_end) = bench.open_resuming().await;
    let started = Instant::now();
    tokio::time::sleep(5 * MINUTE).await;
    session.input(None, b"x").unwrap();
    let events = far_end.events.clone();
    tokio::spawn(async move {
        while events.send(ShellEvent::Output("tick".into())).await.is_ok() {
            tokio::time::sleep(MINUTE / 2).await;
        }
    });
    assert_eq!(ending(&browser).await, (EndingCause::Idle, MINUTE));
    assert_eq!(started.elapsed(), 14 * MINUTE);
    session.stay();
    assert_eq!(browser.closed().await.0, CloseReason::TimedOut);
    assert_eq!(started.elapsed(), 24 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_is_told_that_it_will_end() {
    let mut bench = Bench::with(Options { max_duration: Some(10 * MINUTE), ..Options::default() });
    let (session, before, _far_end) = bench.open_resuming().await;
    tokio::time::sleep(9 * MINUTE + MINUTE / 2).await;
    session.gone();
    let (_session, browser) = bench.come_back(&before, 0).await;
    assert_eq!(ending(&browser).await, (EndingCause::MaxDuration, MINUTE / 2));
    assert_eq!(browser.closed().await.0, CloseReason::MaxDuration);
}

#[tokio::test(start_paused = true)]
async fn an_order_may_ask_for_less_time_and_never_for_more() {
    for (asked, lasts) in [(5, 5), (20, 10)] {
        let mut bench = Bench::with(Options { max_duration: Some(10 * MINUTE), ..Options::default() });
        let order = SessionOrder { max_duration: Some(asked * MINUTE), ..order("example") };
        let ticket = bench.registry.issue(order).unwrap().ticket;
        let browser = Browser::resuming();
        let started = Instant::now();
        bench.registry.start(&ticket, None, Arc::clone(&browser) as _, HERE).unwrap();
        let _far_end = bench.far_ends.recv().await.unwrap();
        assert_eq!(browser.closed().await.0, CloseReason::MaxDuration);
        assert_eq!(started.elapsed(), lasts * MINUTE);
    }
}

#[tokio::test(start_paused = true)]
async fn draining_tells_everybody_and_waits_no_longer_than_it_must() {
    let mut bench = Bench::new();
    let (_session, browser, far_end) = bench.open_resuming().await;
    let waiting = bench.ticket("example");
    let registry = Arc::clone(&bench.registry);
    let started = Instant::now();
    let draining = tokio::spawn(async move { registry.drain(MINUTE).await });
    assert_eq!(ending(&browser).await, (EndingCause::Drain, MINUTE));
    assert_eq!(bench.registry.issue(order("example")).err(), Some(IssueError::ShuttingDown));
    let late = Browser::resuming();
    let refused = bench.registry.start(&waiting, None, late as _, HERE).err();
    assert_eq!(refused, Some(StartError::ShuttingDown));
    // A page that comes back meanwhile is told as well.
    tokio::time::sleep(MINUTE / 2).await;
    let (session, again) = bench.come_back(&browser, 0).await;
    assert_eq!(ending(&again).await, (EndingCause::Drain, MINUTE / 2));
    again.acknowledge(&session);
    drop(far_end);
    draining.await.unwrap();
    session.over().await;
    assert_eq!(started.elapsed(), MINUTE / 2 + CLOSING);
}

#[tokio::test(start_paused = true)]
async fn draining_ends_at_its_time_and_shutdown_waits_for_nobody_who_is_away() {
    let mut bench = Bench::new();
    let (session, _browser, mut far_end) = bench.open_resuming().await;
    session.gone();
    bench.until_detached(1).await;
    let started = Instant::now();
    bench.registry.drain(MINUTE).await;
    assert_eq!(started.elapsed(), MINUTE);
    bench.registry.shutdown().await;
    assert_eq!(far_end.sent.recv().await, Some(Sent::Closed));
    assert!(started.elapsed() < MINUTE + Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn quotas_count_sessions_that_nobody_is_attached_to() {
    let quotas = Quotas { sessions: 3, per_address: Some(1), per_caller: Some(2) };
    let mut bench = Bench::with(Options { quotas, ..Options::default() });
    let of_portal = || SessionOrder { caller: Some("portal".into()), ..order("example") };
    let address = |last| Ipv4Addr::new(192, 0, 2, last).into();
    let tickets: Vec<_> = (0..4).map(|_| bench.registry.issue(of_portal()).unwrap().ticket).collect();
    let start = |index: usize, last| {
        bench.registry.start(&tickets[index], None, Browser::resuming() as _, address(last))
    };
    let first = start(0, 1).unwrap();
    let _far_end = bench.far_ends.recv().await.unwrap();
    first.gone();
    bench.until_detached(1).await;
    // Refused as often as one likes: the ticket is as it was.
    for _ in 0..5 {
        assert_eq!(start(1, 1).err(), Some(StartError::TooManySessions));
    }
    start(1, 2).unwrap();
    assert_eq!(start(2, 3).err(), Some(StartError::TooManySessions));
    let refused = bench.registry.issue(of_portal()).err();
    assert_eq!(refused, Some(IssueError::TooManySessions { of_caller: true }));
    let other = bench.ticket("example");
    bench.registry.start(&other, None, Browser::resuming() as _, address(4)).unwrap();
    let refused = bench.registry.issue(order("example")).err();
    assert_eq!(refused, Some(IssueError::TooManySessions { of_caller: false }));
}
