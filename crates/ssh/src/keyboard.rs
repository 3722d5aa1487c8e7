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
/// What a question asks for that is not the password; each stands between blanks.
const NOT_THE_PASSWORD: [&str; 10] = [
    " code ",
    " passcode ",
    " token ",
    " tokencode ",
    " otp ",
    " one time ",
    " pin ",
    " new password ",
    " new unix password ",
    " new login password ",
];
/// In bytes.
const MAX_PROMPT: usize = 1024;

/// Answers the one hidden question that may be for the password, and no other: what clearly asks
/// for something else, such as a verification code, gets no answer.
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

/// The answers to one round: a round without questions gets none, the first round with a hidden
/// question alone gets the password, unless the question asks for something else.
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
        [Prompt { echo: false, prompt }] if unused.is_some() && may_ask_for_password(prompt) => {
            Ok(unused.take().map(|password| password.expose_secret().to_owned()).into_iter().collect())
        }
        _ => Err(DialError::AuthMethodUnavailable {
            target: target.to_owned(),
            method: "password",
            offered: "answers to further questions (keyboard-interactive)".to_owned(),
        }),
    }
}

/// Whether nothing in a question speaks against the password as its answer.
fn may_ask_for_password(prompt: &str) -> bool {
    let prompt = prompt.to_lowercase();
    let mut words = String::from(" ");
    for word in prompt.split_whitespace() {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        // The name of a user or a host, as in "root@token.example.org's password:", says nothing.
        if word.contains(['@', '.', '\'']) {
            continue;
        }
        for part in word.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
            words.push_str(part);
            words.push(' ');
        }
    }
    !NOT_THE_PASSWORD.iter().any(|other| words.contains(other))
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
    fn a_question_for_something_else_does_not_get_the_password() {
        let password = SecretString::from("secret");
        for text in [
            "Verification code: ",
            "VERIFICATION CODE:",
            "Code?",
            "Enter the SMS-code",
            "Your token's code:",
            "Token: ",
            "Enter Tokencode or PASSCODE: ",
            "Password/OTP:",
            "[OTP]:",
            "One-time password (OTP): ",
            "One-time password:",
            "One time password:",
            "Passcode or option (1-2): ",
            "Enter PIN:",
            "New password:",
            "Enter new  password: ",
            "New UNIX password: ",
        ] {
            let mut unused = Some(&password);
            let refused = answers("h:22", &[prompt(text, false)], &mut unused);
            assert!(matches!(refused, Err(DialError::AuthMethodUnavailable { .. })), "{text:?}");
            assert!(unused.is_some(), "{text:?}");
        }
        for text in [
            "Password: ",
            "Password for pinky on codex:",
            "root@token.example.org's password: ",
            "(otp@code) Password: ",
            "(current) UNIX password: ",
            "Kennwort: ",
            "",
        ] {
            let given = answers("h:22", &[prompt(text, false)], &mut Some(&password));
            assert_eq!(given.unwrap(), ["secret"], "{text:?}");
        }
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
