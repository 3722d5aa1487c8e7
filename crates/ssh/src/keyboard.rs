//! A password for servers that ask for it as a question (keyboard-interactive, RFC 4256).

use engine::DialError;
use russh::client::{KeyboardInteractiveAuthResponse as Response, Prompt};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    auth::{Answer, end_without_methods},
    connection::Connection,
    fault::not_ssh,
};

const MAX_ROUNDS: usize = 10;
const MAX_PROMPTS: usize = 16;
/// In bytes.
const MAX_PROMPT: usize = 1024;

/// Answers the one question for a password, and no other.
pub(crate) async fn answer_with_password(
    connection: &mut Connection,
    user: &str,
    password: &SecretString,
) -> Result<Answer, DialError> {
    let mut unused = Some(password);
    let mut response = connection.handle.authenticate_keyboard_interactive_start(user, None).await;
    for _ in 0..MAX_ROUNDS {
        let prompts = match response {
            Ok(Response::Success) => return Ok(Answer::In),
            Ok(Response::Failure { remaining_methods, .. }) if remaining_methods.is_empty() => {
                return end_without_methods(connection).await;
            }
            Ok(Response::Failure { remaining_methods, partial_success }) => {
                return Ok(Answer::Refused { offered: remaining_methods, partial: partial_success });
            }
            Ok(Response::InfoRequest { prompts, .. }) => prompts,
            Err(_) => return end_without_methods(connection).await,
        };
        let answers = answers(&connection.target, &prompts, &mut unused)?;
        response = connection.handle.authenticate_keyboard_interactive_respond(answers).await;
    }
    Err(not_ssh(&connection.target, "its questions at the login do not end"))
}

/// The answers to one round: a round without questions gets none, the first hidden question gets
/// the password.
fn answers(
    target: &str,
    prompts: &[Prompt],
    unused: &mut Option<&SecretString>,
) -> Result<Vec<String>, DialError> {
    if prompts.len() > MAX_PROMPTS || prompts.iter().any(|prompt| prompt.prompt.len() > MAX_PROMPT) {
        return Err(not_ssh(target, "it asks more at the login than a person can read"));
    }
    match prompts {
        [] => Ok(Vec::new()),
        [Prompt { echo: false, .. }] if unused.is_some() => {
            Ok(unused.take().map(|password| password.expose_secret().to_owned()).into_iter().collect())
        }
        _ => Err(DialError::AuthMethodUnavailable {
            target: target.to_owned(),
            method: "password",
            offered: "answers to further questions (keyboard-interactive)".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(text: &str, echo: bool) -> Prompt {
        Prompt { prompt: text.to_owned(), echo }
    }

    #[test]
    fn only_one_hidden_question_gets_the_password() {
        let password = SecretString::from("secret");
        let mut unused = Some(&password);
        assert_eq!(answers("h:22", &[], &mut unused).unwrap(), Vec::<String>::new());
        assert!(answers("h:22", &[prompt("Name", true)], &mut unused).is_err());
        assert!(answers("h:22", &[prompt("Password", false), prompt("Code", false)], &mut unused).is_err());
        assert_eq!(answers("h:22", &[prompt("Password:", false)], &mut unused).unwrap(), ["secret"]);
        assert_eq!(answers("h:22", &[], &mut unused).unwrap(), Vec::<String>::new());
        assert!(matches!(
            answers("h:22", &[prompt("Code:", false)], &mut unused),
            Err(DialError::AuthMethodUnavailable { .. })
        ));
    }

    #[test]
    fn a_round_has_limits() {
        let password = SecretString::from("secret");
        let long = prompt(&"x".repeat(MAX_PROMPT + 1), false);
        assert!(matches!(answers("h:22", &[long], &mut Some(&password)), Err(DialError::NotSsh { .. })));
        let longest = prompt(&"x".repeat(MAX_PROMPT), false);
        assert!(answers("h:22", &[longest], &mut Some(&password)).is_ok());
        let many: Vec<Prompt> = (0..=MAX_PROMPTS).map(|_| prompt("", false)).collect();
        assert!(matches!(answers("h:22", &many, &mut Some(&password)), Err(DialError::NotSsh { .. })));
        assert!(matches!(
            answers("h:22", &many[1..], &mut Some(&password)),
            Err(DialError::AuthMethodUnavailable { .. })
        ));
    }
}
