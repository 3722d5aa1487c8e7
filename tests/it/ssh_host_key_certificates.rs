//! Host certificates of real sshds, with OpenSSH's own client as the referee of whom to trust.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use engine::{Answer, DialError, Question};
use ssh::HostKeyPolicy::{AcceptNew, Ask, Reject};
use tempfile::TempDir;
use testkit::{Sshd, SshdConfig, sshd::keygen};
use tokio::process::Command;

use crate::{
    ssh_dialing::{Dialing, Talk, error},
    ssh_host_key::ed25519,
};

/// Two authorities, and a server whose Ed25519 key the first one has certified; its RSA key is plain.
struct House {
    dir: TempDir,
    sshd: Sshd,
}

impl House {
    /// With a certificate made by `ssh-keygen -s` with these options.
    async fn new(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["authority", "other", "host"] {
            keygen(&dir.path().join(name), "ed25519", "").await.unwrap();
        }
        let host = dir.path().join("host");
        let certified = Command::new("ssh-keygen")
            .args(["-q", "-I", "id", "-s"])
            .arg(dir.path().join("authority"))
            .args(options)
            .arg(host.with_extension("pub"))
            .status()
            .await
            .unwrap();
        assert!(certified.success());
        let extra = vec![
            format!("HostKey {}", host.display()),
            format!("HostCertificate {}", dir.path().join("host-cert.pub").display()),
        ];
        let force_command = Some("true".to_owned());
        let config =
            SshdConfig { extra, force_command, host_key_type: "rsa".to_owned(), ..SshdConfig::default() };
        let sshd = Sshd::with_config(config).await.unwrap();
        Self { dir, sshd }
    }

    fn key(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name).with_extension("pub")).unwrap().trim().to_owned()
    }

    /// The server as it is called at its port.
    fn name(&self) -> String {
        format!("[127.0.0.1]:{}", self.sshd.port())
    }

    async fn dial(&self, dialing: &Dialing) -> Result<Talk, DialError> {
        let key = self.sshd.client_key().unwrap();
        dialing.with_key(&key, None).await.map(|transport| Talk::new(Ok(transport)))
    }

    /// What OpenSSH's client makes of the same file.
    async fn openssh_trusts(&self, known_hosts: &str) -> bool {
        let file: PathBuf = self.dir.path().join("known_hosts");
        std::fs::write(&file, known_hosts).unwrap();
        self.ssh(&file).await
    }

    async fn ssh(&self, known_hosts: &Path) -> bool {
        let output = Command::new("ssh")
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"])
            .args(["-o", "GlobalKnownHostsFile=/dev/null", "-o", "UpdateHostKeys=no", "-o"])
            .arg(format!("UserKnownHostsFile={}", known_hosts.display()))
            .args(["-o", "IdentitiesOnly=yes", "-i"])
            .arg(self.sshd.client_key_path())
            .args(["-p", &self.sshd.port().to_string(), &format!("{}@127.0.0.1", self.sshd.username())])
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        output.status.success()
    }

    /// Dials with nobody to ask, and makes sure that OpenSSH decides alike.
    async fn judged(&self, known_hosts: &str) -> Result<(), DialError> {
        let dialing = Dialing::to_sshd(&self.sshd).policy(Reject).known_hosts(known_hosts);
        let dialed = self.dial(&dialing).await.map(drop);
        let trusted = self.openssh_trusts(known_hosts).await;
        assert_eq!(dialed.is_ok(), trusted, "OpenSSH decides otherwise about {known_hosts}: {dialed:?}");
        dialed
    }
}

#[tokio::test]
async fn a_certificate_of_a_known_authority_proves_the_host() {
    for names in ["127.0.0.1", "other,127.0.0.1"] {
        let house = House::new(&["-h", "-n", names]).await;
        let (name, authority, other) = (house.name(), house.key("authority"), house.key("other"));
        for text in [
            format!("@cert-authority {name} {authority}\n"),
            format!("@cert-authority 127.0.0.1 {authority}\n"),
            format!("@cert-authority *,!example.org {authority}\n"),
            format!("@cert-authority * {other}\n@cert-authority * {authority}\n"),
            format!("@cert-authority {name} {other}\n@cert-authority 127.0.0.1 {authority}\n"),
            // A certificate counts for more than another key that stands there.
            format!("{name} {}\n@cert-authority * {authority}\n", ed25519()),
        ] {
            assert_eq!(house.judged(&text).await, Ok(()), "{names}: {text}");
        }
    }
}

#[tokio::test]
async fn a_host_that_is_proved_by_a_pattern_is_neither_asked_about_nor_learnt() {
    // OpenSSH takes patterns since 10.3; what there is here may be older, and is not asked.
    for names in ["127.0.0.1", "127.0.0.*", "*"] {
        let house = House::new(&["-h", "-n", names]).await;
        let text = format!("@cert-authority * {}\n", house.key("authority"));
        for policy in [Ask, AcceptNew, Reject] {
            let dialing = Dialing::to_sshd(&house.sshd).policy(policy).known_hosts(&text);
            house.dial(&dialing).await.unwrap();
            assert_eq!(dialing.person.questions(), []);
            assert!(!dialing.learned_hosts().exists());
        }
    }
}

#[tokio::test]
async fn a_certificate_that_proves_nothing_leaves_its_key() {
    for options in [
        &["-h", "-n", "127.0.0.2"][..],
        &["-h", "-n", "127.0.0.1", "-V", "-2d:-1d"],
        &["-h", "-n", "127.0.0.1", "-V", "+1d:+2d"],
        &["-h", "-n", "127.0.0.1", "-O", "critical:x@example.org=y"],
        &["-n", "127.0.0.1"],
    ] {
        let house = House::new(options).await;
        let (name, authority, key) = (house.name(), house.key("authority"), house.key("host"));
        let trusting = format!("@cert-authority * {authority}\n");
        let unknown = house.judged(&trusting).await;
        assert!(matches!(unknown, Err(DialError::HostKeyUnknown { .. })), "{options:?}: {unknown:?}");
        let known = house.judged(&format!("{trusting}{name} {key}\n")).await;
        assert_eq!(known, Ok(()), "{options:?}");
        let changed = house.judged(&format!("{trusting}{name} {}\n", ed25519())).await;
        assert!(matches!(changed, Err(DialError::HostKeyChanged { .. })), "{options:?}: {changed:?}");

        let asked = Dialing::to_sshd(&house.sshd).policy(Ask).known_hosts(&trusting);
        let asked = asked.answered([Ok(Answer::Accept { remember: true })]);
        house.dial(&asked).await.unwrap();
        let questions = asked.person.questions();
        assert!(
            matches!(questions.as_slice(), [Question::HostKey(asked)] if asked.algorithm == "ssh-ed25519"),
            "{questions:?}"
        );
        let key: Vec<&str> = key.split(' ').take(2).collect();
        let learnt = std::fs::read_to_string(asked.learned_hosts()).unwrap();
        assert_eq!(learnt, format!("{name} {}\n", key.join(" ")));
    }
}

#[tokio::test]
async fn an_authority_of_another_host_is_none() {
    let house = House::new(&["-h", "-n", "127.0.0.1"]).await;
    let (name, authority, other) = (house.name(), house.key("authority"), house.key("other"));
    for text in [
        format!("@cert-authority example.org {authority}\n"),
        format!("@cert-authority * {other}\n"),
        format!("{name} {authority}\n"),
    ] {
        let judged = house.judged(&text).await;
        assert!(judged.is_err(), "{text}");
    }
    // OpenSSH would look again without the port; a line that excludes the host is held to its word here.
    let text = format!("@cert-authority *,!{name} {authority}\n");
    let dialing = Dialing::to_sshd(&house.sshd).policy(Reject).known_hosts(&text);
    let refused = house.dial(&dialing).await.map(drop);
    assert!(matches!(refused, Err(DialError::HostKeyUnknown { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_revoked_authority_or_key_is_refused_although_it_is_certified_and_known() {
    let house = House::new(&["-h", "-n", "127.0.0.1"]).await;
    let (name, authority, key) = (house.name(), house.key("authority"), house.key("host"));
    let trusting = format!("@cert-authority * {authority}\n{name} {key}\n");
    assert_eq!(house.judged(&trusting).await, Ok(()));
    for revoked in [&authority, &key] {
        match house.judged(&format!("{trusting}@revoked * {revoked}\n")).await {
            Err(DialError::HostKeyRevoked { place, .. }) => assert!(place.contains(":3"), "{place}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_known_key_is_asked_for_where_there_is_no_authority() {
    let house = House::new(&["-h", "-n", "127.0.0.1"]).await;
    let rsa = house.sshd.host_key_line().unwrap();
    for key in [rsa, house.key("host")] {
        assert_eq!(house.judged(&format!("{} {key}\n", house.name())).await, Ok(()), "{key}");
    }
}

#[tokio::test]
async fn a_host_that_is_refused_hears_no_user_name() {
    let house = House::new(&["-h", "-n", "127.0.0.2"]).await;
    let text = format!("@cert-authority * {}\n", house.key("authority"));
    let dialing = Dialing::to_sshd(&house.sshd).policy(Reject).known_hosts(&text);
    let key = house.sshd.client_key().unwrap();
    let refused = error(dialing.with_key(&key, None).await);
    assert!(matches!(refused, DialError::HostKeyUnknown { .. }), "{refused:?}");
    // sshd says `by authenticating user NAME` once it has heard one.
    let left = house.sshd.logged("[preauth]").await.unwrap();
    assert!(!left.contains("user"), "{left}");
}
