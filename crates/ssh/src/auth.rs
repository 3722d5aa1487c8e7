//! Logging in: the method that the credentials are for, once the server has named its own.

use std::{sync::Arc, time::Duration};

use engine::{Credentials, DialError};
use russh::{
    Error, MethodKind, MethodSet,
    client::AuthResult,
    keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use crate::{connection::Connection, dial::seconds, fault::Fault, keyboard, private_key};

const DURING: &str = "during the login";

/// Credentials that can be used.
pub(crate) enum Login {
    /// Sent as it is.
    Password(SecretString),
    /// Signs.
    Key(Arc<PrivateKey>),
}

/// What the server says to an attempt.
pub(crate) enum Answer {
    /// Welcome.
    In,
    /// No, or not yet.
    Refused {
        /// What it takes now.
        offered: MethodSet,
        /// The method was accepted, and another one must follow.
        partial: bool,
    },
}

impl Login {
    /// Opens what is sealed or encrypted in the credentials.
    ///
    /// # Errors
    /// The private key cannot be used.
    pub(crate) async fn prepare(credentials: Credentials) -> Result<Self, DialError> {
        match credentials {
            Credentials::Password(password) => Ok(Self::Password(password)),
            Credentials::PrivateKey { key, passphrase } => {
                Ok(Self::Key(Arc::new(private_key::decode(key, passphrase).await?)))
            }
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Password(_) => "password",
            Self::Key(_) => "key",
        }
    }
}

/// Logs in.
///
/// # Errors
/// The server does not let this user in, is too slow, or went away.
pub(crate) async fn log_in(
    connection: &mut Connection,
    user: &str,
    login: &Login,
    limit: Duration,
) -> Result<(), DialError> {
    let target = connection.target.clone();
    match timeout(limit, attempt(connection, user, login)).await {
        Ok(result) => result,
        Err(_) => Err(DialError::AuthTimeout { target, seconds: seconds(limit) }),
    }
}

async fn attempt(connection: &mut Connection, user: &str, login: &Login) -> Result<(), DialError> {
    // Asks for the methods without spending one of the few tries that a server grants.
    let result = connection.handle.authenticate_none(user).await;
    let Answer::Refused { offered, .. } = answer(connection, result).await? else { return Ok(()) };
    let offers = |method| offered.contains(&method);
    let answer = match login {
        Login::Password(password) if offers(MethodKind::Password) => {
            let result = connection.handle.authenticate_password(user, password.expose_secret()).await;
            answer(connection, result).await?
        }
        Login::Password(password) if offers(MethodKind::KeyboardInteractive) => {
            keyboard::answer_with_password(connection, user, password).await?
        }
        Login::Key(key) if offers(MethodKind::PublicKey) => with_key(connection, user, key).await?,
        Login::Password(_) | Login::Key(_) => return Err(unavailable(connection, login, &offered)),
    };
    match answer {
        Answer::In => Ok(()),
        Answer::Refused { offered, partial: true } => Err(unavailable(connection, login, &offered)),
        Answer::Refused { partial: false, .. } => {
            Err(DialError::AuthFailed { target: connection.target.clone(), method: login.word() })
        }
    }
}

/// What an attempt came to. russh reports a link that broke as a refusal without methods.
pub(crate) async fn answer(
    connection: &Connection,
    result: Result<AuthResult, Error>,
) -> Result<Answer, DialError> {
    match result {
        Ok(AuthResult::Success) => Ok(Answer::In),
        Ok(AuthResult::Failure { remaining_methods, partial_success }) if !remaining_methods.is_empty() => {
            Ok(Answer::Refused { offered: remaining_methods, partial: partial_success })
        }
        Ok(AuthResult::Failure { .. }) | Err(_) => end_without_methods(connection).await,
    }
}

/// The connection is ending: because the server has no method left to offer, or for another reason.
pub(crate) async fn end_without_methods(connection: &Connection) -> Result<Answer, DialError> {
    connection.notes.gone.cancelled().await;
    match connection.notes.take_fault() {
        Some(Fault::Ssh(Error::NoAuthMethod)) => {
            Ok(Answer::Refused { offered: MethodSet::empty(), partial: false })
        }
        Some(fault) => Err(fault.into_dial_error(&connection.target, DURING)),
        None => Err(connection.end(DURING).await),
    }
}

async fn with_key(
    connection: &mut Connection,
    user: &str,
    key: &Arc<PrivateKey>,
) -> Result<Answer, DialError> {
    let mut last = None;
    for hash in signature_hashes(connection, key).await? {
        let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
        let result = connection.handle.authenticate_publickey(user, key).await;
        match answer(connection, result).await? {
            Answer::Refused { offered, partial: false } if offered.contains(&MethodKind::PublicKey) => {
                last = Some(Answer::Refused { offered, partial: false });
            }
            answer => return Ok(answer),
        }
    }
    last.ok_or_else(|| DialError::Internal { cause: "no signature was tried".to_owned() })
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

fn unavailable(connection: &Connection, login: &Login, offered: &MethodSet) -> DialError {
    let names: Vec<&str> = offered.iter().map(<&str>::from).collect();
    let offered = if names.is_empty() { "no method at all".to_owned() } else { names.join(", ") };
    DialError::AuthMethodUnavailable { target: connection.target.clone(), method: login.word(), offered }
}
