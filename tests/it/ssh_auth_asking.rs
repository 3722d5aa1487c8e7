//! Logging in with what somebody is asked for: what is asked, how often, and what is sent.

use engine::{
    Answer, AuthMethod, Credentials, DialError, Field, FieldsKind, FieldsQuestion, KnownAnswer, Question,
    Unanswered,
};
use testkit::{
    Sshd, SshdConfig,
    demo_sshd::{DemoSshd, Options, Program, Script},
};

use crate::{
    respondent::Respondent,
    ssh_dialing::{Dialing, Talk, error},
    ssh_odd_server::{OddServer, Oddity},
};

type Answered = Result<Answer, Unanswered>;

async fn demo() -> DemoSshd {
    DemoSshd::start(Options { program: Program::Scripted(Script::Echo), ..Options::default() }).await.unwrap()
}

fn typed<const N: usize>(fields: [&str; N]) -> Answered {
    Ok(Answer::Fields(fields.iter().map(|field| (*field).into()).collect()))
}

fn nothing() -> Credentials {
    Credentials::default().with_methods(AuthMethod::ALL)
}

/// What was asked: kind, prompts, and whether it was asked again.
fn asked(dialing: &Dialing) -> Vec<(FieldsKind, Vec<String>, bool)> {
    let questions = dialing.person.questions().into_iter().map(|question| match question {
        Question::Fields(FieldsQuestion { kind, fields, again, .. }) => {
            (kind, fields.into_iter().map(|field| field.prompt).collect(), again)
        }
        other => panic!("{other:?}"),
    });
    questions.collect()
}

fn methods(server: &DemoSshd) -> Vec<&'static str> {
    server.record().borrow().logins.iter().map(|login| login.method).collect()
}

#[tokio::test]
async fn a_password_that_is_missing_is_asked_for() {
    let server = demo().await;
    let dialing = Dialing::to_demo(&server).answered([typed([server.password()])]);
    Talk::new(dialing.with(nothing()).await);
    let target = format!("{}@127.0.0.1:{}", server.username(), server.port());
    let prompt = format!("{}@127.0.0.1's password:", server.username());
    let question = FieldsQuestion {
        kind: FieldsKind::Password,
        target,
        name: String::new(),
        instruction: String::new(),
        fields: vec![Field { prompt, echo: false }],
        again: false,
    };
    assert_eq!(dialing.person.questions(), [Question::Fields(question)]);
    assert_eq!(methods(&server), ["none", "password"]);
}

#[tokio::test]
async fn a_typed_password_may_be_wrong_twice() {
    let server = demo().await;
    let dialing = Dialing::to_demo(&server).answered([typed(["a"]), typed([""]), typed([server.password()])]);
    Talk::new(dialing.with(nothing()).await);
    let again: Vec<bool> = asked(&dialing).into_iter().map(|(_, _, again)| again).collect();
    assert_eq!(again, [false, true, true]);
    assert_eq!(methods(&server), ["none", "password", "password", "password"]);
}

#[tokio::test]
async fn the_third_wrong_password_is_the_last() {
    let server = demo().await;
    let wrong = Credentials::of_password("wrong").with_methods([AuthMethod::Password]);
    let dialing =
        Dialing::to_demo(&server).answered([typed(["a"]), typed(["b"]), typed(["c"]), typed(["d"])]);
    let refused = error(dialing.with(wrong).await);
    assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: "password" });
    // The one of the request was tried as well, once.
    assert_eq!(methods(&server), ["none", "password", "password", "password", "password"]);
    let again: Vec<bool> = asked(&dialing).into_iter().map(|(_, _, again)| again).collect();
    assert_eq!(again, [true, true, true]);
}

#[tokio::test]
async fn without_methods_nothing_but_the_servers_questions_is_asked() {
    let server = demo().await;
    let dialing = Dialing::to_demo(&server).answered([typed([server.password()])]);
    error(dialing.with_password("wrong").await);
    let openssh = Sshd::start().await.unwrap();
    let locked = openssh.new_client_key("ed25519", "secret", &["-a", "1"]).await.unwrap();
    let refused = error(dialing.with_key(&locked, None).await);
    assert_eq!(refused, DialError::KeyPassphrase { missing: true });
    assert!(dialing.person.questions().is_empty());
}

#[tokio::test]
async fn whoever_does_not_answer_is_told_so() {
    let server = demo().await;
    let target = format!("127.0.0.1:{}", server.port());
    for (answer, expected) in [
        (Unanswered::Refused, DialError::LoginCancelled { target: target.clone() }),
        (Unanswered::TimedOut, DialError::Unanswered { target: target.clone() }),
        (
            Unanswered::Nobody,
            DialError::AuthMethodUnavailable {
                target: target.clone(),
                method: "method of the request",
                offered: "password".to_owned(),
            },
        ),
    ] {
        let dialing = Dialing::to_demo(&server).answered([Err(answer)]);
        assert_eq!(error(dialing.with(nothing()).await), expected);
        let rounds = vec![vec![("Code: ", false)]];
        let odd = OddServer::start(Oddity::Asks(rounds)).await;
        let dialing = Dialing::to(odd.port, "u").answered([Err(answer)]);
        let refused = error(dialing.with_password("p").await);
        let same = std::mem::discriminant(&refused) == std::mem::discriminant(&expected);
        assert!(same, "{refused:?}");
    }
}

#[tokio::test]
async fn a_passphrase_is_asked_for_before_anybody_is_dialled() {
    let server = Sshd::start().await.unwrap();
    let locked = server.new_client_key("ed25519", "secret", &["-a", "1"]).await.unwrap();
    let with = |passphrase: Option<&str>| {
        Credentials::of_key(locked.as_str(), passphrase.map(Into::into)).with_methods([AuthMethod::PublicKey])
    };
    for passphrase in [None, Some("wrong")] {
        let dialing = Dialing::to_sshd(&server).answered([typed([""]), typed(["no"]), typed(["secret"])]);
        Talk::new(dialing.with(with(passphrase)).await);
        let questions = asked(&dialing);
        assert!(questions.iter().all(|(kind, ..)| *kind == FieldsKind::Passphrase));
        let again: Vec<bool> = questions.into_iter().map(|(_, _, again)| again).collect();
        assert_eq!(again, [passphrase.is_some(), true, true]);
    }
    let dialing =
        Dialing::to_sshd(&server).answered([typed(["a"]), typed(["b"]), typed(["c"]), typed(["d"])]);
    let refused = error(dialing.with(with(None)).await);
    assert_eq!(refused, DialError::KeyPassphrase { missing: false });
    assert_eq!((asked(&dialing).len(), dialing.person.steps()), (3, vec![]));
    let dialing = Dialing::to_sshd(&server).answered([Err(Unanswered::Refused)]);
    let cancelled = DialError::LoginCancelled { target: dialing.target.to_string() };
    assert_eq!(error(dialing.with(with(None)).await), cancelled);
    assert!(dialing.person.steps().is_empty());
}

#[tokio::test]
async fn every_round_is_one_form() {
    let rounds = vec![
        vec![("Name: ", true), ("1. Push\n2. Call\nWhich? ", false)],
        vec![],
        vec![("Code\u{1b}[2J: ", false)],
    ];
    let server = OddServer::start(Oddity::Asks(rounds)).await;
    let right = OddServer::PASSWORD;
    for credentials in [nothing(), Credentials::of_password("unused")] {
        let dialing = Dialing::to(server.port, "u").answered([typed([right, right]), typed([right])]);
        Talk::new(dialing.with(credentials).await);
        let expected = |prompts: &[&str]| {
            let prompts = prompts.iter().map(|prompt| (*prompt).to_owned()).collect();
            (FieldsKind::KeyboardInteractive, prompts, false)
        };
        let forms = [expected(&["Name:", "1. Push\n2. Call\nWhich?"]), expected(&["Code[2J:"])];
        assert_eq!(asked(&dialing), forms);
        let echoes = dialing.person.questions().into_iter().flat_map(|question| match question {
            Question::Fields(question) => {
                question.fields.into_iter().map(|field| field.echo).collect::<Vec<_>>()
            }
            Question::HostKey(_) => Vec::new(),
        });
        assert_eq!(echoes.collect::<Vec<_>>(), [true, false, false]);
    }
}

#[tokio::test]
async fn wrong_answers_may_be_given_three_times() {
    let server = OddServer::start(Oddity::Asks(vec![vec![("Code: ", false)]; 3])).await;
    let right = OddServer::PASSWORD;
    let dialing = Dialing::to(server.port, "u").answered([typed(["1"]), typed(["2"]), typed([right])]);
    // The third right answer is the last round's.
    Talk::new(dialing.with(nothing()).await);
    let again: Vec<bool> = asked(&dialing).into_iter().map(|(_, _, again)| again).collect();
    assert_eq!(again, [false, true, true]);
    let dialing =
        Dialing::to(server.port, "u").answered([typed(["1"]), typed(["2"]), typed(["3"]), typed([right])]);
    let refused = error(dialing.with(nothing()).await);
    assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: "answers" });
    assert_eq!(asked(&dialing).len(), 3);
}

#[tokio::test]
async fn known_answers_are_given_before_anybody_is_asked() {
    let rounds = vec![
        vec![("Password: ", false), ("Verification code: ", false)],
        vec![("Name of your PET? ", true), ("Town? ", true)],
    ];
    let server = OddServer::start(Oddity::Asks(rounds)).await;
    let right = OddServer::PASSWORD;
    let known = KnownAnswer { pattern: "your pet".into(), answer: right.into() };
    let credentials = Credentials {
        password: Some(right.into()),
        totp: Some(right.into()),
        answers: vec![known],
        ..Credentials::default()
    };
    let dialing = Dialing::to(server.port, "u").answered([typed([right])]);
    Talk::new(dialing.with(credentials).await);
    let prompts: Vec<_> = asked(&dialing).into_iter().map(|(_, prompts, _)| prompts).collect();
    assert_eq!(prompts, [["Town?"]]);
}

#[tokio::test]
async fn methods_are_limited_and_ordered() {
    let server = demo().await;
    let dialing = Dialing::to_demo(&server);
    let only = Credentials::of_password(server.password()).with_methods([AuthMethod::PublicKey]);
    let refused = error(dialing.with(only).await);
    assert!(matches!(refused, DialError::AuthMethodUnavailable { .. }), "{refused:?}");
    assert_eq!(methods(&server), ["none"]);

    let extra = vec!["KbdInteractiveAuthentication yes".to_owned(), "UsePAM yes".to_owned()];
    let server = Sshd::with_config(SshdConfig { extra, ..Default::default() }).await.unwrap();
    let key = server.client_key().unwrap();
    for (methods, questions) in [
        ([AuthMethod::PublicKey, AuthMethod::KeyboardInteractive], 0),
        ([AuthMethod::KeyboardInteractive, AuthMethod::PublicKey], 3),
    ] {
        let wrong = [typed(["wrong"]), typed(["wrong"]), typed(["wrong"])];
        let dialing = Dialing::to_sshd(&server).answered(wrong);
        Talk::new(dialing.with(Credentials::of_key(key.as_str(), None).with_methods(methods)).await);
        assert_eq!(asked(&dialing).len(), questions);
    }
}

#[tokio::test]
async fn key_then_password_then_code() {
    let server = OddServer::start(Oddity::WantsAll).await;
    let text = Sshd::start().await.unwrap().client_key().unwrap();
    let key = || Credentials::of_key(text.as_str(), None);
    let right = OddServer::PASSWORD;
    let dialing = Dialing::to(server.port, "u").answered([typed(["wrong"]), typed([right]), typed([right])]);
    Talk::new(dialing.with(key().with_methods(AuthMethod::ALL)).await);
    let kinds: Vec<_> = asked(&dialing).into_iter().map(|(kind, _, again)| (kind, again)).collect();
    let (password, code) = (FieldsKind::Password, FieldsKind::KeyboardInteractive);
    assert_eq!(kinds, [(password, false), (password, true), (code, false)]);

    let dialing = Dialing::to(server.port, "u");
    let known = Credentials { password: Some(right.into()), totp: Some(right.into()), ..key() };
    Talk::new(dialing.with(known.with_methods(AuthMethod::ALL)).await);
    assert!(dialing.person.questions().is_empty());

    // Without methods a password is not asked for, however far one came.
    let (target, offered) = (dialing.target.to_string(), "password".to_owned());
    let refused = error(dialing.with(key()).await);
    assert_eq!(refused, DialError::AuthMethodUnavailable { target, method: "key", offered });
}

#[tokio::test]
async fn openssh_is_given_one_method_after_the_other() {
    let extra = vec![
        "AuthenticationMethods publickey,keyboard-interactive publickey,password".to_owned(),
        "PasswordAuthentication yes".to_owned(),
        "KbdInteractiveAuthentication yes".to_owned(),
        "UsePAM yes".to_owned(),
        "MaxAuthTries 10".to_owned(),
    ];
    let server = Sshd::with_config(SshdConfig { extra, ..Default::default() }).await.unwrap();
    let key = Credentials::of_key(server.client_key().unwrap(), None).with_methods(AuthMethod::ALL);
    let answers = [typed(["wrong"]), typed(["wrong"]), typed(["wrong"])];
    let dialing = Dialing::to_sshd(&server).answered(answers);
    let refused = error(dialing.with(key).await);
    assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: "answers" });
    let questions = asked(&dialing);
    assert!(questions.iter().all(|(kind, ..)| *kind == FieldsKind::KeyboardInteractive), "{questions:?}");
    let again: Vec<bool> = questions.into_iter().map(|(_, _, again)| again).collect();
    assert_eq!(again, [false, true, true]);
    server.logged("Partial publickey").await.unwrap();
    server.logged("Postponed keyboard-interactive").await.unwrap();
}

#[tokio::test]
async fn a_method_that_asks_nothing_makes_no_answer_wrong() {
    let extra = vec![
        "PasswordAuthentication yes".to_owned(),
        "KbdInteractiveAuthentication yes".to_owned(),
        "PubkeyAuthentication no".to_owned(),
    ];
    // Without PAM this server offers questions and has none.
    let config = SshdConfig { extra, log_level: "DEBUG".to_owned(), ..Default::default() };
    let server = Sshd::with_config(config).await.unwrap();
    let dialing = Dialing::to_sshd(&server).answered([typed(["a"]), typed(["b"]), typed(["c"])]);
    let refused = error(dialing.with(nothing()).await);
    assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: "password" });
    let password = |again| (FieldsKind::Password, again);
    let kinds: Vec<_> = asked(&dialing).into_iter().map(|(kind, _, again)| (kind, again)).collect();
    assert_eq!(kinds, [password(false), password(true), password(true)]);
    server.logged("method keyboard-interactive").await.unwrap();
}

#[tokio::test]
async fn nobody_types_a_password_for_a_server_that_has_gone() {
    let extra = vec!["PasswordAuthentication yes".to_owned(), "LoginGraceTime 1".to_owned()];
    let server = Sshd::with_config(SshdConfig { extra, ..Default::default() }).await.unwrap();
    let mut dialing = Dialing::to_sshd(&server);
    dialing.person = Respondent::silent();
    let password = Credentials::default().with_methods([AuthMethod::Password]);
    let refused = error(dialing.with(password).await);
    assert!(matches!(refused, DialError::LinkLost { .. }), "{refused:?}");
}
