//! Whether the key that a host shows is its own: the request's pin, then what is revoked, then
//! what is known, then the policy.
//!
//! Must not know the handshake.

use std::io;

use engine::{DialError, Fingerprint, Target};
use russh::keys::{Algorithm, PublicKey};
use tracing::info;

use crate::{
    HostKeyPolicy, Options, algorithms,
    dial::words,
    known_hosts::{HostName, KnownHost, Verdict},
    learned_hosts,
};

/// Judges the keys of one host.
pub(crate) struct HostKeyCheck {
    options: Options,
    target: String,
    pins: Vec<Fingerprint>,
    name: HostName,
    known: KnownHost,
}

impl HostKeyCheck {
    /// Reads what is known of the target.
    ///
    /// # Errors
    /// A file that must be readable is not.
    pub(crate) async fn read(options: Options, target: Target) -> Result<Self, DialError> {
        let read = tokio::task::spawn_blocking(move || Self::new(options, &target)).await;
        read.map_err(|_| DialError::Internal { cause: "the known hosts reader stopped".to_owned() })?
    }

    fn new(options: Options, target: &Target) -> Result<Self, DialError> {
        let name = HostName::new(&target.host, target.port);
        let mut known = KnownHost::default();
        if let Some(path) = &options.known_hosts {
            known.add_file(path, &name).map_err(|error| store_error(path, "read", &error))?;
        }
        match known.add_file(&options.learned_hosts, &name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => read.map_err(|error| store_error(&options.learned_hosts, "read", &error))?,
        }
        Ok(Self { target: target.to_string(), pins: target.host_keys.clone(), options, name, known })
    }

    /// The lists of key types to ask for, a handshake each: a list is tried if the key that the
    /// one before it brought is not the pinned one.
    pub(crate) fn key_types(&self) -> Vec<Vec<Algorithm>> {
        if self.pins.is_empty() {
            return vec![algorithms::host_keys(&self.known.algorithms())];
        }
        let mut lists = vec![algorithms::host_keys(&[])];
        lists.extend(algorithms::other_host_keys());
        lists
    }

    /// `host:port`, for sentences.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// Whether the key may be trusted; learns it if the policy says so. Blocks.
    ///
    /// # Errors
    /// It may not.
    pub(crate) fn judge(&self, key: &PublicKey) -> Result<(), DialError> {
        let blob = key.to_bytes().map_err(|error| DialError::Internal { cause: error.to_string() })?;
        let found = Fingerprint::of_public_key(&blob);
        let verdict = self.known.verdict(key.key_data());
        if let Verdict::Revoked { place } = verdict {
            return Err(DialError::HostKeyRevoked { target: self.target.clone(), found, place });
        }
        if self.pins.is_empty() {
            self.obey(verdict, key, found)
        } else if self.pins.contains(&found) {
            Ok(())
        } else {
            let pins: Vec<_> = self.pins.iter().map(Fingerprint::to_string).collect();
            Err(self.changed(found, format!("The request expects {}.", pins.join(" or "))))
        }
    }

    fn obey(&self, verdict: Verdict, key: &PublicKey, found: Fingerprint) -> Result<(), DialError> {
        let target = self.target.clone();
        match (verdict, self.options.host_key_policy) {
            (Verdict::Known, _) => Ok(()),
            (Verdict::Changed { place }, _) => Err(self.changed(found, expected_at(&place))),
            (Verdict::Revoked { place }, _) => Err(DialError::HostKeyRevoked { target, found, place }),
            (Verdict::Unknown, HostKeyPolicy::Reject) => Err(DialError::HostKeyUnknown { target, found }),
            (Verdict::Unknown, HostKeyPolicy::AcceptNew) => self.learn(key, found),
        }
    }

    fn learn(&self, key: &PublicKey, found: Fingerprint) -> Result<(), DialError> {
        let path = &self.options.learned_hosts;
        let verdict = learned_hosts::learn(path, &self.name, key)
            .map_err(|error| store_error(path, "written", &error))?;
        match verdict {
            Verdict::Known => {
                info!(target = self.target, %found, "learnt a host key");
                Ok(())
            }
            Verdict::Changed { place } => Err(self.changed(found, expected_at(&place))),
            Verdict::Revoked { place } => {
                Err(DialError::HostKeyRevoked { target: self.target.clone(), found, place })
            }
            Verdict::Unknown => Err(DialError::HostKeyUnknown { target: self.target.clone(), found }),
        }
    }

    fn changed(&self, found: Fingerprint, remedy: String) -> DialError {
        DialError::HostKeyChanged { target: self.target.clone(), found, remedy }
    }
}

fn expected_at(place: &str) -> String {
    format!(
        "The expected key stands at {place}; whoever runs the gateway may remove that line once \
         the change is explained."
    )
}

fn store_error(path: &std::path::Path, verb: &str, error: &io::Error) -> DialError {
    DialError::HostKeyStore { cause: format!("{} cannot be {verb}: {}", path.display(), words(error)) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use russh::keys::{PrivateKey, key::safe_rng};
    use tempfile::TempDir;

    use super::*;

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
            known_hosts: None,
            learned_hosts: dir.path().join("learned"),
        };
        let target =
            Target { host: "h".to_owned(), port: 22, username: "u".to_owned(), host_keys: Vec::new() };
        House { dir, options, target }
    }

    impl House {
        fn operator_file(&mut self, text: &str) {
            let path = self.dir.path().join("operator");
            fs::write(&path, text).unwrap();
            self.options.known_hosts = Some(path);
        }

        fn judge(&self, key: &PublicKey) -> Result<(), DialError> {
            HostKeyCheck::new(self.options.clone(), &self.target)?.judge(key)
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
        assert!(
            matches!(&error, DialError::HostKeyChanged { remedy, .. } if remedy.contains(&place)),
            "{error}"
        );
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
}
