//! Logging in, as OpenSSH does it: the server names its methods, and each that the order allows is
//! tried in turn, until the server has had enough of them or there is none left.

use std::time::Duration;

use engine::{AuthMethod, DialError};
use russh::{Error, MethodKind, MethodSet, client::AuthResult};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use crate::{
    asking::{Asking, TRIES},
    clock::{Brake, clock},
    connection::Connection,
    dial::seconds,
    fault::{Fault, not_ssh},
    keyboard::Form,
    login::Login,
    public_key,
};

pub(crate) const DURING: &str = "during the login";
/// More than a server that means it asks for, one method after the other.
const MAX_ATTEMPTS: usize = 20;

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

/// How the last attempt went, and with what: `password`, `key` or `answers`.
#[derive(Clone, Copy)]
enum Last {
    Refused(&'static str),
    Accepted(&'static str),
}

/// One login.
pub(crate) struct Attempts<'a> {
    pub(crate) connection: &'a mut Connection,
    pub(crate) user: &'a str,
    pub(crate) login: Login,
    pub(crate) asking: &'a Asking<'a>,
    /// Of the server's time.
    pub(crate) brake: Brake,
    last: Option<Last>,
    /// How often what was typed was refused since the server accepted something.
    typed: usize,
    /// A password or an answer was refused since then.
    wrong: bool,
    key_is_used: bool,
    /// The request's password was sent as such.
    password_is_used: bool,
    /// Keyboard-interactive is of no use any more.
    form_is_used: bool,
    /// Somebody could not be asked.
    nobody: bool,
}

/// Logs in.
///
/// # Errors
/// The server does not let this user in, is too slow, or went away; or somebody did not answer.
pub(crate) async fn log_in(
    connection: &mut Connection,
    user: &str,
    login: Login,
    asking: &Asking<'_>,
    limit: Duration,
) -> Result<(), DialError> {
    let target = connection.target.clone();
    let (clock, brake) = clock(limit);
    let attempts = Attempts {
        connection,
        user,
        login,
        asking,
        brake,
        last: None,
        typed: 0,
        wrong: false,
        key_is_used: false,
        password_is_used: false,
        form_is_used: false,
        nobody: false,
    };
    let allowance = attempts.connection.allowance.clone();
    let late = Err(DialError::AuthTimeout { target, seconds: seconds(limit) });
    clock.bound(attempts.run()).await.unwrap_or(late)?;
    allowance.lift();
    Ok(())
}

/// Asks which methods the server offers this user, and logs in only where it wants no proof at all.
///
/// # Errors
/// The server is too slow, or went away.
pub(crate) async fn methods(
    connection: &mut Connection,
    user: &str,
    limit: Duration,
) -> Result<Vec<String>, DialError> {
    let target = connection.target.clone();
    match timeout(limit, connection.handle.authenticate_none(user)).await {
        Ok(result) => match connection.answer(result).await? {
            Answer::In => Ok(Vec::new()),
            Answer::Refused { offered, .. } => {
                Ok(offered.iter().map(|method| <&str>::from(method).to_owned()).collect())
            }
        },
        Err(_) => Err(DialError::AuthTimeout { target, seconds: seconds(limit) }),
    }
}

impl Attempts<'_> {
    async fn run(mut self) -> Result<(), DialError> {
        // Asks for the methods without spending one of the few tries that a server grants.
        let result = self.connection.handle.authenticate_none(self.user).await;
        let Answer::Refused { mut offered, .. } = self.connection.answer(result).await? else {
            return Ok(());
        };
        for _ in 0..MAX_ATTEMPTS {
            let Some(method) = self.next(&offered) else { return Err(self.end(&offered)) };
            let (word, answer) = match method {
                AuthMethod::PublicKey => ("key", Some(self.with_key().await?)),
                AuthMethod::Password => ("password", self.with_password().await?),
                AuthMethod::KeyboardInteractive => self.with_form().await?,
            };
            match answer {
                None => {}
                Some(Answer::In) => return Ok(()),
                Some(Answer::Refused { offered: now, partial }) => {
                    offered = now;
                    if partial {
                        (self.typed, self.wrong, self.form_is_used) = (0, false, false);
                    }
                    self.last = Some(if partial { Last::Accepted(word) } else { Last::Refused(word) });
                }
            }
        }
        Err(not_ssh(&self.connection.target, "its login does not end"))
    }

    /// The next method to try: one that the server offers, in the order's order.
    fn next(&self, offered: &MethodSet) -> Option<AuthMethod> {
        let wanted: &[AuthMethod] = match (&self.login.methods, self.last) {
            (Some(methods), _) => methods,
            // What the request holds was for the first step.
            (None, Some(Last::Accepted(_) | Last::Refused("answers"))) => &[AuthMethod::KeyboardInteractive],
            (None, Some(Last::Refused(_))) => &[],
            (None, None) if self.login.key.is_some() => &[AuthMethod::PublicKey],
            (None, None) => &[AuthMethod::Password, AuthMethod::KeyboardInteractive],
        };
        wanted.iter().copied().find(|method| offered.contains(&kind(*method)) && self.can(*method))
    }

    fn can(&self, method: AuthMethod) -> bool {
        let may_ask = self.login.methods.is_some() && !self.nobody && self.typed < TRIES;
        match method {
            AuthMethod::PublicKey => self.login.key.is_some() && !self.key_is_used,
            AuthMethod::Password => may_ask || self.login.password.is_some() && !self.password_is_used,
            AuthMethod::KeyboardInteractive => !self.form_is_used && self.typed < TRIES,
        }
    }

    async fn with_key(&mut self) -> Result<Answer, DialError> {
        self.key_is_used = true;
        public_key::log_in(self).await
    }

    /// Nothing was tried if there is nobody who knows the password.
    async fn with_password(&mut self) -> Result<Option<Answer>, DialError> {
        let known = self.login.password.clone().filter(|_| !self.password_is_used);
        let (password, is_typed) = match known {
            Some(password) => (password, false),
            None => match self.ask_for_password().await? {
                Some(password) => (password, true),
                None => return Ok(None),
            },
        };
        self.password_is_used = true;
        let handle = &mut self.connection.handle;
        let result = handle.authenticate_password(self.user, password.expose_secret()).await;
        let answer = self.connection.answer(result).await?;
        if let Answer::Refused { partial: false, .. } = answer {
            self.refused(is_typed, !is_typed);
        }
        Ok(Some(answer))
    }

    async fn ask_for_password(&mut self) -> Result<Option<SecretString>, DialError> {
        let _hold = self.brake.hold();
        let password = tokio::select! {
            password = self.asking.password(self.wrong) => password?,
            () = self.connection.notes.gone.cancelled() => return Err(self.connection.end(DURING).await),
        };
        self.nobody |= password.is_none();
        Ok(password)
    }

    async fn with_form(&mut self) -> Result<(&'static str, Option<Answer>), DialError> {
        let mut form = Form::new(self.wrong);
        let has_password = self.login.password.is_some();
        let answer = form.log_in(self).await?;
        let word = if has_password && form.used_only_password() { "password" } else { "answers" };
        if let Answer::Refused { partial: false, .. } = answer {
            self.refused(form.was_asked, form.used_password);
            self.wrong |= form.was_answered;
            // Another try is of use if there is more to say.
            let more = form.was_asked || self.login.methods.is_some() && form.was_answered;
            self.form_is_used = !more;
        }
        Ok((word, Some(answer)))
    }

    fn refused(&mut self, was_typed: bool, was_password: bool) {
        self.wrong |= was_typed || was_password;
        if was_typed {
            self.typed += 1;
        }
        if was_password {
            self.login.password = None;
        }
    }

    /// Why there is no login, once no method is left.
    fn end(&self, offered: &MethodSet) -> DialError {
        let target = self.connection.target.clone();
        let method = match self.last {
            Some(Last::Refused(method)) => return DialError::AuthFailed { target, method },
            Some(Last::Accepted(method)) => method,
            None => self.login.word(),
        };
        let names: Vec<&str> = offered.iter().map(<&str>::from).collect();
        let offered = if names.is_empty() { "no method at all".to_owned() } else { names.join(", ") };
        DialError::AuthMethodUnavailable { target, method, offered }
    }
}

impl Connection {
    /// What an attempt came to. russh reports a link that broke as a refusal without methods.
    pub(crate) async fn answer(&self, result: Result<AuthResult, Error>) -> Result<Answer, DialError> {
        match result {
            Ok(AuthResult::Success) => Ok(Answer::In),
            Ok(AuthResult::Failure { remaining_methods, partial_success })
                if !remaining_methods.is_empty() =>
            {
                Ok(Answer::Refused { offered: remaining_methods, partial: partial_success })
            }
            Ok(AuthResult::Failure { .. }) | Err(_) => self.end_without_methods().await,
        }
    }

    /// The connection is ending: because the server has no method left to offer, or for another reason.
    pub(crate) async fn end_without_methods(&self) -> Result<Answer, DialError> {
        self.notes.gone.cancelled().await;
        match self.notes.take_fault() {
            Some(Fault::Ssh(Error::NoAuthMethod)) => {
                Ok(Answer::Refused { offered: MethodSet::empty(), partial: false })
            }
            Some(fault) => Err(fault.into_dial_error(&self.target, DURING)),
            None => Err(self.end(DURING).await),
        }
    }
}

fn kind(method: AuthMethod) -> MethodKind {
    match method {
        AuthMethod::PublicKey => MethodKind::PublicKey,
        AuthMethod::KeyboardInteractive => MethodKind::KeyboardInteractive,
        AuthMethod::Password => MethodKind::Password,
    }
}
