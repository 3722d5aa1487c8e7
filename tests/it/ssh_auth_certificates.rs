//! User certificates, made by OpenSSH and judged by it.

use std::{fs, path::Path, process::Stdio};

use engine::{Credentials, DialError, KeyFile};
use testkit::{Sshd, SshdConfig, sshd::keygen};
use tokio::process::Command;

use crate::ssh_dialing::{Dialing, Talk, error};

/// An authority, and a server that trusts it and no key that stands alone.
struct House {
    dir: tempfile::TempDir,
    server: Sshd,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        keygen(&dir.path().join("ca"), "ed25519", "").await.unwrap();
        let extra = vec![
            format!("TrustedUserCAKeys {}", dir.path().join("ca.pub").display()),
            "AuthorizedKeysFile none".to_owned(),
        ];
        let server = Sshd::with_config(SshdConfig { extra, ..Default::default() }).await.unwrap();
        Self { dir, server }
    }

    async fn new_key(&self, name: &str, kind: &str) -> String {
        let path = self.dir.path().join(name);
        keygen(&path, kind, "").await.unwrap();
        fs::read_to_string(path).unwrap()
    }

    /// `ssh-keygen -s`, for the key of this name.
    async fn certify(&self, name: &str, options: &[&str]) -> String {
        let public = self.dir.path().join(name).with_extension("pub");
        let signing = Command::new("ssh-keygen")
            .args(["-q", "-s"])
            .arg(self.dir.path().join("ca"))
            .args(["-I", "test"])
            .args(options)
            .arg(&public)
            .stdin(Stdio::null())
            .output();
        let output = signing.await.unwrap();
        assert!(output.status.success(), "{output:?}");
        fs::read_to_string(certificate_path(self.dir.path(), name)).unwrap()
    }
}

fn certificate_path(dir: &Path, name: &str) -> std::path::PathBuf {
    dir.join(format!("{name}-cert.pub"))
}

fn with(key: &str, certificate: &str) -> Credentials {
    let certificate = Some(certificate.into());
    Credentials {
        key: Some(KeyFile { text: key.into(), passphrase: None, certificate }),
        ..Credentials::default()
    }
}

#[tokio::test]
async fn keys_of_every_type_are_certified() {
    let house = House::new().await;
    let dialing = Dialing::to_sshd(&house.server);
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let key = house.new_key(kind, kind).await;
        let certificate = house.certify(kind, &["-n", house.server.username(), "-V", "+1h"]).await;
        // The key alone opens nothing.
        let refused = error(dialing.with_key(&key, None).await);
        assert!(matches!(refused, DialError::AuthFailed { method: "key", .. }), "{kind} {refused:?}");
        Talk::new(dialing.with(with(&key, &certificate)).await);
    }
    let accepted: Vec<String> =
        house.server.log().into_iter().filter(|line| line.contains("Accepted publickey")).collect();
    assert_eq!(accepted.len(), 3, "{accepted:#?}");
    assert!(accepted.iter().all(|line| line.contains("-CERT")), "{accepted:#?}");
}

#[tokio::test]
async fn a_certificate_that_is_no_use_is_shown_to_nobody() {
    let house = House::new().await;
    let (key, other) = (house.new_key("key", "ed25519").await, house.new_key("other", "ed25519").await);
    let user = house.server.username();
    let expired = house.certify("key", &["-n", user, "-V", "-2h:-1h"]).await;
    let early = house.certify("key", &["-n", user, "-V", "+1h:+2h"]).await;
    let host = house.certify("key", &["-h", "-n", user]).await;
    let good = house.certify("key", &["-n", user]).await;
    let dialing = Dialing::to_sshd(&house.server);
    for (key, certificate, cause) in [
        (&key, expired.as_str(), "it has expired"),
        (&key, &early, "it is not valid yet"),
        (&key, &host, "it is a host's, and a user's is needed"),
        (&other, &good, "it belongs to another key"),
        (&key, "nonsense", "it is no OpenSSH certificate, or it is damaged"),
    ] {
        let expected = DialError::CertificateInvalid { cause: cause.to_owned() };
        assert_eq!(error(dialing.with(with(key, certificate)).await), expected);
    }
    assert!(dialing.person.steps().is_empty());
    Talk::new(dialing.with(with(&key, &good)).await);
}

#[tokio::test]
async fn a_certificate_for_somebody_else_is_refused_by_the_server() {
    let house = House::new().await;
    let key = house.new_key("key", "ed25519").await;
    let certificate = house.certify("key", &["-n", "somebody-else"]).await;
    let dialing = Dialing::to_sshd(&house.server);
    let refused = error(dialing.with(with(&key, &certificate)).await);
    assert_eq!(refused, DialError::AuthFailed { target: dialing.target.to_string(), method: "key" });
    house.server.logged("name is not a listed principal").await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_known_itself_needs_no_certificate_to_be_taken() {
    let server = Sshd::start().await.unwrap();
    let house = House::new().await;
    let key = server.client_key().unwrap();
    fs::copy(server.client_key_path().with_extension("pub"), house.dir.path().join("key.pub")).unwrap();
    let certificate = house.certify("key", &["-n", server.username()]).await;
    Talk::new(Dialing::to_sshd(&server).with(with(&key, &certificate)).await);
}
