//! Whether the key that a host shows is its own: what is revoked, then the request's pins, then what
//! is known, by a certificate or by itself, then the policy.
//!
//! Must not know the handshake.

use std::{
    io,
    sync::{Arc, Weak},
    time::SystemTime,
};

use engine::{
    Answer, DialError, Fingerprint, HostKeyQuestion, HostProof, Person, Preset, Question, Target, Unanswered,
};
use russh::keys::{Certificate, PublicKey, PublicKeyOrCertificate};
use tracing::{info, warn};

use crate::{
    HostKeyPolicy, Options,
    algorithms::{self, HostProofs},
    clock::Brake,
    dial::words,
    fault::lost,
    host_certificate,
    known_hosts::{HostName, KnownHost, Verdict},
    learned_hosts,
    link::Pulse,
    randomart::randomart,
};

/// Judges the keys of one host.
pub(crate) struct HostKeyCheck {
    /// Gone once the shell is open, while the check lives as long as its connection.
    person: Weak<dyn Person>,
    records: Arc<Records>,
}

/// What is known of a host, and what is made of it.
struct Records {
    options: Options,
    target: String,
    pins: Vec<Fingerprint>,
    name: HostName,
    known: KnownHost,
}

/// A host that is the right one.
pub(crate) struct Proved {
    /// Of the key that it showed.
    pub(crate) fingerprint: Fingerprint,
    /// Why it is taken for the host's.
    pub(crate) proof: HostProof,
    /// Whether it came in a certificate.
    pub(crate) is_certificate: bool,
}

/// What is to be done with a host.
#[derive(Debug, Eq, PartialEq)]
enum Judgement {
    /// Go on.
    Proved(HostProof),
    /// Ask a person.
    Ask,
}

impl HostKeyCheck {
    /// Reads what is known of the target.
    ///
    /// # Errors
    /// A file that must be readable is not.
    pub(crate) async fn read(
        options: Options,
        target: Target,
        person: &Arc<dyn Person>,
    ) -> Result<Self, DialError> {
        let records = Arc::new(blocking(move || Records::read(options, &target)).await?);
        Ok(Self { person: Arc::downgrade(person), records })
    }

    /// What to ask the host for, a handshake each: one is tried if the key that the one before it
    /// brought is not a pinned one.
    pub(crate) fn proofs(&self, preset: Preset) -> Vec<HostProofs> {
        let Records { pins, known, .. } = &*self.records;
        if pins.is_empty() {
            let has_authority = known.authorities().next().is_some();
            return vec![algorithms::host_proofs(preset, &known.algorithms(), has_authority)];
        }
        let mut lists = vec![algorithms::host_proofs(preset, &[], false)];
        lists.extend(algorithms::other_host_keys(preset));
        lists
    }

    /// `host:port`, for sentences.
    pub(crate) fn target(&self) -> &str {
        &self.records.target
    }

    /// Makes sure that what is shown may be trusted; asks and learns if the policy says so.
    ///
    /// # Errors
    /// It may not.
    pub(crate) async fn prove(
        &self,
        shown: &PublicKeyOrCertificate,
        brake: &Brake,
        pulse: &Pulse,
    ) -> Result<Proved, DialError> {
        let (key, certificate) = (shown.public_key(), shown.certificate().cloned());
        let (records, judged) = (Arc::clone(&self.records), key.clone());
        let (fingerprint, is_certificate) = (fingerprint(&key)?, certificate.is_some());
        let proof = match blocking(move || records.judge(&judged, certificate.as_ref())).await? {
            Judgement::Proved(proof) => proof,
            Judgement::Ask => self.ask(key, brake, pulse).await?,
        };
        Ok(Proved { fingerprint, proof, is_certificate })
    }

    async fn ask(&self, key: PublicKey, brake: &Brake, pulse: &Pulse) -> Result<HostProof, DialError> {
        let (target, found) = (self.records.target.clone(), fingerprint(&key)?);
        let question = HostKeyQuestion {
            target: target.clone(),
            algorithm: key.algorithm().to_string(),
            fingerprint: found,
            randomart: randomart(key.key_data()),
            can_remember: self.records.options.remember_host_keys,
        };
        let answer = match self.person.upgrade() {
            Some(person) => {
                let _hold = brake.hold();
                tokio::select! {
                    biased;
                    answer = person.ask(Question::HostKey(question)) => answer,
                    () = pulse.ended() => return Err(lost(&target, "before its key was accepted")),
                }
            }
            None => Err(Unanswered::Nobody),
        };
        match answer {
            Ok(Answer::Accept { remember }) => {
                info!(target, %found, remember, "a host key was accepted");
                let records = Arc::clone(&self.records);
                blocking(move || records.accept(&key, found, remember)).await
            }
            Ok(answer) => Err(DialError::Internal { cause: format!("{answer:?} answers another question") }),
            Err(Unanswered::Refused) => Err(DialError::HostKeyRefused { target, found }),
            Err(Unanswered::TimedOut) => Err(DialError::Unanswered { target }),
            Err(Unanswered::Nobody) => Err(DialError::HostKeyUnknown { target, found }),
        }
    }
}

impl Records {
    fn read(options: Options, target: &Target) -> Result<Self, DialError> {
        let name = HostName::new(&target.host, target.port);
        let known = read_known(&options, &name)?;
        Ok(Self { target: target.to_string(), pins: target.host_keys.clone(), options, name, known })
    }

    fn judge(&self, key: &PublicKey, certificate: Option<&Certificate>) -> Result<Judgement, DialError> {
        let found = fingerprint(key)?;
        if let Some(place) = self.known.revocation(key.key_data()) {
            return Err(self.revoked(found, place.to_owned()));
        }
        if !self.pins.is_empty() {
            if self.pins.contains(&found) {
                return Ok(Judgement::Proved(HostProof::Pinned));
            }
            let pins: Vec<_> = self.pins.iter().map(Fingerprint::to_string).collect();
            return Err(self.changed(found, format!("The request expects {}.", pins.join(" or "))));
        }
        match certificate {
            Some(certificate) if self.is_certified(certificate, found)? => {
                Ok(Judgement::Proved(HostProof::Certificate))
            }
            // Without its certificate it is a key like any other.
            _ => self.obey(key, found),
        }
    }

    /// Whether an authority of the host speaks for the key.
    fn is_certified(&self, certificate: &Certificate, found: Fingerprint) -> Result<bool, DialError> {
        if let Some(place) = self.known.revocation(certificate.signature_key()) {
            return Err(self.revoked(found, format!("{place}, with the authority that signed it")));
        }
        let (host, now) = (self.name.host(), SystemTime::now());
        match host_certificate::verify(certificate, host, self.known.authorities(), now) {
            Ok(()) => Ok(true),
            Err(objection) => {
                warn!(target = self.target, %objection, "a host's certificate does not count");
                Ok(false)
            }
        }
    }

    fn obey(&self, key: &PublicKey, found: Fingerprint) -> Result<Judgement, DialError> {
        match (self.known.verdict(key.key_data()), self.options.host_key_policy) {
            (Verdict::Unknown, HostKeyPolicy::Ask) => Ok(Judgement::Ask),
            (Verdict::Unknown, HostKeyPolicy::AcceptNew) => self.learn(key, found).map(Judgement::Proved),
            (verdict, _) => self.trust(verdict, found).map(|()| Judgement::Proved(HostProof::Known)),
        }
    }

    fn learn(&self, key: &PublicKey, found: Fingerprint) -> Result<HostProof, DialError> {
        let path = &self.options.learned_hosts;
        let verdict = learned_hosts::learn(path, &self.name, key)
            .map_err(|error| store_error(path, "written", &error))?;
        if verdict == Verdict::Known {
            info!(target = self.target, %found, "learnt a host key");
        }
        self.trust(verdict, found).map(|()| HostProof::Learnt)
    }

    /// A person has taken the key for the host's. What became known while they thought about it counts
    /// for more.
    fn accept(&self, key: &PublicKey, found: Fingerprint, remember: bool) -> Result<HostProof, DialError> {
        match read_known(&self.options, &self.name)?.verdict(key.key_data()) {
            Verdict::Unknown => {}
            verdict => return self.trust(verdict, found).map(|()| HostProof::Known),
        }
        if !remember {
            return Ok(HostProof::Accepted);
        }
        match self.learn(key, found) {
            // What cannot be remembered was accepted all the same: it will be asked for again.
            Err(DialError::HostKeyStore { cause }) => {
                warn!(target = self.target, cause, "an accepted host key is not remembered");
                Ok(HostProof::Accepted)
            }
            learnt => learnt.map(|_| HostProof::Accepted),
        }
    }

    fn trust(&self, verdict: Verdict, found: Fingerprint) -> Result<(), DialError> {
        match verdict {
            Verdict::Known => Ok(()),
            Verdict::Changed { place } => Err(self.changed(found, expected_at(&place))),
            Verdict::Revoked { place } => Err(self.revoked(found, place)),
            Verdict::Unknown => Err(DialError::HostKeyUnknown { target: self.target.clone(), found }),
        }
    }

    fn changed(&self, found: Fingerprint, remedy: String) -> DialError {
        DialError::HostKeyChanged { target: self.target.clone(), found, remedy }
    }

    fn revoked(&self, found: Fingerprint, place: String) -> DialError {
        DialError::HostKeyRevoked { target: self.target.clone(), found, place }
    }
}

/// What the files say now.
fn read_known(options: &Options, name: &HostName) -> Result<KnownHost, DialError> {
    let mut known = KnownHost::default();
    if let Some(path) = &options.known_hosts {
        known.add_file(path, name).map_err(|error| store_error(path, "read", &error))?;
    }
    let learned = &options.learned_hosts;
    match known.add_file(learned, name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => read.map_err(|error| store_error(learned, "read", &error))?,
    }
    Ok(known)
}

fn fingerprint(key: &PublicKey) -> Result<Fingerprint, DialError> {
    let blob = key.to_bytes().map_err(|error| DialError::Internal { cause: error.to_string() })?;
    Ok(Fingerprint::of_public_key(&blob))
}

/// Files are read and written off the threads that carry bytes.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DialError> + Send + 'static,
) -> Result<T, DialError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| DialError::Internal { cause: "the host key check stopped".to_owned() })?
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
#[path = "host_key_tests.rs"]
mod tests;
