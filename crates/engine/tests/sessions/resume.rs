//! Sessions that outlive their socket: coming back, taking over, and what is kept meanwhile.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use engine::{
    Attachment, CloseReason, Counts, DetachedOutput, Exit, InputRefused, Notice, Options, ResumeToken,
    SessionUnknown, ShellEvent, StartError, TicketUnknown,
};
use tokio::{sync::mpsc, time::Instant};

use crate::scripted::{Bench, Browser, CLOSING, HERE, LIMITS, Sent, flood};

const GRACE: Duration = Duration::from_secs(300);

/// Byte `offset` of a stream that repeats itself nowhere near.
fn pattern(offset: u64) -> u8 {
    (offset.wrapping_mul(2_654_435_761) >> 13) as u8
}

fn stream(from: u64, to: u64) -> Vec<u8> {
    (from..to).map(pattern).collect()
}

async fn print(events: &mpsc::Sender<ShellEvent>, from: u64, to: u64) {
    for piece in stream(from, to).chunks(4096) {
        events.send(ShellEvent::Output(Bytes::copy_from_slice(piece))).await.unwrap();
    }
}

fn screen_of(browser: &Browser) -> Option<bool> {
    browser.notices.lock().unwrap().iter().find_map(|notice| match notice {
        Notice::Attached { screen, .. } => Some(screen.is_some()),
        _ => None,
    })
}

async fn taken_over(browser: &Browser) -> ResumeToken {
    browser
        .noticed(|notice| match notice {
            Notice::TakenOver { token } => Some(token.clone()),
            _ => None,
        })
        .await
}

async fn next_input(sent: &mut mpsc::UnboundedReceiver<Sent>) -> Bytes {
    match sent.recv().await {
        Some(Sent::Input(bytes)) => bytes,
        other => panic!("no input but {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_cut_off_again_and_again_gets_every_byte_once() {
    const TOTAL: u64 = 8 * 1024 * 1024;
    let mut bench = Bench::with(Options { backlog: 2 * 8 * 1024 * 1024, ..Options::default() });
    let (mut session, mut browser, far_end) = bench.open_resuming().await;
    let printing = tokio::spawn(async move {
        print(&far_end.events, 0, TOTAL).await;
        far_end
    });
    for cut in 1..=100_u64 {
        browser.acknowledge(&session);
        browser.until(|browser| browser.have() >= (cut * TOTAL / 101).min(TOTAL)).await;
        session.gone();
        bench.until_detached(1).await;
        let lost = usize::from(pattern(cut)) * 700;
        (session, browser) = bench.come_back(&browser, lost).await;
        assert_eq!(screen_of(&browser), Some(false));
    }
    browser.acknowledge(&session);
    browser.until(|browser| browser.have() == TOTAL).await;
    assert!(*browser.output.lock().unwrap() == stream(0, TOTAL), "not the bytes that were printed");
    drop(printing.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_new_page_gets_the_screen_and_exactly_what_follows() {
    let mut bench = Bench::new();
    let (first, before, far_end) = bench.open_resuming().await;
    before.acknowledge(&first);
    print(&far_end.events, 0, 5_000_000).await;
    before.until(|browser| browser.have() > 4_000_000).await;
    let (session, browser) = bench.reload(&before).await;
    assert_eq!(screen_of(&browser), Some(true));
    browser.acknowledge(&session);
    print(&far_end.events, 5_000_000, 6_000_000).await;
    browser.until(|browser| browser.have() == 6_000_000).await;
    let begins = *browser.begins.lock().unwrap();
    assert!((4_000_000..=5_000_000).contains(&begins), "{begins}");
    assert!(*browser.output.lock().unwrap() == stream(begins, 6_000_000));
}

#[tokio::test(start_paused = true)]
async fn while_nobody_is_there_the_newest_output_is_kept_and_the_shell_is_not_held_up() {
    const BACKLOG: usize = 128 * 1024;
    let mut bench = Bench::with(Options { backlog: BACKLOG, ..Options::default() });
    let (session, before, far_end) = bench.open_resuming().await;
    session.gone();
    bench.until_detached(1).await;
    // No reader, no credit: it is all read nevertheless.
    print(&far_end.events, 0, 3_000_000).await;
    let recent = Browser::resuming();
    *recent.begins.lock().unwrap() = 3_000_000 - BACKLOG as u64;
    let token = before.token().await;
    let session = bench.registry.resume(&token, Some(recent.have()), Arc::clone(&recent) as _).unwrap();
    recent.acknowledge(&session);
    recent.until(|browser| browser.have() == 3_000_000).await;
    assert_eq!(screen_of(&recent), Some(false));
    // Whoever has less cannot go on, and begins with the screen.
    let (_session, less) = bench.come_back(&recent, BACKLOG).await;
    assert_eq!(screen_of(&less), Some(false));
    drop(_session);
    let old = before.again(0);
    let token = less.token().await;
    bench.registry.resume(&token, Some(old.have()), Arc::clone(&old) as _).unwrap();
    old.token().await;
    assert_eq!(screen_of(&old), Some(true));
    assert_eq!(old.have(), 3_000_000);
}

#[tokio::test(start_paused = true)]
async fn output_that_shall_be_kept_slows_the_shell_instead() {
    const BACKLOG: usize = 128 * 1024;
    let options = Options { backlog: BACKLOG, detached_output: DetachedOutput::Keep, ..Options::default() };
    let mut bench = Bench::with(options);
    let (session, before, far_end) = bench.open_resuming().await;
    session.gone();
    bench.until_detached(1).await;
    let printing = tokio::spawn(async move {
        print(&far_end.events, 0, 6_000_000).await;
        far_end
    });
    tokio::time::sleep(GRACE / 2).await;
    assert!(!printing.is_finished());
    let (session, browser) = bench.come_back(&before, 0).await;
    assert_eq!(screen_of(&browser), Some(false));
    browser.acknowledge(&session);
    browser.until(|browser| browser.have() == 6_000_000).await;
    assert!(*browser.output.lock().unwrap() == stream(0, 6_000_000));
    drop(printing.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn input_that_is_sent_again_arrives_once_and_a_gap_is_refused() {
    let mut bench = Bench::new();
    let (session, before, mut far_end) = bench.open_resuming().await;
    session.input(Some(0), b"abc").unwrap();
    assert_eq!(next_input(&mut far_end.sent).await, "abc");
    session.gone();
    let (session, browser) = bench.come_back(&before, 0).await;
    let offset = browser
        .noticed(|notice| match notice {
            Notice::Attached { input_offset, .. } => Some(*input_offset),
            _ => None,
        })
        .await;
    assert_eq!(offset, 3);
    session.input(Some(1), b"bcde").unwrap();
    assert_eq!(next_input(&mut far_end.sent).await, "de");
    assert_eq!(session.input(Some(6), b"g"), Err(InputRefused::Gap));
    session.input(Some(5), b"f").unwrap();
    assert_eq!(next_input(&mut far_end.sent).await, "f");
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_second_takes_over_and_the_first_may_take_back() {
    let mut bench = Bench::new();
    let (first, first_page, mut far_end) = bench.open_resuming().await;
    let (second, second_page) = bench.reload(&first_page).await;
    first.over().await;
    let take_back = taken_over(&first_page).await;
    first.input(None, b"too late").unwrap();
    first.close(CloseReason::TimedOut);
    first.gone();
    second.input(None, b"mine").unwrap();
    assert_eq!(next_input(&mut far_end.sent).await, "mine");
    assert_eq!(bench.registry.counts().attached, 1);

    let third_page = first_page.again(0);
    let third =
        bench.registry.resume(&take_back, Some(third_page.have()), Arc::clone(&third_page) as _).unwrap();
    third_page.token().await;
    second.over().await;
    taken_over(&second_page).await;
    third.input(None, b"mine again").unwrap();
    assert_eq!(next_input(&mut far_end.sent).await, "mine again");
}

#[tokio::test(start_paused = true)]
async fn of_many_at_once_one_has_the_session_and_everybody_else_knows() {
    for _ in 0..200 {
        let mut bench = Bench::new();
        let (first, before, mut far_end) = bench.open_resuming().await;
        first.gone();
        bench.until_detached(1).await;
        let token = before.token().await;
        let comers: Vec<(Attachment, Arc<Browser>)> = (0..4)
            .map(|_| {
                let browser = Browser::resuming();
                let client = Arc::clone(&browser) as _;
                (bench.registry.resume(&token, None, client).unwrap(), browser)
            })
            .collect();
        let ((winner, winning_page), losers) = comers.split_last().unwrap();
        winning_page.token().await;
        for (loser, page) in losers {
            loser.over().await;
            taken_over(page).await;
            loser.input(None, b"loser").unwrap();
        }
        winner.input(None, b"winner").unwrap();
        assert_eq!(next_input(&mut far_end.sent).await, "winner");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_void_once_its_successor_is_kept_and_not_before() {
    let mut bench = Bench::new();
    let (_, before, _far_end) = bench.open_resuming().await;
    let first = before.token().await;
    let page = Browser::resuming();
    bench.registry.resume(&first, None, Arc::clone(&page) as _).unwrap();
    let unkept = page.token().await;
    // The answer did not arrive, so the page shows the old one again.
    let session = bench.registry.resume(&first, None, Arc::clone(&page) as _).unwrap();
    let is_attached = |notice: &&Notice| matches!(notice, Notice::Attached { .. });
    page.until(|page| page.notices.lock().unwrap().iter().filter(is_attached).count() == 2).await;
    let second = page.token().await;
    assert_eq!(bench.registry.resume(&unkept, None, Arc::clone(&page) as _).err(), Some(SessionUnknown));
    session.token_kept();
    assert_eq!(bench.registry.resume(&first, None, Arc::clone(&page) as _).err(), Some(SessionUnknown));
    bench.registry.resume(&second, None, Arc::clone(&page) as _).unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_gets_a_session_is_told_how_it_is_protected() {
    let mut bench = Bench::new();
    let (_, before, _far_end) = bench.open_resuming().await;
    let page = Browser::resuming();
    bench.registry.resume(&before.token().await, None, Arc::clone(&page) as _).unwrap();
    for browser in [before, page] {
        browser.until(|browser| browser.notices.lock().unwrap().iter().any(is_details)).await;
        let notices = browser.notices.lock().unwrap().clone();
        let told: Vec<_> = notices.iter().filter(|notice| is_details(notice)).collect();
        assert_eq!(told.len(), 1, "{notices:?}");
    }
}

fn is_details(notice: &Notice) -> bool {
    matches!(notice, Notice::Details(facts) if facts.target.server == "SSH-2.0-scripted")
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_token_never_arrived_is_found_by_its_ticket() {
    let mut bench = Bench::new();
    let ticket = bench.ticket("example");
    let lost = Browser::resuming();
    let (first, mut far_end) = bench.open_with(&ticket, &lost).await;
    lost.token().await;
    let page = Browser::resuming();
    let again = || bench.registry.start(&ticket, None, Arc::clone(&page) as _, HERE);
    // Somebody has it: nobody else gets it with the ticket.
    assert_eq!(again().err(), Some(StartError::TicketUnknown(TicketUnknown)));
    first.gone();
    bench.until_detached(1).await;
    assert!(bench.registry.knows(&ticket));
    let second = again().unwrap();
    page.token().await;
    page.noticed(|notice| (*notice == Notice::Ready).then_some(())).await;
    second.input(None, b"hello").unwrap();
    assert_eq!(next_input(&mut far_end.sent).await, "hello");
    // Who types has its token, and the ticket is burnt.
    second.gone();
    bench.until_detached(1).await;
    assert!(!bench.registry.knows(&ticket));
    assert_eq!(again().err(), Some(StartError::TicketUnknown(TicketUnknown)));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_comes_back_to_ends_at_its_time() {
    let mut bench = Bench::new();
    let (session, before, mut far_end) = bench.open_resuming().await;
    let token = before.token().await;
    session.gone();
    let left = Instant::now();
    assert_eq!(far_end.sent.recv().await, Some(Sent::Closed));
    assert!((GRACE..GRACE + Duration::from_secs(1)).contains(&left.elapsed()), "{:?}", left.elapsed());
    while bench.registry.counts() != Counts::default() {
        tokio::time::sleep(CLOSING).await;
    }
    let page = Browser::resuming();
    assert_eq!(bench.registry.resume(&token, None, page as _).err(), Some(SessionUnknown));
}

#[tokio::test(start_paused = true)]
async fn without_a_grace_a_session_ends_with_its_socket_and_has_no_token() {
    let mut bench = Bench::with(Options { detach_grace: Duration::ZERO, ..Options::default() });
    let (session, browser, mut far_end) = bench.open_for(Browser::resuming()).await;
    browser.noticed(|notice| (*notice == Notice::Ready).then_some(())).await;
    session.gone();
    assert_eq!(far_end.sent.recv().await, Some(Sent::Closed));
    assert_eq!(screen_of(&browser), None);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_after_the_end_hears_all_of_it() {
    let mut bench = Bench::new();
    let (session, before, far_end) = bench.open_resuming().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    session.gone();
    bench.until_detached(1).await;
    print(&far_end.events, 0, 600_000).await;
    far_end.events.send(ShellEvent::Exit(Exit::Status(3))).await.unwrap();
    drop(far_end.events);
    tokio::time::sleep(GRACE / 2).await;
    let (session, browser) = bench.come_back(&before, 0).await;
    browser.acknowledge(&session);
    assert_eq!(browser.closed().await.0, CloseReason::Exited(Exit::Status(3)));
    assert!(*browser.output.lock().unwrap() == stream(0, 600_000));
    let lasted = browser
        .noticed(|notice| match notice {
            Notice::Closed { lasted, .. } => *lasted,
            _ => None,
        })
        .await;
    assert_eq!(lasted.as_secs(), 5);
    session.over().await;
    assert_eq!(bench.registry.counts(), Counts::default());
}

#[tokio::test(start_paused = true)]
async fn a_page_that_takes_nothing_is_let_go_and_its_session_goes_on() {
    let mut bench = Bench::new();
    let (session, stalled, far_end) = bench.open_resuming().await;
    let taken = flood(far_end.events);
    let started = Instant::now();
    session.over().await;
    assert!((150..152).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(bench.registry.counts().detached, 1);
    let before = *taken.borrow();
    let mut taken = taken;
    taken.wait_for(|now| now - before > 10_000).await.unwrap();
    let (session, browser) = bench.come_back(&stalled, 0).await;
    browser.acknowledge(&session);
    browser.until(|browser| browser.received() as u64 > 2 * LIMITS.high_water).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_while_the_shell_is_being_closed_hears_why() {
    let mut bench = Bench::new();
    let (session, before, mut far_end) = bench.open_resuming().await;
    session.gone();
    bench.until_detached(1).await;
    assert_eq!(far_end.sent.recv().await, Some(Sent::Closed));
    tokio::time::sleep(CLOSING / 2).await;
    let (_session, browser) = bench.come_back(&before, 0).await;
    assert_eq!(browser.closed().await.0, CloseReason::NobodyCameBack);
}
