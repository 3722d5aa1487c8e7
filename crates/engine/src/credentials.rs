//! What an order holds to log in with. Must not know how it is used.

use std::fmt;

use secrecy::SecretString;

/// What is at hand to log in with. Anything may be missing: a person may be asked for it.
#[derive(Default)]
pub struct Credentials {
    /// A password, taken as it is; it may be empty.
    pub password: Option<SecretString>,
    /// A private key.
    pub key: Option<KeyFile>,
    /// Answers to questions of the server's that are known beforehand.
    pub answers: Vec<KnownAnswer>,
    /// A one-time code, for a question that asks for one.
    pub totp: Option<SecretString>,
    /// The methods that may be tried, in this order. With them a person is asked for whatever is
    /// missing or wrong; without them the one that the password or the key is for is tried once.
    pub methods: Option<Vec<AuthMethod>>,
}

/// A private key and what goes with it.
pub struct KeyFile {
    /// The file's text, in any format that the dialer reads.
    pub text: SecretString,
    /// Opens an encrypted key.
    pub passphrase: Option<SecretString>,
    /// The text of the OpenSSH user certificate of this key.
    pub certificate: Option<SecretString>,
}

/// An answer to a question that the server may ask.
pub struct KnownAnswer {
    /// Part of the question, in any case of letters.
    pub pattern: SecretString,
    /// The answer, which is given once.
    pub answer: SecretString,
}

/// A way to log in (RFC 4252).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthMethod {
    /// With a key, and with its certificate before it.
    PublicKey,
    /// With answers to whatever the server asks (RFC 4256).
    KeyboardInteractive,
    /// With a password.
    Password,
}

impl AuthMethod {
    /// All of them, in OpenSSH's order.
    pub const ALL: [Self; 3] = [Self::PublicKey, Self::KeyboardInteractive, Self::Password];

    /// The method of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Its name in the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PublicKey => "publickey",
            Self::KeyboardInteractive => "keyboard-interactive",
            Self::Password => "password",
        }
    }
}

impl Credentials {
    /// A password and nothing else.
    #[must_use]
    pub fn of_password(password: impl Into<SecretString>) -> Self {
        Self { password: Some(password.into()), ..Self::default() }
    }

    /// A private key and nothing else.
    #[must_use]
    pub fn of_key(text: impl Into<SecretString>, passphrase: Option<SecretString>) -> Self {
        let key = KeyFile { text: text.into(), passphrase, certificate: None };
        Self { key: Some(key), ..Self::default() }
    }

    /// The same with these methods.
    #[must_use]
    pub fn with_methods(mut self, methods: impl IntoIterator<Item = AuthMethod>) -> Self {
        self.methods = Some(methods.into_iter().collect());
        self
    }
}

impl fmt::Debug for Credentials {
    /// Says nothing of what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("methods", &self.methods).finish_non_exhaustive()
    }
}
