//! The certificate that comes with a private key: whether it can be used, before anybody is shown it.

use std::time::{SystemTime, UNIX_EPOCH};

use engine::DialError;
use russh::keys::{
    Certificate, PrivateKey,
    ssh_key::{self, certificate::CertType},
};
use secrecy::{ExposeSecret as _, SecretString};

/// Reads an OpenSSH user certificate of this key.
///
/// # Errors
/// It cannot be read, is a host's or another key's, or is not valid now.
pub(crate) fn read(text: &SecretString, key: &PrivateKey) -> Result<Certificate, DialError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    read_at(text.expose_secret(), key, now)
}

fn read_at(text: &str, key: &PrivateKey, now: u64) -> Result<Certificate, DialError> {
    let certificate = Certificate::from_openssh(text.trim()).map_err(|error| match error {
        ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. } => {
            invalid("its type is not supported")
        }
        _ => invalid("it is no OpenSSH certificate, or it is damaged"),
    })?;
    if certificate.cert_type() != CertType::User {
        return Err(invalid("it is a host's, and a user's is needed"));
    }
    if certificate.public_key() != key.public_key().key_data() {
        return Err(invalid("it belongs to another key"));
    }
    if certificate.verify_signature().is_err() {
        return Err(invalid("the signature in it is wrong"));
    }
    if now < certificate.valid_after() {
        return Err(invalid("it is not valid yet"));
    }
    if now >= certificate.valid_before() {
        return Err(invalid("it has expired"));
    }
    Ok(certificate)
}

fn invalid(cause: &str) -> DialError {
    DialError::CertificateInvalid { cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use russh::keys::{Algorithm, key::safe_rng, ssh_key::certificate::Builder};

    use super::*;

    fn new_key() -> PrivateKey {
        PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()
    }

    fn certificate(key: &PrivateKey, kind: CertType) -> String {
        let mut builder =
            Builder::new_with_random_nonce(&mut safe_rng(), key.public_key(), 1_000, 2_000).unwrap();
        builder.cert_type(kind).unwrap().key_id("id").unwrap().valid_principal("u").unwrap();
        builder.sign(&new_key()).unwrap().to_openssh().unwrap()
    }

    #[test]
    fn it_has_to_be_a_valid_one_of_this_key() {
        let key = new_key();
        let (users, hosts) = (certificate(&key, CertType::User), certificate(&key, CertType::Host));
        let cause = |text: &str, key, now| match read_at(text, key, now) {
            Ok(_) => None,
            Err(DialError::CertificateInvalid { cause }) => Some(cause),
            Err(error) => panic!("{error:?}"),
        };
        for now in [1_000, 1_999] {
            assert_eq!(cause(&format!(" {users}\r\n"), &key, now), None, "{now}");
        }
        for (text, of, now, words) in [
            (users.as_str(), &key, 999, "not valid yet"),
            (&users, &key, 2_000, "expired"),
            (&users, &new_key(), 1_500, "another key"),
            (&hosts, &key, 1_500, "a host's"),
            (&key.public_key().to_openssh().unwrap(), &key, 1_500, "no OpenSSH certificate"),
            ("", &key, 1_500, "no OpenSSH certificate"),
            (&users[..users.len() / 2], &key, 1_500, "damaged"),
        ] {
            assert!(cause(text, of, now).is_some_and(|cause| cause.contains(words)), "{words}");
        }
    }
}
