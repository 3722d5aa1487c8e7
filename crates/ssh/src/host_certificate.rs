//! Whether the certificate that a host shows proves it, as OpenSSH judges that.
//!
//! Must not know the known hosts files: it is given the authorities of the host.

use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::{
    Algorithm, Certificate, HashAlg,
    ssh_key::{Fingerprint, certificate::CertType, public::KeyData},
};

use crate::glob;

/// Why a certificate proves nothing. The key in it may still be known by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Objection {
    /// Or there is no authority at all.
    #[error("no authority of this host has signed it")]
    Authority,
    /// It is for users.
    #[error("it is not a host's")]
    Kind,
    /// Its first second has not come.
    #[error("it is not valid yet")]
    Early,
    /// Its last second has passed.
    #[error("it has expired")]
    Late,
    /// It names others, or nobody.
    #[error("it does not name this host")]
    Principals,
    /// There is none for hosts.
    #[error("it has a critical option")]
    CriticalOption,
    /// SHA-1, DSA, or what is not known here.
    #[error("it is signed with an algorithm that is not accepted")]
    SignatureAlgorithm,
    /// Somebody else made it, or changed it.
    #[error("its signature is wrong")]
    Signature,
}

/// Whether one of these authorities says now that this is the key of `host`, a name in lower case.
///
/// # Errors
/// None does.
pub(crate) fn verify<'a>(
    certificate: &Certificate,
    host: &str,
    mut authorities: impl Iterator<Item = &'a KeyData>,
    now: SystemTime,
) -> Result<(), Objection> {
    let signer = certificate.signature_key();
    if !authorities.any(|authority| authority == signer) {
        return Err(Objection::Authority);
    }
    if certificate.cert_type() != CertType::Host {
        return Err(Objection::Kind);
    }
    let now = now.duration_since(UNIX_EPOCH).map_err(|_| Objection::Early)?.as_secs();
    if now < certificate.valid_after() {
        return Err(Objection::Early);
    }
    if now >= certificate.valid_before() {
        return Err(Objection::Late);
    }
    // One without names is nobody's, and names may be patterns: as OpenSSH has it since 10.3.
    if !certificate.valid_principals().iter().any(|name| glob::matches(name, host)) {
        return Err(Objection::Principals);
    }
    if !certificate.critical_options().is_empty() {
        return Err(Objection::CriticalOption);
    }
    if !is_accepted(&certificate.signature().algorithm()) {
        return Err(Objection::SignatureAlgorithm);
    }
    let trusted: [Fingerprint; 1] = [signer.fingerprint(HashAlg::Sha256)];
    certificate.validate_at(now, &trusted).map_err(|_| Objection::Signature)
}

/// The algorithms of OpenSSH's `CASignatureAlgorithms` that can be verified here.
fn is_accepted(algorithm: &Algorithm) -> bool {
    matches!(
        algorithm,
        Algorithm::Ed25519
            | Algorithm::SkEd25519
            | Algorithm::Ecdsa { .. }
            | Algorithm::SkEcdsaSha2NistP256
            | Algorithm::Rsa { hash: Some(_) }
    )
}

#[cfg(test)]
#[path = "host_certificate_tests.rs"]
mod tests;
