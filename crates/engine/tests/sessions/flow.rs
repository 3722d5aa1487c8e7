//! Flow control, order, ends.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use engine::{CloseReason, Counts, DetachedOutput, DialError, Exit, Notice, Options, ShellEvent, TermSize};

use tokio::time::Instant;

use crate::scripted::{Bench, Browser, HERE, LIMITS, Sent, flood};

#[tokio::test(start_paused = true)]
async fn input_and_size_pass_while_the_browser_takes_nothing() {
    let mut bench = Bench::new();
    let (session, browser, mut far_end) = bench.open().await;
    flood(far_end.events.clone());
    browser.until(|browser| browser.received() as u64 == LIMITS.high_water).await;
    session.input(None, b"\x03").unwrap();
    session.resize(TermSize::clamped(100, 40));
    let mut sent = [far_end.sent.recv().await.unwrap(), far_end.sent.recv().await.unwrap()];
    sent.sort_by_key(|sent| matches!(sent, Sent::Input(_)));
    assert_eq!(sent, [Sent::Size(TermSize::clamped(100, 40)), Sent::Input(Bytes::from_static(b"\x03"))]);
    assert_eq!(browser.received() as u64, LIMITS.high_water);
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_takes_nothing_costs_little_and_is_given_up() {
    let mut bench = Bench::new();
    let (_session, browser, far_end) = bench.open().await;
    let taken = flood(far_end.events);
    let started = Instant::now();
    assert_eq!(browser.closed().await, (CloseReason::BrowserStalled, false));
    assert!((Duration::from_secs(150)..Duration::from_secs(151)).contains(&started.elapsed()));
    let held = *taken.borrow() * 4096 - browser.received();
    // A chunk, and what a scripted shell's queue takes.
    assert!(held <= 64 * 1024 + 33 * 4096, "{held} bytes were held");
    assert_eq!(browser.received() as u64, LIMITS.high_water);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_gone_is_noticed_although_nobody_takes_its_output() {
    let options = Options { detached_output: DetachedOutput::Keep, ..Options::default() };
    let mut bench = Bench::with(options);
    let (session, _browser, mut far_end) = bench.open_resuming().await;
    session.gone();
    bench.until_detached(1).await;
    let printing = far_end.events.clone();
    // More than is kept: the shell stands still.
    let printed = flood(printing);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stands = *printed.borrow();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(*printed.borrow(), stands);
    let started = Instant::now();
    far_end.gone.cancel();
    far_end.events.send(ShellEvent::LinkLost).await.unwrap();
    assert_eq!(far_end.sent.recv().await, Some(Sent::Closed));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn all_output_arrives_before_the_exit_status() {
    let mut bench = Bench::new();
    let (session, browser, far_end) = bench.open().await;
    let sending = tokio::spawn(async move {
        for number in 0..100_000_u32 {
            far_end.events.send(ShellEvent::Output(format!("{number}\n").into())).await.unwrap();
        }
        far_end.events.send(ShellEvent::Exit(Exit::Status(7))).await.unwrap();
        far_end.events.send(ShellEvent::Output(Bytes::from_static(b"last"))).await.unwrap();
    });
    browser.until(|browser| browser.received() > 0).await;
    *browser.acknowledges.lock().unwrap() = Some(session.clone());
    session.ack(browser.received() as u64);
    sending.await.unwrap();
    assert_eq!(browser.closed().await, (CloseReason::Exited(Exit::Status(7)), false));
    let expected: String =
        (0..100_000).map(|number| format!("{number}\n")).chain(["last".to_owned()]).collect();
    assert!(*browser.output.lock().unwrap() == expected.as_bytes(), "not the bytes that were sent");
}

#[tokio::test(start_paused = true)]
async fn input_keeps_its_order_and_is_acknowledged() {
    let mut bench = Bench::new();
    let (session, browser, mut far_end) = bench.open().await;
    let expected: Vec<u8> = (0..20_000).flat_map(|number| format!("{number},").into_bytes()).collect();
    let typing = session.clone();
    let typed = expected.clone();
    tokio::spawn(async move {
        for piece in typed.chunks(7) {
            typing.input(None, piece).unwrap();
            tokio::task::yield_now().await;
        }
    });
    let mut arrived = Vec::new();
    while arrived.len() < expected.len() {
        let Some(Sent::Input(bytes)) = far_end.sent.recv().await else { panic!("only input was sent") };
        arrived.extend_from_slice(&bytes);
    }
    assert!(arrived == expected, "not the bytes that were typed");
    let told = |browser: &Browser| {
        browser.notices.lock().unwrap().iter().rev().find_map(|notice| match notice {
            Notice::InputTaken(offset) => Some(*offset),
            _ => None,
        })
    };
    let total = expected.len() as u64;
    browser.until(|browser| told(browser).is_some_and(|offset| total - offset < 16 * 1024)).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_dial_leaves_the_ticket_and_says_so() {
    let bench = Bench::new();
    let ticket = bench.ticket("refused");
    for retry in [true, true, false] {
        let browser = Arc::new(Browser::default());
        bench.registry.start(&ticket, None, Arc::clone(&browser) as _, HERE).unwrap();
        let (reason, may_retry) = browser.closed().await;
        assert!(matches!(reason, CloseReason::DialFailed(DialError::ConnectRefused { .. })), "{reason:?}");
        assert_eq!(may_retry, retry);
        assert_eq!(bench.registry.knows(&ticket), retry);
    }
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_leaves_while_dialing_ends_the_attempt_and_not_the_ticket() {
    let bench = Bench::new();
    let ticket = bench.ticket("silent");
    let browser = Arc::new(Browser::default());
    let session = bench.registry.start(&ticket, None, Arc::clone(&browser) as _, HERE).unwrap();
    // Whoever looks sees it, and nobody else gets it.
    assert!(bench.registry.knows(&ticket));
    assert!(bench.registry.start(&ticket, None, Arc::clone(&browser) as _, HERE).is_err());
    browser.until(|browser| !browser.notices.lock().unwrap().is_empty()).await;
    session.gone();
    assert_eq!(browser.closed().await.0, CloseReason::BrowserGone);
    assert!(bench.registry.knows(&ticket));
}

#[tokio::test(start_paused = true)]
async fn a_shell_is_closed_whatever_ends_its_session() {
    for reason in [CloseReason::BrowserGone, CloseReason::TimedOut] {
        let mut bench = Bench::new();
        let (session, browser, mut far_end) = bench.open().await;
        session.close(reason.clone());
        assert_eq!(far_end.sent.recv().await, Some(Sent::Closed));
        assert_eq!(browser.closed().await.0, reason);
        session.over().await;
    }
    let mut bench = Bench::new();
    let (_session, browser, mut far_end) = bench.open().await;
    drop(far_end.events);
    assert_eq!(far_end.sent.recv().await, Some(Sent::Closed));
    assert_eq!(browser.closed().await.0, CloseReason::TargetClosed);
}

#[tokio::test(start_paused = true)]
async fn too_much_input_ends_the_session_with_a_reason() {
    let bench = Bench::new();
    // While it dials nothing takes input.
    let (session, browser) = bench.start("silent");
    session.input(None, &vec![b'x'; engine::MAX_WAITING_INPUT]).unwrap();
    session.input(None, b"y").unwrap_err();
    assert_eq!(browser.closed().await.0, CloseReason::InputOverflow);
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_session_and_no_other() {
    let mut bench = Bench::new();
    let (session, _browser, mut far_end) = bench.open().await;
    let (_, unlucky) = bench.start("panic");
    assert_eq!(unlucky.closed().await, (CloseReason::Internal, false));
    session.input(None, b"still here").unwrap();
    assert_eq!(far_end.sent.recv().await, Some(Sent::Input(Bytes::from_static(b"still here"))));
}

#[tokio::test(start_paused = true)]
async fn shutdown_tells_every_browser_and_ends_within_seconds() {
    let mut bench = Bench::new();
    let (_session, running, _far_end) = bench.open().await;
    let (_, dialing) = bench.start("silent");
    let (_stalled_session, stalled, far_end) = bench.open().await;
    flood(far_end.events);
    stalled.until(|browser| browser.received() as u64 == LIMITS.high_water).await;
    let waiting = bench.ticket("example");
    let started = Instant::now();
    bench.registry.shutdown().await;
    assert!(started.elapsed() <= Duration::from_secs(5), "{:?}", started.elapsed());
    for browser in [running, dialing, stalled] {
        assert_eq!(browser.closed().await.0, CloseReason::Shutdown);
    }
    assert!(!bench.registry.knows(&waiting));
    assert_eq!(bench.registry.counts(), Counts::default());
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_had_nothing_to_take_for_long_has_its_time_when_there_is() {
    let mut bench = Bench::new();
    let (session, browser, far_end) = bench.open().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    flood(far_end.events);
    browser.until(|browser| browser.received() as u64 == LIMITS.high_water).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    session.ack(LIMITS.high_water);
    browser.until(|browser| browser.received() as u64 == 2 * LIMITS.high_water).await;
}
