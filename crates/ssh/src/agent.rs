//! The agent that a session lends to its target: it shows one key and signs with it, and does nothing
//! else that the SSH agent protocol (draft-ietf-sshm-ssh-agent) has. Must not know how requests arrive.

use std::sync::Arc;

use engine::DialError;
use russh::keys::{
    Certificate, HashAlg, PrivateKey,
    ssh_encoding::{Decode as _, Encode},
};
use tokio::sync::Semaphore;

use crate::public_key;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const RSA_SHA2_256: u32 = 2;
const RSA_SHA2_512: u32 = 4;

/// How many signatures are made at the same time, for all sessions: whoever has an agent may ask it
/// for one after the other.
static SIGNERS: Semaphore = Semaphore::const_new(2);

/// A key that may be used and not be had.
pub(crate) struct Agent {
    key: Arc<PrivateKey>,
    /// The key's public half, and its certificate if it has one.
    identities: Vec<Vec<u8>>,
    /// Held while a signature is made.
    turn: Semaphore,
}

impl Agent {
    /// An agent with this key and this certificate of it.
    ///
    /// # Errors
    /// The key cannot be written down.
    pub(crate) fn new(key: Arc<PrivateKey>, certificate: Option<&Certificate>) -> Result<Self, DialError> {
        let public = [key.public_key().to_bytes()];
        let identities = public.into_iter().chain(certificate.map(Certificate::to_bytes));
        let identities = identities.collect::<Result<_, _>>().map_err(|_| unwritten())?;
        Ok(Self { key, identities, turn: Semaphore::new(1) })
    }

    /// The answer to a request, each without its length.
    pub(crate) async fn answer(&self, request: &[u8]) -> Vec<u8> {
        let answer = match request.split_first() {
            Some((&REQUEST_IDENTITIES, _)) => self.identities(),
            Some((&SIGN_REQUEST, rest)) => self.sign(rest).await,
            _ => None,
        };
        answer.unwrap_or_else(|| vec![FAILURE])
    }

    fn identities(&self) -> Option<Vec<u8>> {
        let mut answer = vec![IDENTITIES_ANSWER];
        put(&mut answer, &u32::try_from(self.identities.len()).ok()?)?;
        for identity in &self.identities {
            put(&mut answer, identity.as_slice())?;
            put(&mut answer, self.key.comment().as_str_lossy())?;
        }
        Some(answer)
    }

    async fn sign(&self, mut request: &[u8]) -> Option<Vec<u8>> {
        let identity = Vec::<u8>::decode(&mut request).ok()?;
        let data = Vec::<u8>::decode(&mut request).ok()?;
        let flags = u32::decode(&mut request).ok()?;
        if !self.identities.contains(&identity) {
            return None;
        }
        let hash = if self.key.algorithm().is_rsa() { Some(rsa_hash(flags)?) } else { None };
        let _turn = self.turn.acquire().await.ok()?;
        let signer = SIGNERS.acquire().await.ok()?;
        let key = Arc::clone(&self.key);
        let signing = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if nobody waits for it any more.
            let _signer = signer;
            public_key::sign(&key, hash, &data)
        });
        let signature = signing.await.ok()??;
        let mut answer = vec![SIGN_RESPONSE];
        signature.encode_prefixed(&mut answer).ok()?;
        Some(answer)
    }
}

/// What RSA signs with. Without a flag that would be SHA-1, and nothing is signed with that.
fn rsa_hash(flags: u32) -> Option<HashAlg> {
    match flags {
        flags if flags & RSA_SHA2_256 != 0 => Some(HashAlg::Sha256),
        flags if flags & RSA_SHA2_512 != 0 => Some(HashAlg::Sha512),
        _ => None,
    }
}

fn put<T: Encode + ?Sized>(answer: &mut Vec<u8>, part: &T) -> Option<()> {
    part.encode(answer).ok()
}

fn unwritten() -> DialError {
    DialError::Internal { cause: "the key cannot be written down for the agent".to_owned() }
}

#[cfg(test)]
mod tests {
    use russh::keys::{
        Algorithm, EcdsaCurve,
        key::safe_rng,
        signature::Verifier as _,
        ssh_key::{Signature, certificate::Builder},
    };

    use super::*;

    fn new_key(algorithm: Algorithm) -> Arc<PrivateKey> {
        Arc::new(PrivateKey::random(&mut safe_rng(), algorithm).unwrap())
    }

    fn sign_request(identity: &[u8], data: &[u8], flags: u32) -> Vec<u8> {
        let mut request = vec![SIGN_REQUEST];
        identity.encode(&mut request).unwrap();
        data.encode(&mut request).unwrap();
        flags.encode(&mut request).unwrap();
        request
    }

    fn signature(answer: &[u8]) -> Signature {
        assert_eq!(answer[0], SIGN_RESPONSE);
        let signature = Vec::<u8>::decode(&mut &answer[1..]).unwrap();
        Signature::try_from(signature.as_slice()).unwrap()
    }

    #[tokio::test]
    async fn it_shows_its_key_and_signs_with_it() {
        let curves = [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521];
        let ecdsa = curves.map(|curve| Algorithm::Ecdsa { curve });
        for algorithm in [Algorithm::Ed25519].into_iter().chain(ecdsa) {
            let key = new_key(algorithm);
            let agent = Agent::new(key.clone(), None).unwrap();
            let blob = key.public_key().to_bytes().unwrap();
            let shown = agent.answer(&[REQUEST_IDENTITIES]).await;
            assert_eq!(shown[..5], [IDENTITIES_ANSWER, 0, 0, 0, 1]);
            assert_eq!(Vec::<u8>::decode(&mut &shown[5..]).unwrap(), blob);
            let signed = agent.answer(&sign_request(&blob, b"words", 0)).await;
            key.public_key().key_data().verify(b"words", &signature(&signed)).unwrap();
        }
    }

    #[tokio::test]
    async fn rsa_signs_with_sha2_and_never_with_sha1() {
        let key = new_key(Algorithm::Rsa { hash: None });
        let agent = Agent::new(key.clone(), None).unwrap();
        let blob = key.public_key().to_bytes().unwrap();
        for (flags, hash) in [(RSA_SHA2_256, HashAlg::Sha256), (RSA_SHA2_512, HashAlg::Sha512)] {
            let signed = signature(&agent.answer(&sign_request(&blob, b"words", flags)).await);
            assert_eq!(signed.algorithm(), Algorithm::Rsa { hash: Some(hash) });
            key.public_key().key_data().verify(b"words", &signed).unwrap();
        }
        assert_eq!(agent.answer(&sign_request(&blob, b"words", 0)).await, [FAILURE]);
    }

    #[tokio::test]
    async fn a_certificate_is_shown_beside_its_key() {
        let key = new_key(Algorithm::Ed25519);
        let mut builder =
            Builder::new_with_random_nonce(&mut safe_rng(), key.public_key(), 0, 1_000).unwrap();
        builder.key_id("id").unwrap().valid_principal("u").unwrap();
        let certificate = builder.sign(&*new_key(Algorithm::Ed25519)).unwrap();
        let agent = Agent::new(key, Some(&certificate)).unwrap();
        assert_eq!(agent.answer(&[REQUEST_IDENTITIES]).await[..5], [IDENTITIES_ANSWER, 0, 0, 0, 2]);
        let signed = agent.answer(&sign_request(&certificate.to_bytes().unwrap(), b"words", 0)).await;
        certificate.public_key().verify(b"words", &signature(&signed)).unwrap();
    }

    #[tokio::test]
    async fn everything_else_is_refused() {
        let key = new_key(Algorithm::Ed25519);
        let agent = Agent::new(key.clone(), None).unwrap();
        let blob = key.public_key().to_bytes().unwrap();
        let stranger = new_key(Algorithm::Ed25519).public_key().to_bytes().unwrap();
        let whole = sign_request(&blob, b"words", 0);
        let mut refused = vec![vec![], sign_request(&stranger, b"words", 0), vec![SIGN_REQUEST]];
        refused.extend((1..whole.len()).map(|length| whole[..length].to_vec()));
        refused.push([&[SIGN_REQUEST][..], &[0xff; 12]].concat());
        let known = [REQUEST_IDENTITIES, SIGN_REQUEST];
        refused.extend((0..=u8::MAX).filter(|kind| !known.contains(kind)).map(|kind| vec![kind, 0, 0]));
        for request in refused {
            assert_eq!(agent.answer(&request).await, [FAILURE], "{request:?}");
        }
    }
}
