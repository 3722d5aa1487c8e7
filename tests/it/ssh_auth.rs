//! Logging in, and being told why not.

use engine::{AlgorithmKind, DialError, Preset, Remedy};
use russh::keys::HashAlg;
use testkit::{
    Sshd, SshdConfig,
    demo_sshd::{Attempt, DemoSshd, Options, Program, Quirk, Script},
    sshd::keygen,
};

use crate::{
    ssh_dialing::{Dialing, Talk, error},
    ssh_odd_server::{OddServer, Oddity},
};

async fn demo(quirk: Option<Quirk>) -> DemoSshd {
    let program = Program::Scripted(Script::Echo);
    DemoSshd::start(Options { program, quirk, ..Options::default() }).await.unwrap()
}

#[tokio::test]
async fn keys_of_every_type_open_openssh() {
    let server = Sshd::start().await.unwrap();
    for (kind, passphrase, options) in [
        ("ed25519", "", &[][..]),
        ("ecdsa", "", &["-b", "256"]),
        ("ecdsa", "", &["-b", "384"]),
        ("ecdsa", "", &["-b", "521"]),
        ("rsa", "", &["-b", "2048"]),
        ("rsa", "secret", &["-b", "3072", "-a", "1", "-m", "PEM"][..4]),
        ("rsa", "", &["-b", "2048", "-m", "PEM"]),
        ("ecdsa", "", &["-b", "256", "-m", "PKCS8"]),
        ("ed25519", "secret", &["-a", "1"]),
    ] {
        let key = server.new_client_key(kind, passphrase, options).await.unwrap();
        let passphrase = Some(passphrase).filter(|text| !text.is_empty());
        Talk::new(Dialing::to_sshd(&server).with_key(&key, passphrase).await);
    }
}

#[tokio::test]
async fn an_rsa_key_signs_with_the_hash_that_the_server_takes() {
    let key = rsa().await;
    for hash in [HashAlg::Sha256, HashAlg::Sha512] {
        let server = OddServer::start(Oddity::TakesRsaWith(Some(hash))).await;
        Talk::new(Dialing::to(server.port, "u").with_key(&key, None).await);
    }
}

#[tokio::test]
async fn an_rsa_key_does_not_sign_with_sha1() {
    let server = OddServer::start(Oddity::TakesRsaWith(None)).await;
    let refused = error(Dialing::to(server.port, "u").with_key(&rsa().await, None).await);
    let DialError::NoCommonAlgorithm(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.kind, AlgorithmKind::RsaSignature);
    assert_eq!(refused.remedy, Remedy::ForbiddenPreset(Preset::Legacy));
}

#[tokio::test]
async fn an_rsa_key_signs_with_sha1_where_legacy_is_asked_for() {
    let server = OddServer::start(Oddity::TakesRsaWith(None)).await;
    let dialing = Dialing::to(server.port, "u").preset(Preset::Legacy);
    Talk::new(dialing.with_key(&rsa().await, None).await);
}

async fn rsa() -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    keygen(&path, "rsa", "").await.unwrap();
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn a_key_that_the_account_does_not_have_is_refused() {
    let (server, other) = (Sshd::start().await.unwrap(), Sshd::start().await.unwrap());
    let dialing = Dialing::to_sshd(&server);
    let refused = error(dialing.with_key(&other.client_key().unwrap(), None).await);
    assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: "key" });
}

#[tokio::test]
async fn a_key_that_cannot_be_opened_makes_no_connection() {
    let server = demo(None).await;
    let encrypted =
        Sshd::start().await.unwrap().new_client_key("ed25519", "secret", &["-a", "1"]).await.unwrap();
    let dialing = Dialing::to_demo(&server);
    for (key, passphrase, expected) in [
        (encrypted.as_str(), None, DialError::KeyPassphrase { missing: true }),
        (&encrypted, Some("wrong"), DialError::KeyPassphrase { missing: false }),
        (
            "nonsense",
            None,
            DialError::KeyInvalid { cause: "it is in no format that is known here".to_owned() },
        ),
    ] {
        assert_eq!(error(dialing.with_key(key, passphrase).await), expected);
    }
    assert_eq!(server.record().borrow().connections, 0);
    assert!(dialing.person.steps().is_empty());
}

#[tokio::test]
async fn passwords_right_wrong_and_empty() {
    let server = demo(None).await;
    let dialing = Dialing::to_demo(&server);
    Talk::new(dialing.with_password(server.password()).await);
    let refused = DialError::AuthFailed { target: dialing.target.to_string(), method: "password" };
    assert_eq!(error(dialing.with_password("wrong").await), refused);
    assert_eq!(error(dialing.with_password("").await), refused);
    let attempt = |method, accepted| Attempt { method, username: server.username().to_owned(), accepted };
    let logins = server.record().borrow().logins.clone();
    // One question for the methods and one password each: nothing is tried twice.
    let expected = [
        ("none", false),
        ("password", true),
        ("none", false),
        ("password", false),
        ("none", false),
        ("password", false),
    ];
    assert_eq!(logins, expected.map(|(method, accepted)| attempt(method, accepted)));
}

#[tokio::test]
async fn a_method_that_is_not_offered_is_not_tried() {
    let server = demo(Some(Quirk::NoPasswords)).await;
    let dialing = Dialing::to_demo(&server);
    let refused = error(dialing.with_password(server.password()).await);
    let unavailable = |method, offered: &str| DialError::AuthMethodUnavailable {
        target: dialing.target.to_string(),
        method,
        offered: offered.to_owned(),
    };
    assert_eq!(refused, unavailable("password", "publickey"));
    assert!(server.record().borrow().logins.iter().all(|login| login.method == "none"));
}

#[tokio::test]
async fn a_second_factor_is_named() {
    let extra = vec!["AuthenticationMethods publickey,publickey".to_owned()];
    let server = Sshd::with_config(SshdConfig { extra, ..Default::default() }).await.unwrap();
    let dialing = Dialing::to_sshd(&server);
    let refused = error(dialing.with_key(&server.client_key().unwrap(), None).await);
    let (target, offered) = (dialing.target.to_string(), "publickey".to_owned());
    assert_eq!(refused, DialError::AuthMethodUnavailable { target, method: "key", offered });
}

#[tokio::test]
async fn a_link_that_breaks_at_the_login_is_no_wrong_password() {
    let server = demo(Some(Quirk::LinkDropsAtLogin)).await;
    let dialing = Dialing::to_demo(&server);
    let refused = error(dialing.with_password(server.password()).await);
    let during = "during the login".to_owned();
    assert_eq!(refused, DialError::LinkLost { target: dialing.target.to_string(), during });
}

#[tokio::test]
async fn a_password_answers_the_one_question_for_it() {
    let rounds = vec![vec![("Password: ", false)], vec![]];
    let server = OddServer::start(Oddity::Asks(rounds)).await;
    let dialing = Dialing::to(server.port, "u");
    Talk::new(dialing.with_password(OddServer::PASSWORD).await);
    let refused = error(dialing.with_password("wrong").await);
    assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: "password" });
}

#[tokio::test]
async fn a_password_answers_no_other_question() {
    for rounds in [
        vec![vec![("Password: ", false)], vec![("Code: ", false)]],
        vec![vec![("Name: ", true)]],
        vec![vec![("Password: ", false), ("Code: ", false)]],
    ] {
        let server = OddServer::start(Oddity::Asks(rounds)).await;
        let refused = error(Dialing::to(server.port, "u").with_password(OddServer::PASSWORD).await);
        assert!(matches!(refused, DialError::AuthMethodUnavailable { .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_stops_asking_is_left() {
    let server = OddServer::start(Oddity::Asks(vec![vec![]; 50])).await;
    let refused = error(Dialing::to(server.port, "u").with_password(OddServer::PASSWORD).await);
    assert!(matches!(refused, DialError::NotSsh { .. }), "{refused:?}");
}

#[tokio::test]
async fn whoever_needs_no_password_is_let_in() {
    let server = OddServer::start(Oddity::LetsAnyoneIn).await;
    Talk::new(Dialing::to(server.port, "u").with_password("").await);
}

#[tokio::test]
async fn a_server_without_any_method_and_one_that_grants_a_single_try() {
    let server = OddServer::start(Oddity::OffersNothing).await;
    let dialing = Dialing::to(server.port, "u");
    let (target, offered) = (dialing.target.to_string(), "no method at all".to_owned());
    assert_eq!(
        error(dialing.with_password("p").await),
        DialError::AuthMethodUnavailable { target, method: "password", offered }
    );
    let server = OddServer::start(Oddity::GivesOneTry).await;
    let dialing = Dialing::to(server.port, "u");
    let refused = error(dialing.with_password("p").await);
    assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: "password" });
}

#[tokio::test]
async fn a_servers_last_words_are_told() {
    let extra = vec!["MaxAuthTries 1".to_owned()];
    let server = Sshd::with_config(SshdConfig { extra, ..Default::default() }).await.unwrap();
    let other = Sshd::start().await.unwrap();
    let refused = error(Dialing::to_sshd(&server).with_key(&other.client_key().unwrap(), None).await);
    assert!(
        matches!(&refused, DialError::TooManyTries { said, .. } if said == "Too many authentication failures"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_banner_that_is_no_text_is_said_to_be_the_fault() {
    let dir = tempfile::tempdir().unwrap();
    let banner = dir.path().join("banner");
    std::fs::write(&banner, b"caf\xe9\n").unwrap();
    let extra = vec![format!("Banner {}", banner.display())];
    let server = Sshd::with_config(SshdConfig { extra, ..Default::default() }).await.unwrap();
    let refused = error(Dialing::to_sshd(&server).with_key(&server.client_key().unwrap(), None).await);
    assert!(matches!(&refused, DialError::NotSsh { cause, .. } if cause.contains("UTF-8")), "{refused:?}");
}
