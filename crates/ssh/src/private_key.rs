//! Private keys as people have them: OpenSSH, PKCS#8, PKCS#1, SEC1 and PuTTY, plain or encrypted.
//!
//! A key is an upload: its size and the cost of opening it are checked before anything is done
//! with it, and few encrypted ones are opened at a time, away from the threads that serve sessions.

use std::{sync::Arc, time::Duration};

use engine::DialError;
use pkcs8::{EncryptedPrivateKeyInfoRef, pkcs5};
use russh::keys::{
    self, Algorithm, EcdsaCurve, PrivateKey, ssh_encoding,
    ssh_key::{self, public::KeyData},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{sync::Semaphore, time::timeout};
use zeroize::Zeroizing;

use crate::{kdf, pem::Pem, short_number, text};

/// The longest file, in bytes.
const MAX_FILE: usize = 64 * 1024;
/// The longest key inside: more than RSA with 8192 bits needs, in bytes.
const MAX_KEY: usize = 8 * 1024;
/// A signature costs the cube of this, and russh makes it on a thread that serves sessions.
const MAX_RSA_BITS: u32 = 8192;

/// How many encrypted keys are opened at the same time; plain ones cost next to nothing.
static DECODERS: Semaphore = Semaphore::const_new(2);
/// The longest that opening a key may take, with the wait for its turn.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Opens a private key.
///
/// # Errors
/// It cannot be read, its passphrase is missing or wrong, opening it costs too much, or its turn
/// does not come in time.
pub(crate) async fn decode(
    key: SecretString,
    passphrase: Option<SecretString>,
) -> Result<PrivateKey, DialError> {
    timeout(MAX_TIME, decode_in_turn(Arc::new(key), passphrase)).await.unwrap_or_else(|_| {
        let seconds = MAX_TIME.as_secs();
        Err(internal(format!(
            "it is busy with other private keys and did not open this one within {seconds} s"
        )))
    })
}

async fn decode_in_turn(
    key: Arc<SecretString>,
    passphrase: Option<SecretString>,
) -> Result<PrivateKey, DialError> {
    // An empty passphrase opens nothing: it is a form's way to say that there is none.
    let passphrase = passphrase.filter(|text| !text.expose_secret().is_empty());
    // Nothing is derived without a passphrase: only a key that needs one has to wait for its turn.
    let plain = key.clone();
    let without = blocking(move || read(plain.expose_secret(), None)).await;
    match (without, passphrase) {
        (Err(DialError::KeyPassphrase { missing: true }), Some(passphrase)) => {
            let turn = DECODERS.acquire().await.map_err(|_| internal("no private key is opened any more"))?;
            blocking(move || {
                // Held until the work is done, even if nobody waits for it any more.
                let _turn = turn;
                read(key.expose_secret(), Some(passphrase.expose_secret()))
            })
            .await
        }
        (result, _) => result,
    }
}

async fn blocking(
    read: impl FnOnce() -> Result<PrivateKey, DialError> + Send + 'static,
) -> Result<PrivateKey, DialError> {
    tokio::task::spawn_blocking(read).await.map_err(|_| invalid("it is damaged"))?
}

fn read(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, DialError> {
    if text.len() > MAX_FILE {
        return Err(invalid("it is longer than 64 KiB"));
    }
    let key = match putty_text(text) {
        Some(putty) => read_putty(&putty, passphrase)?,
        None => match Pem::find(text) {
            Some(pem) => read_pem(&pem, passphrase)?,
            None => return Err(invalid(not_a_key(text))),
        },
    };
    check_usable(key.public_key().key_data())?;
    Ok(key)
}

fn read_pem(pem: &Pem, passphrase: Option<&str>) -> Result<PrivateKey, DialError> {
    let bytes = pem.bytes().ok_or_else(damaged)?;
    if bytes.len() > MAX_KEY {
        return Err(too_large());
    }
    match (pem.label.as_str(), &pem.dek_info) {
        ("OPENSSH PRIVATE KEY", None) => read_openssh(&bytes, passphrase),
        ("ENCRYPTED PRIVATE KEY", None) => read_encrypted_pkcs8(&bytes, passphrase),
        ("PRIVATE KEY" | "EC PRIVATE KEY", None) => {
            keys::pkcs8::decode_pkcs8(&bytes, None).map_err(|error| unreadable(&error))
        }
        ("RSA PRIVATE KEY", None) => {
            keys::decode_secret_key(&pem.text(), None).map_err(|error| unreadable(&error))
        }
        ("RSA PRIVATE KEY", Some(dek_info)) if dek_info.starts_with("AES-128-CBC,") => {
            let passphrase = passphrase.ok_or(DialError::KeyPassphrase { missing: true })?;
            // What comes out with a wrong passphrase is no key.
            keys::decode_secret_key(&pem.text(), Some(passphrase))
                .map_err(|_| DialError::KeyPassphrase { missing: false })
        }
        (_, Some(dek_info)) => Err(old_encryption(dek_info)),
        (label, None) => Err(invalid(not_this_kind(label))),
    }
}

fn read_openssh(bytes: &[u8], passphrase: Option<&str>) -> Result<PrivateKey, DialError> {
    let key = PrivateKey::from_bytes(bytes)
        .or_else(|error| short_number::read(bytes).ok_or(error))
        .map_err(|error| unreadable_ssh(&error))?;
    if !key.is_encrypted() {
        return Ok(key);
    }
    kdf::check_openssh(key.kdf())?;
    let passphrase = passphrase.ok_or(DialError::KeyPassphrase { missing: true })?;
    let opened = key.decrypt(passphrase).or_else(|error| match error {
        // With a wrong passphrase it does not come as far as a number.
        ssh_key::Error::Encoding(ssh_encoding::Error::Length) => {
            short_number::decrypt(bytes, &key, passphrase).ok_or(error)
        }
        error => Err(error),
    });
    opened.map_err(|error| match error {
        ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. } => {
            unreadable_ssh(&error)
        }
        _ => DialError::KeyPassphrase { missing: false },
    })
}

fn read_encrypted_pkcs8(bytes: &[u8], passphrase: Option<&str>) -> Result<PrivateKey, DialError> {
    let key = EncryptedPrivateKeyInfoRef::try_from(bytes)
        .map_err(|_| invalid("it is damaged, or encrypted in a way that is not supported"))?;
    kdf::check_pkcs8(&key)?;
    let passphrase = passphrase.ok_or(DialError::KeyPassphrase { missing: true })?;
    let plain = key.decrypt(passphrase).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(
            pkcs5::Error::UnsupportedAlgorithm { .. } | pkcs5::Error::AlgorithmParametersInvalid { .. },
        ) => invalid("it is encrypted in a way that is not supported"),
        _ => DialError::KeyPassphrase { missing: false },
    })?;
    keys::pkcs8::decode_pkcs8(plain.as_bytes(), None).map_err(|error| unreadable(&error))
}

fn read_putty(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, DialError> {
    kdf::check_putty(text)?;
    let is_encrypted = !text.lines().any(|line| line == "Encryption: none");
    if is_encrypted && passphrase.is_none() {
        return Err(DialError::KeyPassphrase { missing: true });
    }
    let passphrase = passphrase.filter(|_| is_encrypted).map(str::to_owned);
    PrivateKey::from_ppk(text, passphrase).map_err(|error| match error {
        // The library keeps the kind of its error to itself.
        error if is_encrypted && error.to_string().ends_with("incorrect MAC") => {
            DialError::KeyPassphrase { missing: false }
        }
        // The library takes the 32 bytes of an Ed25519 key for a number, which may not begin with 0.
        ssh_key::Error::Encoding(ssh_encoding::Error::MpintEncoding) => invalid(
            "it is one of the few files of PuTTY's (one in 512) that the gateway cannot read; \
             PuTTYgen exports it as an OpenSSH key, which works",
        ),
        error => unreadable_ssh(&error),
    })
}

/// A PuTTY file with its lines as its reader wants them, if it is one.
fn putty_text(text: &str) -> Option<Zeroizing<String>> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if !text.starts_with("PuTTY-User-Key-File-") {
        return None;
    }
    let mut lines = Zeroizing::new(String::with_capacity(text.len() + 16));
    for line in text.lines() {
        // A comment's own blanks are part of the checksum; an empty one needs its blank back.
        let line = if line.starts_with("Comment: ") { line.trim_end_matches('\r') } else { line.trim() };
        if line.is_empty() {
            continue;
        }
        lines.push_str(line);
        lines.push_str(if line.ends_with(':') { " \n" } else { "\n" });
    }
    Some(lines)
}

fn check_usable(key: &KeyData) -> Result<(), DialError> {
    match key.algorithm() {
        Algorithm::Ed25519
        | Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 | EcdsaCurve::NistP384 | EcdsaCurve::NistP521 } => {
            Ok(())
        }
        Algorithm::Rsa { .. } if key.rsa().is_some_and(|rsa| rsa.key_size() <= MAX_RSA_BITS) => Ok(()),
        Algorithm::Rsa { .. } => Err(too_large()),
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {
            Err(invalid("it only points to a hardware token, which the gateway cannot reach"))
        }
        other => Err(invalid(format!("keys of type {} are not supported", text::line(other.as_ref(), 40)))),
    }
}

/// What a text without armour is, as far as one can tell.
fn not_a_key(text: &str) -> &'static str {
    let text = text.trim();
    if text.is_empty() {
        "it is empty"
    } else if text.starts_with("ssh-")
        || text.starts_with("ecdsa-")
        || text.starts_with("---- BEGIN SSH2 PUBLIC")
    {
        PUBLIC
    } else if text.contains("-----BEGIN ") {
        "its end is missing"
    } else {
        "it is in no format that is known here"
    }
}

const PUBLIC: &str = "it is a public key, and the private one is needed";

fn not_this_kind(label: &str) -> String {
    if label.ends_with("PUBLIC KEY") {
        return PUBLIC.to_owned();
    }
    format!("a file of the kind \"{}\" is not supported", text::line(label, 40))
}

fn old_encryption(dek_info: &str) -> DialError {
    let cipher = dek_info.split(',').next().unwrap_or_default();
    invalid(format!(
        "it is encrypted with {} in the old PEM format, which is not supported; \
         \"ssh-keygen -p -f FILE\" rewrites it",
        text::line(cipher, 40)
    ))
}

fn unreadable(error: &keys::Error) -> DialError {
    match error {
        keys::Error::UnknownAlgorithm(_) | keys::Error::UnsupportedKeyType { .. } => {
            invalid("its type is not supported")
        }
        keys::Error::SshKey(error) => unreadable_ssh(error),
        _ => damaged(),
    }
}

fn unreadable_ssh(error: &ssh_key::Error) -> DialError {
    match error {
        ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. } => {
            invalid("its type or its encryption is not supported")
        }
        _ => damaged(),
    }
}

fn damaged() -> DialError {
    invalid("it is damaged or incomplete")
}

fn too_large() -> DialError {
    DialError::KeyTooCostly { cause: format!("it has more than {MAX_RSA_BITS} bits") }
}

fn internal(cause: impl Into<String>) -> DialError {
    DialError::Internal { cause: cause.into() }
}

fn invalid(cause: impl Into<String>) -> DialError {
    DialError::KeyInvalid { cause: cause.into() }
}

#[cfg(test)]
#[path = "private_key_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "costly_key_tests.rs"]
mod costly_tests;
