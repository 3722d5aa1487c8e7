//! Logging in with a key, and with its certificate before it.

use std::sync::Arc;

use engine::{AlgorithmKind, DialError, NoCommonAlgorithm, Offers};
use russh::{
    Error, MethodKind, SendError, Signer,
    client::AuthResult,
    keys::{
        Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg,
        agent::AgentIdentity,
        signature::Signer as _,
        ssh_encoding::Encode as _,
        ssh_key::{Signature, private::KeypairData},
    },
};

use crate::{
    agreement, algorithms,
    auth::{Answer, Attempts, DURING},
    connection::Connection,
};

/// Shows the certificate and then the key alone, and signs in one way after the other, until the
/// server takes it.
pub(crate) async fn log_in(attempts: &mut Attempts<'_>) -> Result<Answer, DialError> {
    let Some(key) = attempts.login.key.clone() else { return Err(nothing_tried()) };
    let hashes = signature_hashes(attempts.connection, &key).await?;
    let mut shown = Vec::new();
    if let Some(certificate) = attempts.login.certificate.take() {
        shown.extend(hashes.iter().map(|hash| (Some(certificate.clone()), *hash)));
    }
    shown.extend(hashes.iter().map(|hash| (None, *hash)));
    let mut last = None;
    for (certificate, hash) in shown {
        let result = attempt(attempts, &key, certificate, hash).await?;
        match attempts.connection.answer(result).await? {
            Answer::Refused { offered, partial: false } if offered.contains(&MethodKind::PublicKey) => {
                last = Some(Answer::Refused { offered, partial: false });
            }
            answer => return Ok(answer),
        }
    }
    last.ok_or_else(nothing_tried)
}

async fn attempt(
    attempts: &mut Attempts<'_>,
    key: &Arc<PrivateKey>,
    certificate: Option<Certificate>,
    hash: Option<HashAlg>,
) -> Result<Result<AuthResult, Error>, DialError> {
    let (handle, user) = (&mut attempts.connection.handle, attempts.user);
    match certificate {
        Some(certificate) => {
            let mut signer = KeySigner(key.clone());
            match handle.authenticate_certificate_with(user, certificate, hash, &mut signer).await {
                Ok(result) => Ok(Ok(result)),
                Err(NotSigned::Gone) => Ok(Err(Error::SendError)),
                Err(NotSigned::Unable) => Err(nothing_tried()),
            }
        }
        None => {
            let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
            Ok(handle.authenticate_publickey(user, key).await)
        }
    }
}

/// Signs for a certificate, with the hash that was chosen for it: russh's own way knows SHA-1 only.
struct KeySigner(Arc<PrivateKey>);

/// Why a signature did not reach the server.
enum NotSigned {
    /// The key cannot make it.
    Unable,
    /// The connection is gone.
    Gone,
}

impl From<SendError> for NotSigned {
    fn from(_: SendError) -> Self {
        Self::Gone
    }
}

impl Signer for KeySigner {
    type Error = NotSigned;

    async fn auth_sign(
        &mut self,
        _identity: &AgentIdentity,
        hash: Option<HashAlg>,
        mut to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, NotSigned> {
        sign(&self.0, hash, &to_sign)
            .ok_or(NotSigned::Unable)?
            .encode_prefixed(&mut to_sign)
            .map_err(|_| NotSigned::Unable)?;
        Ok(to_sign)
    }
}

/// A signature with this key, and with this hash if the key has a choice.
pub(crate) fn sign(key: &PrivateKey, hash: Option<HashAlg>, data: &[u8]) -> Option<Signature> {
    match key.key_data() {
        KeypairData::Rsa(rsa) => (rsa, hash).try_sign(data).ok(),
        other => other.try_sign(data).ok(),
    }
}

/// The hashes to sign with: only RSA has a choice. Its SHA-2 ones are good; SHA-1, which has no name of
/// its own, is for servers that know nothing else.
async fn signature_hashes(
    connection: &Connection,
    key: &PrivateKey,
) -> Result<Vec<Option<HashAlg>>, DialError> {
    if !key.algorithm().is_rsa() {
        return Ok(vec![None]);
    }
    let may_be_sha1 = algorithms::allow_sha1(connection.facts.preset);
    match connection.handle.best_supported_rsa_hash().await {
        Ok(Some(Some(hash))) => Ok(vec![Some(hash)]),
        Ok(Some(None)) if may_be_sha1 => Ok(vec![None]),
        Ok(Some(None)) => {
            let kind = AlgorithmKind::RsaSignature;
            let ours = vec!["rsa-sha2-256".to_owned(), "rsa-sha2-512".to_owned()];
            let offers = vec![Offers { kind, ours, theirs: vec!["ssh-rsa".to_owned()] }];
            let (target, remedy) = (connection.target.clone(), agreement::sha1_remedy(connection.ceiling));
            Err(NoCommonAlgorithm { target, kind, remedy, offers }.into())
        }
        // The server does not say: those that it may know, the commoner one of the good ones first.
        Ok(None) => {
            let mut hashes = vec![Some(HashAlg::Sha256), Some(HashAlg::Sha512)];
            hashes.extend(may_be_sha1.then_some(None));
            Ok(hashes)
        }
        Err(_) => Err(connection.end(DURING).await),
    }
}

fn nothing_tried() -> DialError {
    DialError::Internal { cause: "no signature could be made".to_owned() }
}
