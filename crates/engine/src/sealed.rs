//! Credentials at rest: encrypted in memory under a key that never leaves one locked page.
//!
//! Must not know what the credentials are for. The page is neither swapped nor part of a core
//! dump; the cipher's key schedule exists only while something is sealed or opened.

#![allow(unsafe_code)]

use std::{ffi::c_void, fmt, ptr::NonNull};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, RandomizedNonceKey},
    rand,
};
use rustix::mm::{self, Advice, MapFlags, ProtFlags};
use secrecy::{ExposeSecret, SecretString};
use zeroize::{Zeroize as _, Zeroizing};

use crate::credentials::{AuthMethod, Credentials, KeyFile, KnownAnswer};

const KEY_LENGTH: usize = 32;
const PAGE_LENGTH: usize = 4096;

/// Seals credentials and opens them again, for the life of one process.
pub(crate) struct Sealer {
    key: LockedKey,
}

/// Credentials that only the [`Sealer`] that made them can open.
pub(crate) struct SealedCredentials {
    nonce: [u8; 12],
    ciphertext: Vec<u8>,
}

/// Sealing or opening failed: the random source, or a ciphertext that was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the credentials cannot be sealed or opened")]
pub struct SealError;

impl Sealer {
    /// A sealer with a fresh random key.
    pub(crate) fn new() -> Result<Self, SealError> {
        Ok(Self { key: LockedKey::random()? })
    }

    /// Encrypts, and wipes what was given.
    pub(crate) fn seal(&self, credentials: Credentials) -> Result<SealedCredentials, SealError> {
        let mut plain = encode(&credentials);
        drop(credentials);
        let nonce = self
            .cipher()?
            .seal_in_place_append_tag(Aad::empty(), &mut Growing(&mut plain))
            .map_err(|_| SealError)?;
        Ok(SealedCredentials { nonce: *nonce.as_ref(), ciphertext: std::mem::take(&mut *plain) })
    }

    /// Decrypts.
    pub(crate) fn open(&self, sealed: &SealedCredentials) -> Result<Credentials, SealError> {
        let mut buffer = Zeroizing::new(sealed.ciphertext.clone());
        let plain = self
            .cipher()?
            .open_in_place((&sealed.nonce).into(), Aad::empty(), &mut buffer)
            .map_err(|_| SealError)?;
        decode(plain).ok_or(SealError)
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, SealError> {
        RandomizedNonceKey::new(&AES_256_GCM, self.key.bytes()).map_err(|_| SealError)
    }
}

/// Lets the cipher append its tag without leaving a copy of the plaintext behind: the capacity
/// was reserved by [`encode`], so the vector never moves while it holds plaintext.
struct Growing<'a>(&'a mut Vec<u8>);

impl AsMut<[u8]> for Growing<'_> {
    fn as_mut(&mut self) -> &mut [u8] {
        self.0
    }
}

impl<'a> Extend<&'a u8> for Growing<'_> {
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.0.extend(bytes);
    }
}

/// The fields in their order, and after them the known answers in pairs. The methods are no secret, but
/// part of the same whole.
fn encode(credentials: &Credentials) -> Zeroizing<Vec<u8>> {
    let Credentials { password, key, answers, totp, methods } = credentials;
    let names = methods.as_ref().map(|methods| {
        let names: Vec<&str> = methods.iter().map(|method| method.name()).collect();
        names.join(",")
    });
    let mut fields: Vec<Option<&str>> = vec![
        password.as_ref().map(ExposeSecret::expose_secret),
        key.as_ref().map(|key| key.text.expose_secret()),
        key.as_ref().and_then(|key| key.passphrase.as_ref()).map(ExposeSecret::expose_secret),
        key.as_ref().and_then(|key| key.certificate.as_ref()).map(ExposeSecret::expose_secret),
        totp.as_ref().map(ExposeSecret::expose_secret),
        names.as_deref(),
    ];
    for KnownAnswer { pattern, answer } in answers {
        fields.extend([Some(pattern.expose_secret()), Some(answer.expose_secret())]);
    }
    let lengths = fields.iter().flatten().map(|field| field.len()).sum::<usize>();
    let mut plain = Zeroizing::new(Vec::with_capacity(lengths + 5 * fields.len() + AES_256_GCM.tag_len()));
    for field in fields {
        let Some(text) = field else {
            plain.push(0);
            continue;
        };
        plain.push(1);
        plain.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        plain.extend_from_slice(text.as_bytes());
    }
    plain
}

fn decode(mut plain: &[u8]) -> Option<Credentials> {
    let plain = &mut plain;
    let password = secret(plain)?;
    let (text, passphrase, certificate) = (secret(plain)?, secret(plain)?, secret(plain)?);
    let totp = secret(plain)?;
    let methods = match field(plain)? {
        Some(names) => Some(
            names.split(',').filter(|name| !name.is_empty()).map(AuthMethod::parse).collect::<Option<_>>()?,
        ),
        None => None,
    };
    let mut answers = Vec::new();
    while !plain.is_empty() {
        answers.push(KnownAnswer { pattern: secret(plain)??, answer: secret(plain)?? });
    }
    let key = text.map(|text| KeyFile { text, passphrase, certificate });
    Some(Credentials { password, key, answers, totp, methods })
}

/// Takes the next field off the front, which may be absent.
fn field<'a>(plain: &mut &'a [u8]) -> Option<Option<&'a str>> {
    let (present, rest) = plain.split_first()?;
    *plain = rest;
    if *present == 0 {
        return Some(None);
    }
    let (length, rest) = plain.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *plain = rest;
    std::str::from_utf8(text).ok().map(Some)
}

/// The same as a secret.
fn secret(plain: &mut &[u8]) -> Option<Option<SecretString>> {
    field(plain).map(|field| field.map(SecretString::from))
}

/// A random key in a page of its own.
struct LockedKey {
    page: NonNull<c_void>,
}

// SAFETY: the page is written once, before the value is shared, and only read until it is dropped.
unsafe impl Send for LockedKey {}
// SAFETY: as above.
unsafe impl Sync for LockedKey {}

impl LockedKey {
    fn random() -> Result<Self, SealError> {
        // SAFETY: a fresh private anonymous mapping aliases nothing.
        let page = unsafe {
            mm::mmap_anonymous(
                std::ptr::null_mut(),
                PAGE_LENGTH,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        }
        .map_err(|_| SealError)?;
        let key = Self { page: NonNull::new(page).ok_or(SealError)? };
        // SAFETY: the page is ours and mapped for as long as `key` lives.
        let locked = unsafe { mm::mlock(page, PAGE_LENGTH) };
        if let Err(error) = locked {
            tracing::warn!(%error, "the key that seals waiting credentials cannot be kept out of swap");
        }
        // SAFETY: the advice changes nothing but what a core dump holds.
        let hidden = unsafe { mm::madvise(page, PAGE_LENGTH, Advice::LinuxDontDump) };
        if let Err(error) = hidden {
            tracing::warn!(%error, "the key that seals waiting credentials cannot be kept out of core dumps");
        }
        // SAFETY: the page is writable, long enough, and nobody else knows it yet.
        let bytes = unsafe { std::slice::from_raw_parts_mut(page.cast::<u8>(), KEY_LENGTH) };
        rand::fill(bytes).map_err(|_| SealError)?;
        Ok(key)
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the page is mapped, initialised and not written while `self` is shared.
        unsafe { std::slice::from_raw_parts(self.page.as_ptr().cast::<u8>(), KEY_LENGTH) }
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        // SAFETY: nobody else can hold a reference while the value is dropped.
        unsafe { std::slice::from_raw_parts_mut(self.page.as_ptr().cast::<u8>(), KEY_LENGTH) }.zeroize();
        // SAFETY: the mapping was made by `random` with this length and is not used again.
        if let Err(error) = unsafe { mm::munmap(self.page.as_ptr(), PAGE_LENGTH) } {
            tracing::warn!(%error, "the page of the sealing key cannot be unmapped");
        }
    }
}

impl fmt::Debug for SealedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedCredentials(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(secret: Option<&SecretString>) -> Option<&str> {
        secret.map(ExposeSecret::expose_secret)
    }

    #[test]
    fn what_was_sealed_opens() {
        let sealer = Sealer::new().unwrap();
        for secret in ["", " blanks kept ", "pässwörd"] {
            let opened = sealer.open(&sealer.seal(Credentials::of_password(secret)).unwrap()).unwrap();
            assert_eq!(text(opened.password.as_ref()), Some(secret));
            assert!(opened.key.is_none() && opened.totp.is_none() && opened.answers.is_empty());
            assert_eq!(opened.methods, None);
        }
        let key =
            KeyFile { text: "KEY".into(), passphrase: Some("open".into()), certificate: Some("CERT".into()) };
        let answer =
            |pattern: &str, answer: &str| KnownAnswer { pattern: pattern.into(), answer: answer.into() };
        let all = Credentials {
            password: Some("p".into()),
            key: Some(key),
            answers: vec![answer("pin", "1"), answer("pet", "")],
            totp: Some("123456".into()),
            methods: Some(vec![AuthMethod::Password, AuthMethod::KeyboardInteractive]),
        };
        let opened = sealer.open(&sealer.seal(all).unwrap()).unwrap();
        let key = opened.key.unwrap();
        assert_eq!(key.text.expose_secret(), "KEY");
        assert_eq!(text(key.passphrase.as_ref()), Some("open"));
        assert_eq!(text(key.certificate.as_ref()), Some("CERT"));
        assert_eq!((text(opened.password.as_ref()), text(opened.totp.as_ref())), (Some("p"), Some("123456")));
        let answers: Vec<_> =
            opened.answers.iter().map(|a| (a.pattern.expose_secret(), a.answer.expose_secret())).collect();
        assert_eq!(answers, [("pin", "1"), ("pet", "")]);
        assert_eq!(opened.methods, Some(vec![AuthMethod::Password, AuthMethod::KeyboardInteractive]));
    }

    #[test]
    fn nothing_readable_is_stored() {
        let sealer = Sealer::new().unwrap();
        let sealed = sealer.seal(Credentials::of_password("correct horse battery")).unwrap();
        assert!(!sealed.ciphertext.windows(7).any(|window| window == b"correct"));
    }

    #[test]
    fn another_key_or_a_changed_byte_opens_nothing() {
        let sealer = Sealer::new().unwrap();
        let mut sealed = sealer.seal(Credentials::of_password("secret")).unwrap();
        assert_eq!(Sealer::new().unwrap().open(&sealed).err(), Some(SealError));
        sealed.ciphertext[0] ^= 1;
        assert_eq!(sealer.open(&sealed).err(), Some(SealError));
    }
}
