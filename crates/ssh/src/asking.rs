//! Asking whoever waits for a shell what a login needs, and what it means that they do not answer.

use engine::{Answer, DialError, Field, FieldsKind, FieldsQuestion, Person, Question, Target, Unanswered};
use secrecy::SecretString;

/// How often somebody may type the same thing.
pub(crate) const TRIES: usize = 3;

/// The questions of one login.
pub(crate) struct Asking<'a> {
    person: &'a dyn Person,
    /// `host:port`.
    host: String,
    /// `user@host:port`.
    account: String,
    /// `user@host's password:`, as OpenSSH asks for it.
    password_prompt: String,
    passphrase_prompt: String,
}

/// What fields are about, beside the fields.
pub(crate) struct Subject {
    pub(crate) kind: FieldsKind,
    pub(crate) name: String,
    pub(crate) instruction: String,
    /// What was answered before was wrong.
    pub(crate) again: bool,
}

impl<'a> Asking<'a> {
    /// Of this person, for this account.
    pub(crate) fn new(person: &'a dyn Person, target: &Target) -> Self {
        Self {
            person,
            passphrase_prompt: "Passphrase of the private key:".to_owned(),
            host: target.to_string(),
            account: format!("{}@{target}", target.username),
            password_prompt: format!("{}@{}'s password:", target.username, target.host),
        }
    }

    /// There are accounts on other hosts too: every question says for which it is.
    pub(crate) fn one_of_several(mut self, target: &Target) -> Self {
        self.passphrase_prompt =
            format!("Passphrase of the private key for {}@{}:", target.username, target.host);
        self
    }

    /// Asks for the account's password; `None` if there is nobody.
    pub(crate) async fn password(&self, again: bool) -> Result<Option<SecretString>, DialError> {
        self.secret(FieldsKind::Password, self.password_prompt.clone(), again).await
    }

    /// Asks for the private key's passphrase; `None` if there is nobody.
    pub(crate) async fn passphrase(&self, again: bool) -> Result<Option<SecretString>, DialError> {
        self.secret(FieldsKind::Passphrase, self.passphrase_prompt.clone(), again).await
    }

    async fn secret(
        &self,
        kind: FieldsKind,
        prompt: String,
        again: bool,
    ) -> Result<Option<SecretString>, DialError> {
        let subject = Subject { kind, name: String::new(), instruction: String::new(), again };
        let typed = self.fields(subject, vec![Field { prompt, echo: false }]).await?;
        Ok(typed.and_then(|typed| typed.into_iter().next()))
    }

    /// Asks for fields, and has as many answers; `None` if there is nobody.
    pub(crate) async fn fields(
        &self,
        subject: Subject,
        fields: Vec<Field>,
    ) -> Result<Option<Vec<SecretString>>, DialError> {
        let Subject { kind, name, instruction, again } = subject;
        let (count, target) = (fields.len(), self.account.clone());
        let question = FieldsQuestion { kind, target, name, instruction, fields, again };
        match self.person.ask(Question::Fields(question)).await {
            Ok(Answer::Fields(typed)) if typed.len() == count => Ok(Some(typed)),
            Ok(answer) => Err(DialError::Internal { cause: format!("{answer:?} answers another question") }),
            Err(Unanswered::Refused) => Err(DialError::LoginCancelled { target: self.host.clone() }),
            Err(Unanswered::TimedOut) => Err(DialError::Unanswered { target: self.host.clone() }),
            Err(Unanswered::Nobody) => Ok(None),
        }
    }
}
