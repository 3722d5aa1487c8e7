//! What a login has at hand, opened and checked before there is a connection.

use std::sync::Arc;

use engine::{AuthMethod, Credentials, DialError, KeyFile};
use russh::keys::{Certificate, PrivateKey};
use secrecy::SecretString;

use crate::{
    agent::Agent,
    asking::{Asking, TRIES},
    private_key,
    prompts::KnownAnswers,
    user_certificate,
};

/// Credentials that can be used.
pub(crate) struct Login {
    pub(crate) password: Option<SecretString>,
    pub(crate) key: Option<Arc<PrivateKey>>,
    /// Of that key.
    pub(crate) certificate: Option<Certificate>,
    pub(crate) known: KnownAnswers,
    /// The methods that may be tried, in their order. Without them the original's rules count: what
    /// the request holds is tried once, and only the server's own questions are asked.
    pub(crate) methods: Option<Vec<AuthMethod>>,
}

impl Login {
    /// Opens what is encrypted in the credentials, if need be with a passphrase that is asked for.
    ///
    /// # Errors
    /// The private key cannot be used.
    pub(crate) async fn prepare(credentials: Credentials, asking: &Asking<'_>) -> Result<Self, DialError> {
        let Credentials { password, key, answers, totp, methods } = credentials;
        let (key, certificate) = match key {
            Some(file) => open(file, asking, methods.is_some()).await?,
            None => (None, None),
        };
        Ok(Self { password, key, certificate, known: KnownAnswers::new(answers, totp), methods })
    }

    /// An agent with the key, if there is one.
    ///
    /// # Errors
    /// The key cannot be written down.
    pub(crate) fn agent(&self) -> Result<Option<Arc<Agent>>, DialError> {
        let Some(key) = &self.key else { return Ok(None) };
        Agent::new(Arc::clone(key), self.certificate.as_ref()).map(Arc::new).map(Some)
    }

    /// What the credentials are, for sentences.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self { methods: Some(_), .. } => "method of the request",
            Self { key: Some(_), .. } => "key",
            _ => "password",
        }
    }
}

/// A key, and its certificate if it has one.
type Opened = (Option<Arc<PrivateKey>>, Option<Certificate>);

async fn open(file: KeyFile, asking: &Asking<'_>, may_ask: bool) -> Result<Opened, DialError> {
    let KeyFile { text, passphrase, certificate } = file;
    let key = if may_ask {
        decode_asking(text, passphrase, asking).await?
    } else {
        private_key::decode(text, passphrase).await?
    };
    let certificate = certificate.map(|text| user_certificate::read(&text, &key)).transpose()?;
    Ok((Some(Arc::new(key)), certificate))
}

async fn decode_asking(
    text: SecretString,
    mut passphrase: Option<SecretString>,
    asking: &Asking<'_>,
) -> Result<PrivateKey, DialError> {
    for typed in 0..=TRIES {
        let error = match private_key::decode(text.clone(), passphrase).await {
            Err(error @ DialError::KeyPassphrase { .. }) if typed < TRIES => error,
            result => return result,
        };
        let again = typed > 0 || error == DialError::KeyPassphrase { missing: false };
        match asking.passphrase(again).await? {
            Some(answer) => passphrase = Some(answer),
            None => return Err(error),
        }
    }
    Err(DialError::KeyPassphrase { missing: false })
}
