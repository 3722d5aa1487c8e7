//! Logging in with a key.

use engine::DialError;
use russh::{
    MethodKind,
    keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg},
};

use crate::{
    auth::{Answer, Attempts, DURING},
    connection::Connection,
};

/// Tries the key, with one signature after the other until one is taken.
pub(crate) async fn log_in(attempts: &mut Attempts<'_>) -> Result<Answer, DialError> {
    let Some(key) = attempts.login.key.clone() else { return Err(nothing_tried()) };
    let hashes = attempts.time.wait(signature_hashes(attempts.connection, &key)).await??;
    let mut last = None;
    for hash in hashes {
        let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
        let attempt = attempts.connection.handle.authenticate_publickey(attempts.user, key);
        let result = attempts.time.wait(attempt).await?;
        match attempts.answer(result).await? {
            Answer::Refused { offered, partial: false } if offered.contains(&MethodKind::PublicKey) => {
                last = Some(Answer::Refused { offered, partial: false });
            }
            answer => return Ok(answer),
        }
    }
    last.ok_or_else(nothing_tried)
}

/// The hashes to sign with: only RSA has a choice, and only its SHA-2 ones are good.
async fn signature_hashes(
    connection: &Connection,
    key: &PrivateKey,
) -> Result<Vec<Option<HashAlg>>, DialError> {
    if !key.algorithm().is_rsa() {
        return Ok(vec![None]);
    }
    match connection.handle.best_supported_rsa_hash().await {
        Ok(Some(Some(hash))) => Ok(vec![Some(hash)]),
        Ok(Some(None)) => Err(DialError::NoCommonAlgorithm {
            target: connection.target.clone(),
            kind: "RSA signature".to_owned(),
            theirs: "ssh-rsa (SHA-1)".to_owned(),
        }),
        // The server does not say: the two that it may know, the commoner one first.
        Ok(None) => Ok(vec![Some(HashAlg::Sha256), Some(HashAlg::Sha512)]),
        Err(_) => Err(connection.end(DURING).await),
    }
}

fn nothing_tried() -> DialError {
    DialError::Internal { cause: "no signature was tried".to_owned() }
}
