//! OpenSSH with PAM, and an account whose password is right, with one-time codes or without.

use std::sync::Arc;

use engine::{
    Answer, AuthMethod, Credentials, DialError, Field, FieldsKind, FieldsQuestion, Question, Unanswered,
};
use testkit::{Account, Sshd, SshdConfig};

use crate::{
    setup::account,
    ssh_dialing::{Dialing, Talk, error},
};

/// Unless the machine forbids what that takes.
async fn sshd(lines: &[&str]) -> Option<Sshd> {
    Some(sshd_for(account().await?, lines).await)
}

/// One that asks for the password and then for a code.
async fn sshd_with_codes(echo: bool) -> Option<Sshd> {
    let account = account().await?;
    account.require_codes(echo).unwrap();
    Some(sshd_for(account, &[QUESTIONS]).await)
}

async fn sshd_for(account: Account, lines: &[&str]) -> Sshd {
    let usual = ["UsePAM yes", "MaxAuthTries 10"];
    let extra = lines.iter().chain(&usual).map(|line| (*line).to_owned()).collect();
    let config = SshdConfig { extra, account: Some(Arc::new(account)), ..SshdConfig::default() };
    Sshd::with_config(config).await.unwrap()
}

fn typed(text: &str) -> Result<Answer, Unanswered> {
    Ok(Answer::Fields(vec![text.into()]))
}

fn asked(dialing: &Dialing) -> Vec<FieldsQuestion> {
    let questions = dialing.person.questions().into_iter().map(|question| match question {
        Question::Fields(question) => question,
        other => panic!("{other:?}"),
    });
    questions.collect()
}

fn kinds(dialing: &Dialing) -> Vec<FieldsKind> {
    asked(dialing).into_iter().map(|question| question.kind).collect()
}

/// What was asked, whether it was to be shown as it is typed, and whether it was asked again.
fn fields(dialing: &Dialing) -> Vec<(Vec<Field>, bool)> {
    asked(dialing).into_iter().map(|question| (question.fields, question.again)).collect()
}

fn field(prompt: &str, echo: bool) -> Vec<Field> {
    vec![Field { prompt: prompt.to_owned(), echo }]
}

const PASSWORD: &str = "PasswordAuthentication yes";
const QUESTIONS: &str = "KbdInteractiveAuthentication yes";
const PASSWORD_PROMPT: &str = "Password:";
const CODE_PROMPT: &str = "Verification code:";

#[tokio::test]
async fn pam_takes_the_password_as_such_and_as_an_answer() {
    for line in [PASSWORD, QUESTIONS] {
        let Some(server) = sshd(&[line]).await else { return };
        let dialing = Dialing::to_sshd(&server);
        let mut talk = Talk::new(dialing.with_password(Account::PASSWORD).await);
        talk.until("$ ").await;
        assert!(dialing.person.questions().is_empty());
        let refused = error(dialing.with_password("wrong").await);
        assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: "password" });
    }
}

#[tokio::test]
async fn pam_asks_until_the_answer_is_right() {
    for (line, kind) in [(PASSWORD, FieldsKind::Password), (QUESTIONS, FieldsKind::KeyboardInteractive)] {
        let Some(server) = sshd(&[line]).await else { return };
        let answers = [typed("wrong"), typed("wrong"), typed(Account::PASSWORD)];
        let dialing = Dialing::to_sshd(&server).answered(answers);
        Talk::new(dialing.with(Credentials::default().with_methods(AuthMethod::ALL)).await).until("$ ").await;
        assert_eq!(kinds(&dialing), [kind; 3]);
    }
}

#[tokio::test]
async fn openssh_wants_the_key_and_then_the_password() {
    for (second, line, kind, word) in [
        ("password", PASSWORD, FieldsKind::Password, "password"),
        ("keyboard-interactive", QUESTIONS, FieldsKind::KeyboardInteractive, "answers"),
    ] {
        let Some(server) = sshd(&[&format!("AuthenticationMethods publickey,{second}"), line]).await else {
            return;
        };
        let key = server.client_key().unwrap();
        let credentials = || Credentials::of_key(key.as_str(), None).with_methods(AuthMethod::ALL);
        let dialing = Dialing::to_sshd(&server).answered([typed(Account::PASSWORD)]);
        Talk::new(dialing.with(credentials()).await).until("$ ").await;
        assert_eq!(kinds(&dialing), [kind]);
        // What the request holds needs nobody.
        let known = Credentials { password: Some(Account::PASSWORD.into()), ..credentials() };
        let dialing = Dialing::to_sshd(&server);
        Talk::new(dialing.with(known).await).until("$ ").await;
        assert!(dialing.person.questions().is_empty());
        // And three wrong ones are enough.
        let dialing = Dialing::to_sshd(&server).answered([typed("a"), typed("b"), typed("c"), typed("d")]);
        let refused = error(dialing.with(credentials()).await);
        assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: word });
        assert_eq!(kinds(&dialing), [kind; 3]);
    }
}

#[tokio::test]
async fn a_code_is_asked_for_behind_the_password_and_shown_if_the_server_says_so() {
    for echo in [false, true] {
        let Some(server) = sshd_with_codes(echo).await else { return };
        let answers = [typed(Account::PASSWORD), typed(Account::CODES[0])];
        let dialing = Dialing::to_sshd(&server).answered(answers);
        let nothing = Credentials::default().with_methods(AuthMethod::ALL);
        Talk::new(dialing.with(nothing).await).until("$ ").await;
        assert_eq!(
            fields(&dialing),
            [(field(PASSWORD_PROMPT, false), false), (field(CODE_PROMPT, echo), false)]
        );
    }
}

#[tokio::test]
async fn a_wrong_code_asks_for_everything_again() {
    let Some(server) = sshd_with_codes(true).await else { return };
    let answers =
        [typed(Account::PASSWORD), typed("000000"), typed(Account::PASSWORD), typed(Account::CODES[0])];
    let dialing = Dialing::to_sshd(&server).answered(answers);
    let nothing = Credentials::default().with_methods(AuthMethod::ALL);
    Talk::new(dialing.with(nothing).await).until("$ ").await;
    let once = |again| [(field(PASSWORD_PROMPT, false), again), (field(CODE_PROMPT, true), false)];
    assert_eq!(fields(&dialing), [once(false), once(true)].concat());
}

#[tokio::test]
async fn a_code_in_the_request_needs_nobody_and_a_code_that_is_missing_needs_somebody() {
    let Some(server) = sshd_with_codes(false).await else { return };
    let [first, second, ..] = Account::CODES;
    let request = |code: Option<&str>| Credentials {
        totp: code.map(Into::into),
        ..Credentials::of_password(Account::PASSWORD)
    };
    let dialing = Dialing::to_sshd(&server);
    Talk::new(dialing.with(request(Some(first))).await).until("$ ").await;
    assert!(dialing.person.questions().is_empty());
    // No code is taken twice.
    let refused = error(dialing.with(request(Some(first))).await);
    assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: "answers" });
    let dialing = Dialing::to_sshd(&server).answered([typed(second)]);
    Talk::new(dialing.with(request(None)).await).until("$ ").await;
    assert_eq!(fields(&dialing), [(field(CODE_PROMPT, false), false)]);
}

#[tokio::test]
async fn after_a_wrong_code_in_the_request_somebody_is_asked() {
    let Some(server) = sshd_with_codes(true).await else { return };
    let wrong = Credentials {
        totp: Some("000000".into()),
        ..Credentials::of_password(Account::PASSWORD).with_methods(AuthMethod::ALL)
    };
    let dialing = Dialing::to_sshd(&server).answered([typed(Account::PASSWORD), typed(Account::CODES[0])]);
    Talk::new(dialing.with(wrong).await).until("$ ").await;
    assert_eq!(fields(&dialing), [(field(PASSWORD_PROMPT, false), true), (field(CODE_PROMPT, true), false)]);
}
