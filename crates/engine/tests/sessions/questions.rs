//! What a person is asked while a session dials: each question has one answer, and none outlives it.

use std::{sync::Arc, time::Duration};

use engine::{
    Answer, AnswerRefused, CloseReason, DialError, Field, FieldsKind, FieldsQuestion, Fingerprint,
    HostKeyQuestion, Notice, QUESTION_LIMIT, Question, Unanswered,
};
use secrecy::ExposeSecret;

use crate::scripted::{Bench, Browser};

/// The number of the last question.
async fn asked(browser: &Browser) -> u64 {
    browser
        .noticed(|notice| match notice {
            Notice::Question { id, limit, .. } => {
                assert_eq!(*limit, QUESTION_LIMIT);
                Some(*id)
            }
            _ => None,
        })
        .await
}

fn fields(prompts: &[&str]) -> Question {
    let fields = prompts.iter().map(|prompt| Field { prompt: (*prompt).to_owned(), echo: false }).collect();
    Question::Fields(FieldsQuestion {
        kind: FieldsKind::KeyboardInteractive,
        target: "me@example:22".to_owned(),
        name: String::new(),
        instruction: String::new(),
        fields,
        again: false,
    })
}

fn host_key(can_remember: bool) -> Question {
    Question::HostKey(HostKeyQuestion {
        target: "example:22".to_owned(),
        algorithm: "ssh-ed25519".to_owned(),
        fingerprint: Fingerprint::of_public_key(b"key"),
        randomart: String::new(),
        can_remember,
    })
}

#[tokio::test(start_paused = true)]
async fn an_answer_reaches_whoever_asked_if_it_fits() {
    let mut bench = Bench::new();
    bench.asks(fields(&["Password:", "Code:"]));
    let (session, browser) = bench.start("asks");
    let id = asked(&browser).await;
    let late = session.answer(id + 1, Ok(Answer::Fields(vec!["a".into(), "b".into()])));
    assert_eq!(late, Err(AnswerRefused::Late));
    let short = session.answer(id, Ok(Answer::Fields(vec!["a".into()])));
    assert_eq!(short, Err(AnswerRefused::Shape));
    assert_eq!(session.answer(id, Ok(Answer::Accept { remember: false })), Err(AnswerRefused::Shape));
    session.answer(id, Ok(Answer::Fields(vec!["a".into(), "b".into()]))).unwrap();
    let Ok(Answer::Fields(given)) = bench.answered.recv().await.unwrap() else { panic!("no fields") };
    let given: Vec<&str> = given.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(given, ["a", "b"]);
    assert_eq!(session.answer(id, Err(Unanswered::Refused)), Err(AnswerRefused::Late));
}

#[tokio::test(start_paused = true)]
async fn a_host_is_remembered_only_where_it_can_be() {
    let mut bench = Bench::new();
    bench.asks(host_key(false));
    let (session, browser) = bench.start("asks");
    let id = asked(&browser).await;
    assert_eq!(session.answer(id, Ok(Answer::Accept { remember: true })), Err(AnswerRefused::Shape));
    session.answer(id, Ok(Answer::Accept { remember: false })).unwrap();
    assert!(matches!(bench.answered.recv().await, Some(Ok(Answer::Accept { remember: false }))));
}

#[tokio::test(start_paused = true)]
async fn whoever_refuses_or_says_nothing_is_not_waited_for() {
    let mut bench = Bench::new();
    bench.asks(host_key(true));
    let (session, browser) = bench.start("asks");
    session.answer(asked(&browser).await, Err(Unanswered::Refused)).unwrap();
    assert!(matches!(bench.answered.recv().await, Some(Err(Unanswered::Refused))));
    assert!(matches!(browser.closed().await.0, CloseReason::DialFailed(DialError::Internal { .. })));

    let (session, browser) = bench.start("asks");
    let id = asked(&browser).await;
    let began = tokio::time::Instant::now();
    assert!(matches!(bench.answered.recv().await, Some(Err(Unanswered::TimedOut))));
    assert_eq!(began.elapsed(), QUESTION_LIMIT);
    assert_eq!(session.answer(id, Err(Unanswered::Refused)), Err(AnswerRefused::Late));
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_goes_ends_its_question() {
    let bench = Bench::new();
    bench.asks(host_key(true));
    let (session, browser) = bench.start("asks");
    let id = asked(&browser).await;
    session.gone();
    session.over().await;
    assert_eq!(session.answer(id, Err(Unanswered::Refused)), Err(AnswerRefused::Late));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Arc::strong_count(&browser), 1, "somebody still waits for an answer");
}
