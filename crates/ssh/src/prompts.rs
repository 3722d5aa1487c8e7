//! What a question of a server's is for, judged by its words, and which known answer fits it.

use engine::KnownAnswer;
use secrecy::{ExposeSecret as _, SecretString};

/// What asks for a one-time code; each stands between blanks.
const CODES: [&str; 6] = [" code ", " passcode ", " token ", " tokencode ", " otp ", " one time "];
/// What else a question may ask for that is not the password.
const OTHERS: [&str; 4] = [" pin ", " new password ", " new unix password ", " new login password "];
/// What the password is called.
const PASSWORDS: [&str; 4] = [" password ", " passwort ", " kennwort ", " passwd "];

/// Answers that are known beforehand; each is given once.
pub(crate) struct KnownAnswers {
    answers: Vec<KnownAnswer>,
    totp: Option<SecretString>,
}

impl KnownAnswers {
    pub(crate) fn new(answers: Vec<KnownAnswer>, totp: Option<SecretString>) -> Self {
        Self { answers, totp }
    }

    /// Takes the answer whose pattern says most of the question, or else the one-time code if the
    /// question asks for one.
    pub(crate) fn take(&mut self, prompt: &str) -> Option<SecretString> {
        let words = prompt.to_lowercase();
        let fits = |answer: &KnownAnswer| words.contains(&answer.pattern.expose_secret().to_lowercase());
        let best = (0..self.answers.len())
            .filter(|index| fits(&self.answers[*index]))
            .max_by_key(|index| self.answers[*index].pattern.expose_secret().len());
        match best {
            Some(index) => Some(self.answers.swap_remove(index).answer),
            None if asks_for_code(prompt) => self.totp.take(),
            None => None,
        }
    }
}

/// Whether nothing in a question speaks against the password as its answer.
pub(crate) fn may_ask_for_password(prompt: &str) -> bool {
    let words = words(prompt);
    !CODES.iter().chain(&OTHERS).any(|other| words.contains(other))
}

/// Whether a question asks for the password in so many words.
pub(crate) fn asks_for_password(prompt: &str) -> bool {
    let words = words(prompt);
    PASSWORDS.iter().any(|word| words.contains(word)) && may_ask_for_password(prompt)
}

fn asks_for_code(prompt: &str) -> bool {
    let words = words(prompt);
    CODES.iter().any(|code| words.contains(code))
}

/// The words of a question in lower case, each between blanks.
fn words(prompt: &str) -> String {
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
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_for_something_else_does_not_get_the_password() {
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
            assert!(!may_ask_for_password(text) && !asks_for_password(text), "{text:?}");
        }
        for text in [
            "Password: ",
            "Password for pinky on codex:",
            "root@token.example.org's password: ",
            "(otp@code) Password: ",
            "(current) UNIX password: ",
            "Kennwort: ",
        ] {
            assert!(may_ask_for_password(text) && asks_for_password(text), "{text:?}");
        }
        for text in ["", "Secret: "] {
            assert!(may_ask_for_password(text) && !asks_for_password(text), "{text:?}");
        }
    }

    #[test]
    fn the_answer_that_says_most_is_given_once() {
        let answer =
            |pattern: &str, answer: &str| KnownAnswer { pattern: pattern.into(), answer: answer.into() };
        let answers = vec![answer("code", "1"), answer("BACKUP code", "2"), answer("pet", "Rex")];
        let mut known = KnownAnswers::new(answers, Some("123456".into()));
        let mut take = |prompt| known.take(prompt).map(|text| text.expose_secret().to_owned());
        assert_eq!(take("Your backup code: ").as_deref(), Some("2"));
        assert_eq!(take("Your Pet's name?").as_deref(), Some("Rex"));
        assert_eq!(take("Your pet's name?"), None);
        assert_eq!(take("Password: "), None);
        assert_eq!(take("Verification Code: ").as_deref(), Some("1"));
        assert_eq!(take("Verification Code: ").as_deref(), Some("123456"));
        assert_eq!(take("Verification Code: "), None);
        assert_eq!(take("PIN: "), None);
    }
}
