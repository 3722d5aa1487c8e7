//! What is made of a key, policy by policy.

use std::fs;

use russh::keys::{Algorithm, PrivateKey, key::safe_rng};
use tempfile::TempDir;

use super::*;
use crate::AlgorithmPolicy;

fn key() -> PublicKey {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap().public_key().clone()
}

fn fingerprint(key: &PublicKey) -> Fingerprint {
    Fingerprint::of_public_key(&key.to_bytes().unwrap())
}

struct House {
    dir: TempDir,
    options: Options,
    target: Target,
}

fn house(policy: HostKeyPolicy) -> House {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        connect_timeout: std::time::Duration::from_secs(1),
        reach: crate::Reach::default(),
        host_key_policy: policy,
        algorithms: AlgorithmPolicy::default(),
        known_hosts: None,
        learned_hosts: dir.path().join("learned"),
        remember_host_keys: true,
    };
    let target = Target::new("h", 22, "u");
    House { dir, options, target }
}

impl House {
    fn operator_file(&mut self, text: &str) {
        let path = self.dir.path().join("operator");
        fs::write(&path, text).unwrap();
        self.options.known_hosts = Some(path);
    }

    fn judge(&self, key: &PublicKey) -> Result<(), DialError> {
        let judgement = Records::read(self.options.clone(), &self.target)?.judge(key, None)?;
        assert_ne!(judgement, Judgement::Ask);
        Ok(())
    }

    fn learned(&self) -> String {
        fs::read_to_string(&self.options.learned_hosts).unwrap_or_default()
    }
}

#[test]
fn reject_refuses_the_unknown_and_learns_nothing() {
    let house = house(HostKeyPolicy::Reject);
    assert!(matches!(house.judge(&key()), Err(DialError::HostKeyUnknown { .. })));
    assert_eq!(house.learned(), "");
}

#[test]
fn accept_new_learns_once_and_refuses_the_next() {
    let house = house(HostKeyPolicy::AcceptNew);
    let (first, second) = (key(), key());
    house.judge(&first).unwrap();
    house.judge(&first).unwrap();
    assert_eq!(house.learned().lines().count(), 1);
    let error = house.judge(&second).unwrap_err();
    let place = format!("{}:1", house.options.learned_hosts.display());
    assert!(matches!(&error, DialError::HostKeyChanged { remedy, .. } if remedy.contains(&place)), "{error}");
}

#[test]
fn a_pin_decides_over_what_is_known() {
    let mut house = house(HostKeyPolicy::Reject);
    let (pinned, known) = (key(), key());
    house.operator_file(&format!("h {}\n", known.to_openssh().unwrap()));
    house.target.host_keys = vec![fingerprint(&key()), fingerprint(&pinned)];
    house.judge(&pinned).unwrap();
    let error = house.judge(&known).unwrap_err();
    let expected = fingerprint(&pinned).to_string();
    assert!(
        matches!(&error, DialError::HostKeyChanged { remedy, .. } if remedy.contains(&expected)),
        "{error}"
    );
    assert_eq!(house.learned(), "");
}

#[test]
fn a_revoked_key_is_refused_although_it_is_pinned() {
    let mut house = house(HostKeyPolicy::AcceptNew);
    let key = key();
    house.operator_file(&format!("@revoked * {}\n", key.to_openssh().unwrap()));
    house.target.host_keys = vec![fingerprint(&key)];
    assert!(matches!(house.judge(&key), Err(DialError::HostKeyRevoked { .. })));
}

#[test]
fn accept_new_does_not_learn_a_second_key_for_the_operators_host() {
    let mut house = house(HostKeyPolicy::AcceptNew);
    house.operator_file(&format!("h {}\n", key().to_openssh().unwrap()));
    assert!(matches!(house.judge(&key()), Err(DialError::HostKeyChanged { .. })));
    assert_eq!(house.learned(), "");
}

#[test]
fn an_operators_file_that_is_missing_is_an_error_and_a_learned_one_is_not() {
    let mut house = house(HostKeyPolicy::Reject);
    house.options.known_hosts = Some(house.dir.path().join("missing"));
    let error = house.judge(&key()).unwrap_err();
    assert!(
        matches!(&error, DialError::HostKeyStore { cause } if cause.ends_with("no such file or directory")),
        "{error}"
    );
}

#[test]
fn a_learned_file_that_cannot_be_read_is_an_error() {
    let house = house(HostKeyPolicy::Reject);
    fs::create_dir(&house.options.learned_hosts).unwrap();
    assert!(matches!(house.judge(&key()), Err(DialError::HostKeyStore { .. })));
}

#[test]
fn ask_asks_about_the_unknown_only() {
    let mut house = house(HostKeyPolicy::Ask);
    let (known, unknown) = (key(), key());
    let judge = |house: &House, key: &PublicKey| {
        Records::read(house.options.clone(), &house.target).unwrap().judge(key, None)
    };
    assert_eq!(judge(&house, &unknown), Ok(Judgement::Ask));
    house.operator_file(&format!(
        "h {}\n@revoked other,h {}\n",
        known.to_openssh().unwrap(),
        unknown.to_openssh().unwrap()
    ));
    assert_eq!(judge(&house, &known), Ok(Judgement::Proved(HostProof::Known)));
    assert!(matches!(judge(&house, &key()), Err(DialError::HostKeyChanged { .. })));
    assert!(matches!(judge(&house, &unknown), Err(DialError::HostKeyRevoked { .. })));
    house.target.host_keys = vec![fingerprint(&known)];
    assert!(matches!(judge(&house, &key()), Err(DialError::HostKeyChanged { .. })));
    assert_eq!(house.learned(), "");
}

#[test]
fn what_became_known_before_the_answer_counts_for_more() {
    let house = house(HostKeyPolicy::Ask);
    let (accepted, other) = (key(), key());
    let records = Records::read(house.options.clone(), &house.target).unwrap();
    let accept = |remember| records.accept(&accepted, fingerprint(&accepted), remember);
    assert_eq!(accept(false), Ok(HostProof::Accepted));
    assert_eq!(house.learned(), "");
    learned_hosts::learn(&house.options.learned_hosts, &records.name, &other).unwrap();
    for remember in [false, true] {
        assert!(matches!(accept(remember), Err(DialError::HostKeyChanged { .. })));
    }
    fs::write(&house.options.learned_hosts, "").unwrap();
    assert_eq!(accept(true), Ok(HostProof::Accepted));
    assert_eq!(house.learned(), format!("h {}\n", accepted.to_openssh().unwrap()));
    fs::write(&house.options.learned_hosts, format!("@revoked * {}\n", accepted.to_openssh().unwrap()))
        .unwrap();
    assert!(matches!(accept(false), Err(DialError::HostKeyRevoked { .. })));
}

#[test]
fn an_accepted_key_that_cannot_be_remembered_is_accepted() {
    let mut house = house(HostKeyPolicy::Ask);
    // There, no file can be made.
    house.options.learned_hosts = "/proc/known_hosts".into();
    let records = Records::read(house.options.clone(), &house.target).unwrap();
    let key = key();
    assert_eq!(records.accept(&key, fingerprint(&key), true), Ok(HostProof::Accepted));
}
