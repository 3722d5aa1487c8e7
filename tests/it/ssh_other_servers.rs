//! Servers that are not OpenSSH, from Debian.

use engine::{Answer, Credentials, DialError, Exit, Preset, Question, TermSize};
use ssh::HostKeyPolicy::Ask;
use testkit::{Account, Dropbear, Sshd, TinySsh};

use crate::{
    dead_target_stage::numbers,
    setup::account,
    ssh_dialing::{Dialing, Talk, error},
};

#[tokio::test]
async fn dropbear_opens_a_shell_for_a_key_and_for_a_password() {
    let Some(account) = account().await else { return };
    let server = Dropbear::start(&account).await.unwrap();
    let key = account.key().unwrap();
    for credentials in [Credentials::of_key(key.as_str(), None), Credentials::of_password(Account::PASSWORD)]
    {
        let accept = Ok(Answer::Accept { remember: true });
        let dialing = Dialing::to(server.port(), Account::NAME).policy(Ask).answered([accept]);
        let mut talk = Talk::new(dialing.with(credentials).await);
        assert!(
            matches!(&dialing.person.questions()[..], [Question::HostKey(asked)] if asked.algorithm == "ssh-ed25519")
        );
        // Without a line editor, which would print more than is asked for.
        talk.type_in("exec sh\n").await;
        talk.type_in("stty -echo; PS1=; echo \"re\"\"ady\"\n").await;
        talk.until("ready\r\n").await;
        talk.transport.shell.clone().resize(TermSize::clamped(71, 17)).await.unwrap();
        talk.type_in("stty size; echo \"don\"\"e\"\n").await;
        assert!(talk.until("done\r\n").await.contains("17 71"));
        talk.type_in("seq 1 200000; echo \"las\"\"t\"\n").await;
        assert_eq!(numbers(&talk.until("last\r\n").await).unwrap(), 200_000);
        talk.type_in("exit 7\n").await;
        assert_eq!(talk.end().await.exit(), Some(&Exit::Status(7)));
    }
}

#[tokio::test]
async fn dropbear_refuses_what_is_wrong() {
    let Some(account) = account().await else { return };
    let server = Dropbear::start(&account).await.unwrap();
    let dialing = Dialing::to(server.port(), Account::NAME);
    let target = dialing.target.to_string();
    let refused = error(dialing.with_password("wrong").await);
    assert_eq!(refused, DialError::AuthFailed { target: target.clone(), method: "password" });
    let stranger = Sshd::start().await.unwrap().client_key().unwrap();
    let refused = error(dialing.with_key(&stranger, None).await);
    assert_eq!(refused, DialError::AuthFailed { target, method: "key" });
}

/// TinySSH of before 2024 has one cipher and not the guard that it needs (Terrapin).
#[tokio::test]
async fn tinyssh_opens_a_shell_or_says_what_that_would_need() {
    let Some(account) = account().await else { return };
    let key = account.key().unwrap();
    let server = TinySsh::start(account).await.unwrap();
    let dialing = Dialing::to(server.port(), Account::NAME);
    let opened = match dialing.with_key(&key, None).await {
        Err(DialError::NotStrict { .. }) => dialing.preset(Preset::Legacy).with_key(&key, None).await,
        opened => opened,
    };
    let mut talk = Talk::new(opened);
    talk.type_in("exit 7\n").await;
    assert_eq!(talk.end().await.exit(), Some(&Exit::Status(7)));
}
