//! Two pages and one session: the newer one has it, the other one knows, and never do both.

use serde_json::json;
use testkit::{PageClient, Sshd, demo_sshd::Script};
use wire::{Code, event};

use crate::{
    resume_setup::Gateway,
    setup::{Result, scripted},
};

#[tokio::test]
async fn the_newer_page_has_the_session_and_the_older_one_may_take_it_back() -> Result {
    let (sshd, gateway) = (Sshd::start().await?, Gateway::start(&[]).await?);
    let mut older = gateway.open_bash(&sshd).await?;
    older.type_keys("echo first-$((40+2))\r").await?;
    older.until("first-42\r\n").await?;
    let mut newer = gateway.resume(&older.token()?).await?;
    let told = older.until_event(event::SESSION_TAKEN_OVER).await?;
    assert_eq!(told.payload.as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(told.payload["token"], json!(older.token()?));
    let screen = newer.screen().unwrap();
    assert!(String::from_utf8_lossy(&screen.bytes).contains("first-42"));

    // What the older one types, sizes and ends is nobody's.
    let offset = older.typed();
    older.socket()?.emit_input_at(offset, "echo never-$((40+2))\r").await?;
    assert_eq!(older.until_event(event::SESSION_ERROR).await?.payload["code"], json!(Code::NoSession));
    older.socket()?.emit(event::RESIZE, json!({ "cols": 33, "rows": 11 })).await?;
    older.socket()?.emit_bare(event::TIMEOUT).await?;
    assert_eq!(older.until_event(event::SESSION_ERROR).await?.payload["code"], json!(Code::NoSession));
    newer.type_keys("stty size; echo second-$((40+2))\r").await?;
    let text = newer.until("second-42\r\n").await?;
    assert!(text.contains("24 80\r\n") && !text.contains("never"), "{text}");

    // Back again, on the same socket and with all that was printed meanwhile.
    older.take_back().await?;
    newer.until_event(event::SESSION_TAKEN_OVER).await?;
    older.type_keys("echo third-$((40+2))\r").await?;
    let text = older.until("third-42\r\n").await?;
    assert!(text.contains("second-42") && !text.contains("never-42"), "{text}");
    // And forth, to a page whose socket went meanwhile.
    newer.cut();
    newer.returns = true;
    newer.until_attached().await?;
    older.until_event(event::SESSION_TAKEN_OVER).await?;
    newer.type_keys("exit\r").await?;
    assert_eq!(newer.until_closed().await?.code, Code::Exited);
    drop((older, newer));
    gateway.base.is_back().await
}

/// Whether this page was told that it does not have the session.
fn has_lost(page: &PageClient) -> bool {
    let ends = [event::SESSION_TAKEN_OVER, event::SESSION_CLOSED];
    page.events.iter().any(|event| ends.contains(&event.name.as_str()))
}

/// Two pages come at once with one token. The race is over once one of them has lost; the winner comes first.
async fn race(gateway: &Gateway, token: &str) -> Result<[PageClient; 2]> {
    let address = gateway.address()?;
    let (mut one, mut two) = (PageClient::for_token(address, token), PageClient::for_token(address, token));
    let is_answered = |page: &PageClient| page.is_attached() || has_lost(page);
    tokio::try_join!(one.until_that("an answer", is_answered), two.until_that("an answer", is_answered))?;
    if !has_lost(&one) && !has_lost(&two) {
        // Both were let in: the one that was first will hear of the other.
        tokio::select! {
            told = one.until_that("a word", has_lost) => told?,
            told = two.until_that("a word", has_lost) => told?,
        }
    }
    Ok(if has_lost(&one) { [two, one] } else { [one, two] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_pages_that_come_at_once_one_has_the_session() -> Result {
    const ROUNDS: usize = 200;
    let (sshd, gateway) = (scripted(Script::Echo).await?, Gateway::start(&[]).await?);
    let mut holder = gateway.open_script(&sshd).await?;
    holder.round_trip().await?;
    let mut token = holder.token()?;
    let (mut typed, mut ends) = (0_u64, [0, 0]);
    for round in 0..ROUNDS {
        if round % 2 == 0 {
            holder.returns = false;
            holder.cut();
        }
        let [mut winner, mut loser] = race(&gateway, &token).await?;
        assert!(winner.is_attached() && !loser.is_attached(), "{round}");
        ends[usize::from(loser.attaches() == 0)] += 1;
        // The loser types where the winner would go on.
        loser.socket()?.emit_input_at(typed, "X").await?;
        let error = loser.until_event(event::SESSION_ERROR).await?.payload;
        assert_eq!(error["code"], json!(Code::NoSession), "{round}");
        winner.round_trip().await?;
        let keys = format!("{round},");
        winner.type_keys(&keys).await?;
        winner.until_that("its echo", |page| page.text().ends_with(&keys)).await?;
        typed += keys.len() as u64;
        assert_eq!((winner.have(), winner.typed()), (typed, typed), "{round}: {}", winner.text());
        token = winner.token()?;
        holder = winner;
    }
    println!("let in and taken over, or turned away: {ends:?}");
    assert_eq!(sshd.record().borrow().input_bytes, typed);
    holder.type_keys("\x04").await?;
    holder.until_closed().await?;
    drop(holder);
    gateway.base.is_back().await
}
