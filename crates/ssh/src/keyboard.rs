//! Answers to whatever a server asks at the login (keyboard-interactive, RFC 4256): those that are
//! known, the password where nothing speaks against it, and what a person types.

use engine::{DialError, Field, FieldsKind};
use russh::client::{KeyboardInteractiveAuthResponse as Response, Prompt};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    asking::Subject,
    auth::{Answer, Attempts, DURING},
    fault::{lost, not_ssh},
    prompts::{asks_for_password, may_ask_for_password},
    text,
};

const MAX_ROUNDS: usize = 10;
const MAX_PROMPTS: usize = 16;
/// In bytes.
const MAX_PROMPT: usize = 1024;
/// How much of the server's name for its question and of its instruction is shown, in characters.
const MAX_NAME: usize = 256;
const MAX_INSTRUCTION: usize = 4096;

/// One try at all of a server's questions.
pub(crate) struct Form {
    /// What was answered before was wrong, and somebody is asked for the first time since.
    again: bool,
    /// A person was asked.
    pub(crate) was_asked: bool,
    /// Anything was answered at all.
    pub(crate) was_answered: bool,
    /// The request's password was given.
    pub(crate) used_password: bool,
    used_known: bool,
}

/// A round's questions.
struct Round {
    name: String,
    instruction: String,
    prompts: Vec<Prompt>,
}

impl Form {
    pub(crate) fn new(again: bool) -> Self {
        Self { again, was_asked: false, was_answered: false, used_password: false, used_known: false }
    }

    /// Whether nothing but the request's password was given.
    pub(crate) fn used_only_password(&self) -> bool {
        !self.was_asked && !self.used_known
    }

    /// Answers until the server has asked everything.
    pub(crate) async fn log_in(&mut self, attempts: &mut Attempts<'_>) -> Result<Answer, DialError> {
        let handle = &mut attempts.connection.handle;
        let mut response = handle.authenticate_keyboard_interactive_start(attempts.user, None).await;
        for _ in 0..MAX_ROUNDS {
            let round = match response {
                Ok(Response::Success) => return Ok(Answer::In),
                Ok(Response::Failure { remaining_methods, .. }) if remaining_methods.is_empty() => {
                    return attempts.connection.end_without_methods().await;
                }
                Ok(Response::Failure { remaining_methods, partial_success }) => {
                    return Ok(Answer::Refused { offered: remaining_methods, partial: partial_success });
                }
                Ok(Response::InfoRequest { name, instructions, prompts }) => {
                    Round { name, instruction: instructions, prompts }
                }
                Err(_) => return attempts.connection.end_without_methods().await,
            };
            let answers = self.answers(attempts, round).await?;
            let handle = &mut attempts.connection.handle;
            response = handle.authenticate_keyboard_interactive_respond(answers).await;
        }
        Err(not_ssh(&attempts.connection.target, "its questions at the login do not end"))
    }

    async fn answers(&mut self, attempts: &mut Attempts<'_>, round: Round) -> Result<Vec<String>, DialError> {
        check(&attempts.connection.target, &round.prompts)?;
        let mut answers: Vec<Option<SecretString>> =
            round.prompts.iter().map(|prompt| attempts.login.known.take(&prompt.prompt)).collect();
        self.used_known |= answers.iter().any(Option::is_some);
        if let Some(password) = attempts.login.password.as_ref().filter(|_| !self.used_password)
            && let Some(place) = place_for_password(&round.prompts, &answers)
        {
            answers[place] = Some(password.clone());
            self.used_password = true;
        }
        self.was_answered |= !round.prompts.is_empty();
        if answers.iter().any(Option::is_none) {
            self.ask(attempts, round, &mut answers).await?;
        }
        Ok(answers.into_iter().flatten().map(|answer| answer.expose_secret().to_owned()).collect())
    }

    /// Has a person fill in what is missing.
    async fn ask(
        &mut self,
        attempts: &Attempts<'_>,
        round: Round,
        answers: &mut [Option<SecretString>],
    ) -> Result<(), DialError> {
        let fields = round.prompts.iter().zip(&*answers).filter(|(_, answer)| answer.is_none());
        let fields = fields
            .map(|(prompt, _)| Field { prompt: lines(&prompt.prompt, MAX_PROMPT), echo: prompt.echo })
            .collect();
        let subject = Subject {
            kind: FieldsKind::KeyboardInteractive,
            name: text::line(&round.name, MAX_NAME),
            instruction: lines(&round.instruction, MAX_INSTRUCTION),
            again: std::mem::take(&mut self.again),
        };
        let typed = {
            let _hold = attempts.brake.hold();
            let connection = &attempts.connection;
            let pulse = connection.switch.pulse();
            tokio::select! {
                biased;
                typed = attempts.asking.fields(subject, fields) => typed?,
                () = pulse.ended() => return Err(lost(&connection.target, DURING)),
            }
        };
        let Some(typed) = typed else {
            return Err(DialError::AuthMethodUnavailable {
                target: attempts.connection.target.clone(),
                method: attempts.login.word(),
                offered: "answers to further questions (keyboard-interactive)".to_owned(),
            });
        };
        self.was_asked = true;
        for (answer, typed) in answers.iter_mut().filter(|answer| answer.is_none()).zip(typed) {
            *answer = Some(typed);
        }
        Ok(())
    }
}

fn check(target: &str, prompts: &[Prompt]) -> Result<(), DialError> {
    if prompts.len() > MAX_PROMPTS || prompts.iter().any(|prompt| prompt.prompt.len() > MAX_PROMPT) {
        return Err(not_ssh(target, "it asks more at the login than a person can read"));
    }
    Ok(())
}

/// Where the password goes: to the one question that is hidden and not answered yet, unless it asks
/// for something else. Among several questions it has to ask for the password in so many words.
fn place_for_password(prompts: &[Prompt], answers: &[Option<SecretString>]) -> Option<usize> {
    let mut open = (0..prompts.len()).filter(|place| answers[*place].is_none());
    let (place, None) = (open.next()?, open.next()) else { return None };
    let Prompt { prompt, echo: false } = &prompts[place] else { return None };
    let fits = if prompts.len() == 1 { may_ask_for_password(prompt) } else { asks_for_password(prompt) };
    fits.then_some(place)
}

/// A text with its lines, and nothing in it that a terminal obeys.
fn lines(text: &str, limit: usize) -> String {
    text::block(text, limit).replace("\r\n", "\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(prompts: &[(&str, bool)]) -> Vec<Prompt> {
        prompts.iter().map(|(text, echo)| Prompt { prompt: (*text).to_owned(), echo: *echo }).collect()
    }

    #[test]
    fn only_one_hidden_question_gets_the_password() {
        for (asked, place) in [
            (&[][..], None),
            (&[("Password:", false)], Some(0)),
            (&[("Secret:", false)], Some(0)),
            (&[("Password:", true)], None),
            (&[("Code:", false)], None),
            (&[("Name:", true)], None),
            (&[("Password:", false), ("Code:", false)], None),
        ] {
            let prompts = prompts(asked);
            let answers = vec![None; prompts.len()];
            assert_eq!(place_for_password(&prompts, &answers), place, "{asked:?}");
        }
    }

    #[test]
    fn beside_what_is_known_it_has_to_be_asked_for_by_name() {
        for (asked, place) in [
            (&[("Password:", false), ("Code:", false)], Some(0)),
            (&[("Secret:", false), ("Code:", false)], None),
        ] {
            let answers = [None, Some(SecretString::from("1"))];
            assert_eq!(place_for_password(&prompts(asked), &answers), place, "{asked:?}");
        }
    }

    #[test]
    fn a_round_has_limits() {
        let long = "x".repeat(MAX_PROMPT);
        check("h:22", &prompts(&[(&long, false)])).unwrap();
        let longer = long + "x";
        let refused = check("h:22", &prompts(&[(&longer, false)]));
        assert!(matches!(refused, Err(DialError::NotSsh { .. })));
        check("h:22", &prompts(&[("", false); MAX_PROMPTS])).unwrap();
        let refused = check("h:22", &prompts(&[("", false); MAX_PROMPTS + 1]));
        assert!(matches!(refused, Err(DialError::NotSsh { .. })));
    }

    #[test]
    fn a_menu_keeps_its_lines() {
        assert_eq!(lines("1. Push\n2. Call\x1b[2J\r\nWhich? ", 99), "1. Push\n2. Call[2J\nWhich?");
    }
}
