//! Private keys that were made to hurt whoever opens them.

use std::time::Instant;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pkcs8::{
    EncryptedPrivateKeyInfoOwned,
    der::{Encode as _, asn1::OctetString},
    pkcs5::pbes2::{self, Kdf, Pbkdf2Params, Salt, ScryptParams},
};
use russh::keys::ssh_key::{Mpint, public::RsaPublicKey};

use super::{
    tests::{Pair, refused},
    *,
};

fn openssh_with_rounds(rounds: u32) -> String {
    let pair = Pair::new(&["-t", "ed25519", "-N", "secret", "-a", "1"]);
    let mut bytes = Pem::find(&pair.text()).unwrap().bytes().unwrap().to_vec();
    // `string salt` of 16 bytes, then the rounds, inside a string of 24 bytes.
    let options = bytes.windows(8).position(|window| window == [0, 0, 0, 24, 0, 0, 0, 16]).unwrap();
    assert_eq!(bytes[options + 24..options + 28], 1_u32.to_be_bytes());
    bytes[options + 24..options + 28].copy_from_slice(&rounds.to_be_bytes());
    let body = STANDARD.encode(bytes);
    format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
}

fn pkcs8_with(kdf: Kdf) -> String {
    let encryption = pbes2::EncryptionScheme::Aes256Cbc { iv: [0; 16] };
    let key = EncryptedPrivateKeyInfoOwned {
        encryption_algorithm: pbes2::Parameters { kdf, encryption }.into(),
        encrypted_data: OctetString::new(vec![0; 64]).unwrap(),
    };
    let body = STANDARD.encode(key.to_der().unwrap());
    format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n")
}

fn scrypt(cost_parameter: u64, block_size: u16, parallelization: u16) -> String {
    let salt = Salt::try_from(&[7; 8][..]).unwrap();
    pkcs8_with(Kdf::Scrypt(ScryptParams {
        salt,
        cost_parameter,
        block_size,
        parallelization,
        key_length: None,
    }))
}

fn pbkdf2(iterations: u32) -> String {
    pkcs8_with(Kdf::Pbkdf2(Pbkdf2Params::hmac_sha256(iterations, &[7; 8]).unwrap()))
}

fn argon2(memory: u32, passes: u32, lanes: u32) -> String {
    format!(
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\nComment: c\nPublic-Lines: 1\nAAAA\n\
         Key-Derivation: Argon2id\nArgon2-Memory: {memory}\nArgon2-Passes: {passes}\n\
         Argon2-Parallelism: {lanes}\nArgon2-Salt: 00112233445566778899aabbccddeeff\n\
         Private-Lines: 1\nAAAA\nPrivate-MAC: 00\n"
    )
}

#[test]
fn costly_keys_are_refused_before_they_cost_anything() {
    let started = Instant::now();
    for text in [
        openssh_with_rounds(257),
        openssh_with_rounds(u32::MAX),
        pbkdf2(2_000_001),
        pbkdf2(100_000_000),
        scrypt(1 << 16, 8, 5),
        scrypt((1 << 16) + 1, 8, 1),
        scrypt(1 << 40, 8, 1),
        scrypt(u64::MAX, u16::MAX, 1),
        scrypt(2, 8, u16::MAX),
        argon2(65_537, 1, 1),
        argon2(u32::MAX, 1, 1),
        argon2(8, 17, 1),
        argon2(8, u32::MAX, 1),
        argon2(8, 1, 17),
        argon2(65_537, 1, 1) + "Argon2-Memory: 8\n",
        argon2(8, 1, 1) + "Argon2-Memory: 4000000\n",
    ] {
        for passphrase in [Some("secret"), None] {
            let error = refused(&text, passphrase);
            assert!(matches!(error, DialError::KeyTooCostly { .. }), "{error:?}\n{text}");
        }
    }
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn the_dearest_keys_that_are_allowed_are_not_called_costly() {
    // Nothing is derived without a passphrase: the cost was judged and found bearable.
    for text in [openssh_with_rounds(256), pbkdf2(2_000_000), scrypt(1 << 16, 8, 4), argon2(65_536, 16, 16)] {
        assert_eq!(refused(&text, None), DialError::KeyPassphrase { missing: true }, "{text}");
    }
}

#[test]
fn a_key_of_more_than_8192_bits_is_refused() {
    let of_bits = |bits: usize| {
        let modulus = Mpint::from_positive_bytes(&vec![0xff; bits / 8]);
        let exponent = Mpint::from_positive_bytes(&[1, 0, 1]);
        check_usable(&KeyData::Rsa(RsaPublicKey::new(exponent, modulus).unwrap()))
    };
    assert_eq!(of_bits(8192), Ok(()));
    let too_large = DialError::KeyTooCostly { cause: "it has more than 8192 bits".to_owned() };
    assert_eq!(of_bits(8200), Err(too_large.clone()));
    let body = STANDARD.encode(vec![1; MAX_KEY + 1]);
    let text = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    assert_eq!(refused(&text, None), too_large);
}
