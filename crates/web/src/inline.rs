//! Questions for clients of the original's protocol, asked and answered in the terminal itself, as
//! OpenSSH's client asks: a small line editor. Knows no socket and no session.

use std::mem;

use engine::{Answer, Field, FieldsKind, FieldsQuestion, HostKeyQuestion, Question, Unanswered};

/// The longest answer, in characters; what is beyond is not taken.
const MAX_LINE: usize = 4096;
const INTERRUPT: char = '\u{3}';
const END: char = '\u{4}';
const CLEAR: char = '\u{15}';
const ESCAPE: char = '\u{1b}';

/// The question that stands in a terminal.
pub(crate) struct Inline {
    /// Its number.
    pub(crate) id: u64,
    asked: Asked,
    line: String,
    answers: Vec<String>,
    escape: Escape,
}

enum Asked {
    HostKey { fingerprint: String, can_remember: bool },
    Fields(Vec<Field>),
}

/// How far an escape sequence of a key such as an arrow is: such keys do nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Escape {
    None,
    Begun,
    Within,
}

/// What came of a piece of input.
#[derive(Default)]
pub(crate) struct Typed {
    /// What the terminal shows of it.
    pub(crate) echo: String,
    /// The answer, once it is complete.
    pub(crate) answer: Option<Result<Answer, Unanswered>>,
}

impl Inline {
    /// The question, and the words that ask it.
    pub(crate) fn new(id: u64, question: &Question) -> (Self, String) {
        let (asked, words) = match question {
            Question::HostKey(question) => ask_for_host(question),
            Question::Fields(question) => ask_for_fields(question),
        };
        let inline = Self { id, asked, line: String::new(), answers: Vec::new(), escape: Escape::None };
        (inline, words)
    }

    /// Takes what was typed. What follows an answer is nobody's.
    pub(crate) fn input(&mut self, text: &str) -> Typed {
        let mut typed = Typed::default();
        for key in text.chars() {
            if self.is_of_a_sequence(key) {
                continue;
            }
            match key {
                '\r' | '\n' => self.enter(&mut typed),
                INTERRUPT => typed.refuse("^C\r\n"),
                END if self.line.is_empty() => typed.refuse("\r\n"),
                '\u{8}' | '\u{7f}' => {
                    if self.line.pop().is_some() && self.echoes() {
                        typed.echo.push_str("\u{8} \u{8}");
                    }
                }
                CLEAR => {
                    let cleared = mem::take(&mut self.line).chars().count();
                    if self.echoes() {
                        typed.echo.push_str(&"\u{8} \u{8}".repeat(cleared));
                    }
                }
                key if key.is_control() => {}
                key if self.line.chars().count() < MAX_LINE => {
                    self.line.push(key);
                    if self.echoes() {
                        typed.echo.push(key);
                    }
                }
                _ => typed.echo.push('\u{7}'),
            }
            if typed.answer.is_some() {
                break;
            }
        }
        typed
    }

    fn is_of_a_sequence(&mut self, key: char) -> bool {
        let (is_part, next) = match (self.escape, key) {
            (Escape::None, ESCAPE) => (true, Escape::Begun),
            (Escape::None, _) => (false, Escape::None),
            (Escape::Begun, '[' | 'O') => (true, Escape::Within),
            (Escape::Begun, _) | (Escape::Within, '\u{40}'..='\u{7e}') => (true, Escape::None),
            (Escape::Within, _) => (true, Escape::Within),
        };
        self.escape = next;
        is_part
    }

    /// Whether what is typed may be seen.
    fn echoes(&self) -> bool {
        match &self.asked {
            Asked::HostKey { .. } => true,
            Asked::Fields(fields) => fields.get(self.answers.len()).is_some_and(|field| field.echo),
        }
    }

    fn enter(&mut self, typed: &mut Typed) {
        typed.echo.push_str("\r\n");
        let line = mem::take(&mut self.line);
        match &self.asked {
            Asked::HostKey { fingerprint, can_remember } => match line.trim() {
                "no" => typed.answer = Some(Err(Unanswered::Refused)),
                word if word == "yes" || word == fingerprint => {
                    typed.answer = Some(Ok(Answer::Accept { remember: *can_remember }));
                }
                _ => typed.echo.push_str("Type yes, no or the fingerprint: "),
            },
            Asked::Fields(fields) => {
                self.answers.push(line);
                match fields.get(self.answers.len()) {
                    Some(next) => typed.echo.push_str(&prompt(next)),
                    None => {
                        let answers = mem::take(&mut self.answers).into_iter().map(Into::into);
                        typed.answer = Some(Ok(Answer::Fields(answers.collect())));
                    }
                }
            }
        }
    }
}

impl Typed {
    fn refuse(&mut self, echo: &str) {
        self.echo.push_str(echo);
        self.answer = Some(Err(Unanswered::Refused));
    }
}

fn ask_for_host(question: &HostKeyQuestion) -> (Asked, String) {
    let HostKeyQuestion { target, algorithm, fingerprint, randomart, can_remember } = question;
    let remembered = if *can_remember { " If you go on, it is remembered." } else { "" };
    let words = format!(
        "The host {} is not known. Its {} key has the fingerprint\r\n{fingerprint}\r\n{}\r\n\
         Compare it with what whoever runs the host says.{remembered}\r\n\
         Go on (yes/no/fingerprint)? ",
        shown(target),
        shown(algorithm),
        shown(randomart.trim_end()),
    );
    (Asked::HostKey { fingerprint: fingerprint.to_string(), can_remember: *can_remember }, words)
}

fn ask_for_fields(question: &FieldsQuestion) -> (Asked, String) {
    let mut words = String::new();
    if question.again {
        words.push_str("That was not right. Try again.\r\n");
    }
    for text in [&question.name, &question.instruction] {
        if !text.trim().is_empty() {
            words.push_str(&shown(text.trim_end()));
            words.push_str("\r\n");
        }
    }
    let mut fields = question.fields.clone();
    if question.kind == FieldsKind::KeyboardInteractive {
        // The server's own words do not tell which server it is; OpenSSH puts the account before them too.
        for field in &mut fields {
            field.prompt = format!("({}) {}", question.target, field.prompt);
        }
    }
    words.push_str(&fields.first().map(prompt).unwrap_or_default());
    (Asked::Fields(fields), words)
}

/// A server's own words, as text of a terminal and nothing else.
fn shown(text: &str) -> String {
    let reorders = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.lines()
        .map(|line| line.chars().filter(|c| !c.is_control() && !reorders(*c)).collect::<String>())
        .collect::<Vec<_>>()
        .join("\r\n")
}

fn prompt(field: &Field) -> String {
    let text = shown(&field.prompt);
    if text.ends_with(char::is_whitespace) { text } else { text + " " }
}

#[cfg(test)]
mod tests {
    use engine::Fingerprint;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn fields(fields: &[(&str, bool)]) -> Question {
        let fields = fields.iter().map(|(prompt, echo)| Field { prompt: (*prompt).to_owned(), echo: *echo });
        Question::Fields(FieldsQuestion {
            kind: FieldsKind::KeyboardInteractive,
            target: "me@host:22".to_owned(),
            name: "PAM".to_owned(),
            instruction: "Two\nlines\u{1b}[2J\n".to_owned(),
            fields: fields.collect(),
            again: false,
        })
    }

    fn host_key(can_remember: bool) -> Question {
        Question::HostKey(HostKeyQuestion {
            target: "host:22".to_owned(),
            algorithm: "ssh-ed25519".to_owned(),
            fingerprint: Fingerprint::of_public_key(b"key"),
            randomart: "+--+\n|o |\n+--+\n".to_owned(),
            can_remember,
        })
    }

    fn texts(answer: Option<Result<Answer, Unanswered>>) -> Vec<String> {
        let Some(Ok(Answer::Fields(fields))) = answer else { panic!("no answer") };
        fields.iter().map(|field| field.expose_secret().to_owned()).collect()
    }

    #[test]
    fn fields_are_asked_one_after_the_other_and_secrets_are_not_shown() {
        let (mut inline, words) = Inline::new(1, &fields(&[("User", true), ("Code: ", false)]));
        assert_eq!(words, "PAM\r\nTwo\r\nlines[2J\r\n(me@host:22) User ");
        let typed = inline.input("mé\x7fe\r");
        assert_eq!(
            (typed.echo.as_str(), typed.answer.is_none()),
            ("mé\x08 \x08e\r\n(me@host:22) Code: ", true)
        );
        let typed = inline.input("12\x1b[A3x");
        assert_eq!(typed.echo, "");
        let typed = inline.input("\x7f4\rls\r");
        assert_eq!(typed.echo, "\r\n");
        assert_eq!(texts(typed.answer), ["me", "1234"]);
    }

    #[test]
    fn a_line_can_be_cleared_left_and_ended() {
        let (mut inline, _) = Inline::new(1, &fields(&[("User", true)]));
        assert_eq!(inline.input("ab\x15c").echo, "ab\x08 \x08\x08 \x08c");
        assert!(inline.input("\x04").answer.is_none());
        assert_eq!(texts(inline.input("\n").answer), ["c"]);
        for key in ["\x03", "\x04"] {
            let (mut inline, _) = Inline::new(1, &fields(&[("User", true)]));
            assert!(matches!(inline.input(key).answer, Some(Err(Unanswered::Refused))), "{key:?}");
        }
    }

    #[test]
    fn a_line_has_a_limit() {
        let (mut inline, _) = Inline::new(1, &fields(&[("Code", false)]));
        let typed = inline.input(&"x".repeat(MAX_LINE + 1));
        assert_eq!(typed.echo, "\u{7}");
        assert_eq!(texts(inline.input("\r").answer)[0].len(), MAX_LINE);
    }

    #[test]
    fn a_host_is_accepted_by_yes_or_by_its_fingerprint_and_by_nothing_else() {
        let fingerprint = Fingerprint::of_public_key(b"key").to_string();
        for (can_remember, line) in [(true, "yes"), (false, "yes"), (true, fingerprint.as_str())] {
            let (mut inline, words) = Inline::new(1, &host_key(can_remember));
            assert!(words.contains(&fingerprint) && words.contains("|o |\r\n"), "{words}");
            let answer = inline.input(&format!("{line}\r")).answer;
            assert!(matches!(answer, Some(Ok(Answer::Accept { remember })) if remember == can_remember));
        }
        let (mut inline, _) = Inline::new(1, &host_key(true));
        for line in ["", "y", "YES", "SHA256:other"] {
            let typed = inline.input(&format!("{line}\r"));
            assert!(typed.answer.is_none() && typed.echo.ends_with("or the fingerprint: "), "{line}");
        }
        assert!(matches!(inline.input("no\r").answer, Some(Err(Unanswered::Refused))));
    }
}
