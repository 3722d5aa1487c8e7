//! Whoever has a session, or comes back to it, hears its end, and nothing after that; nobody else gets it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use engine::{
    Client, ClientFull, CloseReason, Counts, Exit, FlowLimits, Notice, SessionUnknown, ShellEvent,
    StartError, TermSize, TicketUnknown,
};

use crate::scripted::{Bench, Browser, CLOSING, HERE, LIMITS, Sent};

/// What was typed before there was a token says nothing about the token.
#[tokio::test(start_paused = true)]
async fn whoever_typed_ahead_keeps_its_token_as_anybody_else() {
    let mut bench = Bench::new();
    let ticket = bench.ticket("example");
    let page = Browser::resuming();
    let session = bench.registry.start(&ticket, None, Arc::clone(&page) as _, HERE).unwrap();
    session.input(None, b"ls\r").unwrap();
    let _far_end = bench.far_ends.recv().await.unwrap();
    page.token().await;
    session.token_kept();
    session.gone();
    bench.until_detached(1).await;
    assert!(!bench.registry.knows(&ticket), "the ticket still leads to the session");
    let thief = Browser::resuming();
    let stolen = bench.registry.start(&ticket, None, Arc::clone(&thief) as _, HERE);
    assert_eq!(stolen.err(), Some(StartError::TicketUnknown(TicketUnknown)));
}

/// A browser whose way is full: it takes nothing at all.
struct Full {
    inner: Arc<Browser>,
    full: AtomicBool,
}

impl Client for Full {
    fn limits(&self) -> FlowLimits {
        LIMITS
    }
    fn can_resume(&self) -> bool {
        true
    }
    fn output(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull> {
        if self.full.load(Ordering::SeqCst) { Err(ClientFull) } else { self.inner.output(offset, bytes) }
    }
    fn screen(&self, offset: u64, bytes: &Bytes) -> Result<(), ClientFull> {
        if self.full.load(Ordering::SeqCst) { Err(ClientFull) } else { self.inner.screen(offset, bytes) }
    }
    fn notice(&self, notice: &Notice) -> Result<(), ClientFull> {
        if self.full.load(Ordering::SeqCst) { Err(ClientFull) } else { self.inner.notice(notice) }
    }
}

/// The last word may still wait for the one before.
#[tokio::test(start_paused = true)]
async fn whoever_takes_over_while_the_last_word_waits_hears_it() {
    let mut bench = Bench::new();
    let inner = Browser::resuming();
    let before = Arc::new(Full { inner: Arc::clone(&inner), full: AtomicBool::new(false) });
    let session =
        bench.registry.start(&bench.ticket("example"), None, Arc::clone(&before) as _, HERE).unwrap();
    let far_end = bench.far_ends.recv().await.unwrap();
    let token = inner.token().await;
    session.token_kept();
    tokio::time::sleep(Duration::from_secs(1)).await;
    before.full.store(true, Ordering::SeqCst);
    far_end.events.send(ShellEvent::Exit(Exit::Status(3))).await.unwrap();
    drop(far_end.events);
    // The last word is said, and the dead socket does not take it.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let page = Browser::resuming();
    let session = bench.registry.resume(&token, Some(0), Arc::clone(&page) as _).unwrap();
    page.token().await;
    session.over().await;
    let told = page.notices.lock().unwrap().iter().any(|notice| matches!(notice, Notice::Closed { .. }));
    assert!(told, "attached, and then over without a word: {:?}", page.notices.lock().unwrap());
}

/// A socket that is dead and not yet known to be so takes what it is given.
#[tokio::test(start_paused = true)]
async fn what_a_dead_socket_took_at_the_end_is_heard_by_whoever_comes_back() {
    let mut bench = Bench::new();
    // Takes everything, as a socket's queue does, and acknowledges nothing: the network is gone.
    let (session, before, far_end) = bench.open_resuming().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    far_end.events.send(ShellEvent::Output("last words\r\n".into())).await.unwrap();
    far_end.events.send(ShellEvent::Exit(Exit::Status(3))).await.unwrap();
    drop(far_end.events);
    // So much later the gateway notices.
    tokio::time::sleep(Duration::from_secs(20)).await;
    session.gone();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let page = before.again(before.received());
    let token = before.token().await;
    let session = bench.registry.resume(&token, Some(0), Arc::clone(&page) as _);
    let session = session.expect("the token leads to the session that has ended");
    page.acknowledge(&session);
    assert_eq!(page.closed().await.0, CloseReason::Exited(Exit::Status(3)));
    assert_eq!(*page.output.lock().unwrap(), b"last words\r\n");
}

/// All output was acknowledged, and then the network went: the last word is not lost with it.
#[tokio::test(start_paused = true)]
async fn an_end_that_a_dead_socket_took_is_told_again_until_it_is_heard() {
    let mut bench = Bench::new();
    let (session, before, far_end) = bench.open_resuming().await;
    far_end.events.send(ShellEvent::Output("last words\r\n".into())).await.unwrap();
    before.until(|browser| browser.received() > 0).await;
    session.ack(before.have());
    far_end.events.send(ShellEvent::Exit(Exit::Status(3))).await.unwrap();
    drop(far_end.events);
    before.closed().await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    session.gone();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (session, page) = bench.come_back(&before, 0).await;
    assert_eq!(page.closed().await.0, CloseReason::Exited(Exit::Status(3)));
    session.end_heard();
    session.over().await;
    let late = bench.registry.resume(&page.token().await, Some(0), Browser::resuming());
    assert_eq!(late.err(), Some(SessionUnknown));
    assert_eq!(bench.registry.counts(), Counts::default());
}

/// Who never says that it heard is not waited for without end.
#[tokio::test(start_paused = true)]
async fn an_end_that_is_never_heard_waits_as_long_as_a_stalled_browser_may() {
    let mut bench = Bench::new();
    let (session, browser, far_end) = bench.open_resuming().await;
    drop(far_end.events);
    browser.closed().await;
    let told = tokio::time::Instant::now();
    session.over().await;
    assert_eq!(told.elapsed().as_secs(), 150);
    assert_eq!(bench.registry.counts(), Counts::default());
}

/// The size that is named with the ticket counts where the ticket leads back, too.
#[tokio::test(start_paused = true)]
async fn the_size_named_with_a_ticket_that_leads_back_counts() {
    let mut bench = Bench::new();
    let (ticket, mut far_end) = bench.lose_token().await;
    let page = Browser::resuming();
    let size = TermSize::clamped(123, 45);
    let _second = bench.registry.start(&ticket, Some(size), Arc::clone(&page) as _, HERE).unwrap();
    page.token().await;
    let told = tokio::time::timeout(Duration::from_secs(5), far_end.sent.recv()).await;
    assert_eq!(told.ok().flatten(), Some(Sent::Size(size)));
}

/// A client that cannot come back has a session only as long as its socket.
#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_come_back_takes_no_session_that_waits() {
    let mut bench = Bench::new();
    let (ticket, _far_end) = bench.lose_token().await;
    let original = Arc::new(Browser::default());
    let second = bench.registry.start(&ticket, None, Arc::clone(&original) as _, HERE);
    assert_eq!(second.err(), Some(StartError::TicketUnknown(TicketUnknown)));
}

/// Whoever was told that it is over is not told afterwards that somebody took it over.
#[tokio::test(start_paused = true)]
async fn nothing_follows_the_last_word() {
    let mut bench = Bench::new();
    let (_session, before, far_end) = bench.open_resuming().await;
    drop(far_end.events);
    before.closed().await;
    tokio::time::sleep(CLOSING / 2).await;
    let token = before.token().await;
    let page = Browser::resuming();
    let _second = bench.registry.resume(&token, Some(0), Arc::clone(&page) as _).unwrap();
    page.closed().await;
    let notices = before.notices.lock().unwrap();
    assert!(matches!(notices.last(), Some(Notice::Closed { .. })), "{notices:?}");
}

/// A page that is joining when the gateway stops is told so.
#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_screen_when_the_gateway_stops_is_told() {
    let mut bench = Bench::new();
    let (session, before, far_end) = bench.open_resuming().await;
    for _ in 0..20 {
        far_end.events.send(ShellEvent::Output(Bytes::from_static(&[b'y'; 4096]))).await.unwrap();
    }
    session.gone();
    bench.until_detached(1).await;
    let token = before.token().await;
    let page = Browser::resuming();
    let session = bench.registry.resume(&token, None, Arc::clone(&page) as _).unwrap();
    bench.registry.shutdown().await;
    session.over().await;
    let told = page.notices.lock().unwrap().iter().any(|notice| matches!(notice, Notice::Closed { .. }));
    assert!(told, "{:?}", page.notices.lock().unwrap());
}
