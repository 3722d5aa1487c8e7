//! OpenSSH's files of P-256 keys whose number is short: one in 256 begins with a byte that is 0, which
//! OpenSSH leaves out. ssh-key takes such a file for a damaged one.

use russh::keys::{PrivateKey, ssh_encoding::Encode as _};
use zeroize::Zeroizing;

use crate::string::take_string;

const MAGIC: &[u8] = b"openssh-key-v1\0";
const TYPE: &[u8] = b"ecdsa-sha2-nistp256";
/// How long the number has to be for ssh-key, in bytes.
const LENGTH: usize = 32;
/// What a plain file is filled up to, in bytes.
const BLOCK: usize = 8;

/// The key of such a file that is not encrypted. None: it is not that what is wrong with it.
pub(crate) fn read(file: &[u8]) -> Option<PrivateKey> {
    let File { public, secret, .. } = File::parse(file)?;
    read_parts(public, secret)
}

/// The key of such a file, which ssh-key read as `key` and could not open with its passphrase.
pub(crate) fn decrypt(file: &[u8], key: &PrivateKey, passphrase: &str) -> Option<PrivateKey> {
    let File { public, secret, tag } = File::parse(file)?;
    let mut secret = Zeroizing::new(secret.to_vec());
    let (secret_key, iv) = key.kdf().derive_key_and_iv(key.cipher(), passphrase).ok()?;
    key.cipher().decrypt(&secret_key, &iv, &mut secret, tag.try_into().ok()).ok()?;
    read_parts(public, &secret)
}

struct File<'file> {
    public: &'file [u8],
    /// What may be encrypted.
    secret: &'file [u8],
    /// What proves it, with some ciphers.
    tag: &'file [u8],
}

impl<'file> File<'file> {
    fn parse(file: &'file [u8]) -> Option<Self> {
        let mut rest = file.strip_prefix(MAGIC)?;
        let [_cipher, _kdf, _options] =
            [take_string(&mut rest)?, take_string(&mut rest)?, take_string(&mut rest)?];
        let _how_many = rest.split_off(..4)?;
        Some(Self { public: take_string(&mut rest)?, secret: take_string(&mut rest)?, tag: rest })
    }
}

fn read_parts(public: &[u8], secret: &[u8]) -> Option<PrivateKey> {
    let mut rest = secret;
    let _check = rest.split_off(..8)?;
    let is_p256 = take_string(&mut rest)? == TYPE;
    let [_curve, _point] = [take_string(&mut rest)?, take_string(&mut rest)?];
    let before = &secret[..secret.len() - rest.len()];
    let [number, comment] = [take_string(&mut rest)?, take_string(&mut rest)?];
    if !is_p256 || number.len() >= LENGTH {
        return None;
    }
    let mut full = [0; LENGTH];
    full[LENGTH - number.len()..].copy_from_slice(number);
    let full = Zeroizing::new(full);

    let mut plain = Zeroizing::new(Vec::with_capacity(secret.len() + LENGTH + BLOCK));
    plain.extend_from_slice(before);
    full.as_slice().encode(&mut *plain).ok()?;
    comment.encode(&mut *plain).ok()?;
    let missing = plain.len().next_multiple_of(BLOCK) - plain.len();
    plain.extend((1..=BLOCK as u8).take(missing));

    let mut file = Zeroizing::new(Vec::with_capacity(MAGIC.len() + public.len() + plain.len() + 64));
    file.extend_from_slice(MAGIC);
    for name in ["none", "none", ""] {
        name.encode(&mut *file).ok()?;
    }
    1_u32.encode(&mut *file).ok()?;
    public.encode(&mut *file).ok()?;
    plain.as_slice().encode(&mut *file).ok()?;
    PrivateKey::from_bytes(&file).ok()
}
