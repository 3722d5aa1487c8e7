//! OpenSSH with PAM, and an account whose password is right.

use std::sync::Arc;

use engine::{Answer, AuthMethod, Credentials, DialError, FieldsKind, Question, Unanswered};
use testkit::{Account, Sshd, SshdConfig};

use crate::ssh_dialing::{Dialing, Talk, error};

async fn sshd(lines: &[&str]) -> Sshd {
    let usual = ["UsePAM yes", "MaxAuthTries 10"];
    let extra = lines.iter().chain(&usual).map(|line| (*line).to_owned()).collect();
    let account = Some(Arc::new(Account::new().await.unwrap()));
    Sshd::with_config(SshdConfig { extra, account, ..SshdConfig::default() }).await.unwrap()
}

fn typed(password: &str) -> Result<Answer, Unanswered> {
    Ok(Answer::Fields(vec![password.into()]))
}

fn kinds(dialing: &Dialing) -> Vec<FieldsKind> {
    let kinds = dialing.person.questions().into_iter().map(|question| match question {
        Question::Fields(question) => question.kind,
        other => panic!("{other:?}"),
    });
    kinds.collect()
}

const PASSWORD: &str = "PasswordAuthentication yes";
const QUESTIONS: &str = "KbdInteractiveAuthentication yes";

#[tokio::test]
async fn pam_takes_the_password_as_such_and_as_an_answer() {
    for line in [PASSWORD, QUESTIONS] {
        let server = sshd(&[line]).await;
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
        let server = sshd(&[line]).await;
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
        let server = sshd(&[&format!("AuthenticationMethods publickey,{second}"), line]).await;
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
