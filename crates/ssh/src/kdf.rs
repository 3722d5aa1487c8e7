//! What it costs to open an encrypted key: the file says it, so the file is not believed.
//!
//! Everything here looks at numbers only; nothing is derived.

use engine::DialError;
use pkcs8::{
    EncryptedPrivateKeyInfoRef,
    pkcs5::{EncryptionScheme, pbes2::Kdf as Pbes2Kdf},
};
use russh::keys::ssh_key::Kdf;

const BCRYPT_ROUNDS: u32 = 256;
const ARGON2_KIB: u32 = 64 * 1024;
const ARGON2_PASSES: u32 = 16;
const ARGON2_LANES: u32 = 16;
const SCRYPT_BYTES: u64 = 64 * 1024 * 1024;
const SCRYPT_PARALLEL: u16 = 4;
const PBKDF2_ROUNDS: u32 = 2_000_000;

/// Checks the KDF of an OpenSSH key.
pub(crate) fn check_openssh(kdf: &Kdf) -> Result<(), DialError> {
    match kdf {
        Kdf::Bcrypt { rounds, .. } => {
            at_most(u64::from(*rounds), u64::from(BCRYPT_ROUNDS), "rounds of bcrypt")
        }
        _ => Ok(()),
    }
}

/// Checks the KDF of an encrypted PKCS#8 key.
pub(crate) fn check_pkcs8(key: &EncryptedPrivateKeyInfoRef<'_>) -> Result<(), DialError> {
    let EncryptionScheme::Pbes2(parameters) = &key.encryption_algorithm else {
        return Err(invalid("it is encrypted with PBES1, which is too weak to be supported"));
    };
    match &parameters.kdf {
        Pbes2Kdf::Pbkdf2(pbkdf2) => {
            at_most(u64::from(pbkdf2.iteration_count), u64::from(PBKDF2_ROUNDS), "rounds of PBKDF2")
        }
        Pbes2Kdf::Scrypt(scrypt) => {
            let bytes = scrypt.cost_parameter.saturating_mul(128 * u64::from(scrypt.block_size));
            at_most(bytes, SCRYPT_BYTES, "bytes of scrypt memory")?;
            at_most(u64::from(scrypt.parallelization), u64::from(SCRYPT_PARALLEL), "lanes of scrypt")
        }
        _ => Err(invalid("its key derivation is not supported")),
    }
}

/// Checks the KDF of a PuTTY key. Every line that could count is checked, the last one would win.
pub(crate) fn check_putty(text: &str) -> Result<(), DialError> {
    let limits = [
        ("Argon2-Memory", ARGON2_KIB, "KiB of Argon2 memory"),
        ("Argon2-Passes", ARGON2_PASSES, "passes of Argon2"),
        ("Argon2-Parallelism", ARGON2_LANES, "lanes of Argon2"),
    ];
    for line in text.lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        let Some((_, limit, what)) = limits.iter().find(|(limited, ..)| *limited == name) else { continue };
        let value: u32 = value.trim().parse().map_err(|_| invalid("its key derivation is damaged"))?;
        at_most(u64::from(value), u64::from(*limit), what)?;
    }
    Ok(())
}

fn at_most(value: u64, limit: u64, what: &str) -> Result<(), DialError> {
    if value <= limit {
        return Ok(());
    }
    Err(DialError::KeyTooCostly { cause: format!("it asks for {value} {what}, and {limit} are allowed") })
}

fn invalid(cause: &str) -> DialError {
    DialError::KeyInvalid { cause: cause.to_owned() }
}
