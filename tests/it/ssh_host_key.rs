//! Whom the gateway trusts: and on every refusal the server saw no login at all.

use engine::{DialError, Fingerprint, Transport};
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey, key::safe_rng};
use ssh::HostKeyPolicy::{AcceptNew, Ask, Reject};
use testkit::{
    Sshd, SshdConfig,
    demo_sshd::{DemoSshd, Options, Program, Script},
    sshd::keygen,
};

use crate::ssh_dialing::{Dialing, Talk, error};

pub(crate) async fn demo() -> DemoSshd {
    let program = Program::Scripted(Script::Echo);
    DemoSshd::start(Options { program, ..Options::default() }).await.unwrap()
}

fn stranger(algorithm: Algorithm) -> String {
    let key = PrivateKey::random(&mut safe_rng(), algorithm).unwrap();
    key.public_key().to_openssh().unwrap()
}

pub(crate) fn ed25519() -> String {
    stranger(Algorithm::Ed25519)
}

/// The refusal of a dial, proved to have come before any login: not even `none` was sent.
pub(crate) async fn refused_unseen(server: &DemoSshd, dialing: &Dialing) -> DialError {
    let before = server.record().borrow().clone();
    assert_eq!(before.logins, []);
    let refused = error(dialing.with_password(server.password()).await);
    let mut record = server.record();
    let after = record.wait_for(|record| record.disconnections == record.connections).await.unwrap().clone();
    assert!(after.connections > before.connections, "the handshake took place");
    assert_eq!(after.logins, []);
    refused
}

pub(crate) async fn opens(server: &DemoSshd, dialing: &Dialing) {
    let opened: Result<Transport, DialError> = dialing.with_password(server.password()).await;
    Talk::new(opened);
}

#[tokio::test]
async fn a_changed_key_is_refused_before_any_login() {
    let server = demo().await;
    let name = format!("[127.0.0.1]:{}", server.port());
    let other_type = stranger(Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 });
    for (policy, text) in [
        (Reject, format!("{name} {}", ed25519())),
        (AcceptNew, format!("{name} {}", ed25519())),
        (AcceptNew, format!("{name} {other_type}")),
        (Ask, format!("{name} {}", ed25519())),
        (Ask, format!("{name} {other_type}")),
        (AcceptNew, format!("[127.0.0.*]:* {}", ed25519())),
    ] {
        let dialing = Dialing::to_demo(&server).policy(policy).known_hosts(&text);
        match refused_unseen(&server, &dialing).await {
            DialError::HostKeyChanged { found, remedy, .. } => {
                assert_eq!(found.to_string(), server.fingerprint());
                let place = format!("{}:1", dialing.options.known_hosts.as_ref().unwrap().display());
                assert!(remedy.contains(&place), "{remedy}");
            }
            other => panic!("{other:?}"),
        }
        assert!(!dialing.learned_hosts().exists());
        assert_eq!(dialing.person.questions(), []);
    }
}

#[tokio::test]
async fn a_key_that_is_not_the_pinned_one_is_refused_before_any_login() {
    let server = demo().await;
    let known = format!("[127.0.0.1]:{} {}", server.port(), server.host_key_line());
    let dialing = Dialing::to_demo(&server).pin(&ed25519()).known_hosts(&known);
    let refused = refused_unseen(&server, &dialing).await;
    assert!(matches!(refused, DialError::HostKeyChanged { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_revoked_key_is_refused_before_any_login() {
    let server = demo().await;
    let key = server.host_key_line();
    let text = format!("[127.0.0.1]:{} {key}\n@revoked * {key}\n", server.port());
    for dialing in [Dialing::to_demo(&server), Dialing::to_demo(&server).pin(key)] {
        let refused = refused_unseen(&server, &dialing.known_hosts(&text)).await;
        assert!(
            matches!(&refused, DialError::HostKeyRevoked { place, .. } if place.ends_with(":2")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn an_unknown_key_is_refused_before_any_login_if_the_policy_says_so() {
    let server = demo().await;
    for text in [
        String::new(),
        format!("[127.0.0.1]:{} {}", server.port() ^ 1, ed25519()),
        format!("@cert-authority * {}", server.host_key_line()),
        format!("*,![127.0.0.1]:{} {}", server.port(), server.host_key_line()),
    ] {
        let dialing = Dialing::to_demo(&server).policy(Reject).known_hosts(&text);
        let refused = refused_unseen(&server, &dialing).await;
        assert!(matches!(refused, DialError::HostKeyUnknown { .. }), "{text:?}: {refused:?}");
        assert!(!dialing.learned_hosts().exists());
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_used_stops_everything() {
    let server = demo().await;
    let mut unreadable = Dialing::to_demo(&server);
    unreadable.options.known_hosts = Some(unreadable.dir.path().join("missing"));
    let refused = error(unreadable.with_password(server.password()).await);
    assert!(
        matches!(&refused, DialError::HostKeyStore { cause } if cause.contains("missing cannot be read")),
        "{refused:?}"
    );

    let mut unwritable = Dialing::to_demo(&server).known_hosts("");
    unwritable.options.learned_hosts = unwritable.dir.path().join("operator/known_hosts");
    let refused = error(unwritable.with_password(server.password()).await);
    assert!(matches!(refused, DialError::HostKeyStore { .. }), "{refused:?}");
    assert_eq!(server.record().borrow().logins, []);
}

#[tokio::test]
async fn a_key_that_is_pinned_or_known_opens_under_any_policy() {
    let server = demo().await;
    let key = server.host_key_line();
    let name = format!("[127.0.0.1]:{}", server.port());
    let strict = || Dialing::to_demo(&server).policy(Reject);
    opens(&server, &strict().pin(server.fingerprint())).await;
    opens(&server, &strict().pin(key)).await;
    opens(&server, &strict().pin(&format!("{}\n{key}", ed25519()))).await;
    // A pin is the caller's word against the file's.
    opens(&server, &strict().pin(key).known_hosts(&format!("{name} {}", ed25519()))).await;
    for text in [
        format!("{name} {key}"),
        format!("# first\n\nmalformed line\n{name} {}\n{name} {key}\n", ed25519()),
        format!("127.0.0.1 {key}"),
        format!("* {key}"),
    ] {
        opens(&server, &strict().known_hosts(&text)).await;
    }
}

#[tokio::test]
async fn an_unknown_key_is_learnt_once_and_then_demanded() {
    let server = demo().await;
    let dialing = Dialing::to_demo(&server);
    opens(&server, &dialing).await;
    let learnt = std::fs::read_to_string(dialing.learned_hosts()).unwrap();
    let key: Vec<&str> = server.host_key_line().split(' ').take(2).collect();
    assert_eq!(learnt, format!("[127.0.0.1]:{} {}\n", server.port(), key.join(" ")));
    opens(&server, &dialing).await;
    assert_eq!(std::fs::read_to_string(dialing.learned_hosts()).unwrap(), learnt);

    let port = server.port();
    server.shutdown().await;
    let program = Program::Scripted(Script::Echo);
    let impostor = DemoSshd::start(Options { program, port, ..Options::default() }).await.unwrap();
    let refused = refused_unseen(&impostor, &dialing).await;
    assert!(matches!(refused, DialError::HostKeyChanged { .. }), "{refused:?}");
    assert_eq!(std::fs::read_to_string(dialing.learned_hosts()).unwrap(), learnt);
}

#[tokio::test]
async fn of_several_host_keys_the_known_or_pinned_one_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut extra = Vec::new();
    let mut lines = Vec::new();
    for kind in ["rsa", "ecdsa"] {
        let path = dir.path().join(kind);
        keygen(&path, kind, "").await.unwrap();
        extra.push(format!("HostKey {}", path.display()));
        lines.push(std::fs::read_to_string(path.with_extension("pub")).unwrap());
    }
    let server = Sshd::with_config(SshdConfig { extra, ..Default::default() }).await.unwrap();
    let key = server.client_key().unwrap();
    lines.push(server.host_key_line().unwrap());
    for line in &lines {
        let text = format!("[127.0.0.1]:{} {line}", server.port());
        let dialing = Dialing::to_sshd(&server).policy(Reject).known_hosts(&text);
        Talk::new(dialing.with_key(&key, None).await);
        let fingerprint = Fingerprint::parse(line).unwrap().to_string();
        Talk::new(Dialing::to_sshd(&server).policy(Reject).pin(&fingerprint).with_key(&key, None).await);
    }
    // None of the three: the error is about the first that was shown.
    let refused = error(Dialing::to_sshd(&server).pin(&ed25519()).with_key(&key, None).await);
    let shown = Fingerprint::parse(&lines[2]).unwrap();
    assert!(matches!(refused, DialError::HostKeyChanged { found, .. } if found == shown), "{refused:?}");
}
