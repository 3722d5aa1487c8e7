//! What a person is asked on the way to a shell, and what they answer.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use crate::{
    dial::Step,
    target::{Fingerprint, Target},
};

/// How long a question stands. sshd gives a login two minutes in all, this one included.
pub const QUESTION_LIMIT: Duration = Duration::from_secs(90);

/// Whoever waits for a shell.
pub trait Person: Send + Sync {
    /// A step has begun: on the way to this jump host, or else to the target.
    fn progress(&self, step: Step, hop: Option<&Target>);

    /// Asks, and waits for the answer as long as a question stands. One question at a time.
    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Answer, Unanswered>>;
}

/// Something that only a person can decide or know. All words of a server in it are its own: whoever
/// shows them must not take them for anything but text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// Whether this is the right host.
    HostKey(HostKeyQuestion),
    /// What to log in with.
    Fields(FieldsQuestion),
}

/// A host that is not known shows this key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostKeyQuestion {
    /// `host:port`.
    pub target: String,
    /// The type of the key, as OpenSSH names it: `ssh-ed25519`.
    pub algorithm: String,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its picture, as `ssh-keygen -lv` draws it: lines of text.
    pub randomart: String,
    /// Whether it can be remembered, so that it is not asked for again.
    pub can_remember: bool,
}

/// Fields that a person fills in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldsQuestion {
    /// What they are for.
    pub kind: FieldsKind,
    /// `user@host:port`.
    pub target: String,
    /// The server's name for its question; may be empty.
    pub name: String,
    /// The server's instruction; may be empty and have several lines.
    pub instruction: String,
    /// At least one.
    pub fields: Vec<Field>,
    /// What was answered to the same question before was wrong.
    pub again: bool,
}

/// What fields are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FieldsKind {
    /// The account's password.
    Password,
    /// The passphrase of the private key that came with the order.
    Passphrase,
    /// Whatever the server asks (RFC 4256).
    KeyboardInteractive,
}

/// One field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    /// What is asked.
    pub prompt: String,
    /// Whether what is typed may be seen.
    pub echo: bool,
}

/// An answer that fits its question.
pub enum Answer {
    /// It is the right host.
    Accept {
        /// And shall be known from now on.
        remember: bool,
    },
    /// What was typed, field by field.
    Fields(Vec<SecretString>),
}

impl fmt::Debug for Answer {
    /// Says nothing of what was typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept { remember } => write!(f, "Accept {{ remember: {remember} }}"),
            Self::Fields(fields) => write!(f, "Fields({})", fields.len()),
        }
    }
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unanswered {
    /// The person does not want to go on.
    #[error("the question was refused")]
    Refused,
    /// Nobody answered in time.
    #[error("nobody answered within {} s", QUESTION_LIMIT.as_secs())]
    TimedOut,
    /// There is nobody who can be asked.
    #[error("there is nobody who can be asked")]
    Nobody,
}

/// The answer is not one to the question that stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AnswerRefused {
    /// No such question stands: it was answered, or its time was up.
    #[error("this question does not stand any more")]
    Late,
    /// It answers another kind of question, or has another number of fields.
    #[error("this answer does not fit its question")]
    Shape,
}

impl Question {
    /// Whether the answer fits.
    pub(crate) fn fits(&self, answer: &Answer) -> bool {
        match (self, answer) {
            (Self::HostKey(question), Answer::Accept { remember }) => question.can_remember || !remember,
            (Self::Fields(question), Answer::Fields(fields)) => question.fields.len() == fields.len(),
            _ => false,
        }
    }
}
