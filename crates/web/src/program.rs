//! The fields of a request that say what runs on the target.

use engine::{Credentials, Program};

use crate::{
    config::Permits,
    error::ApiError,
    fields::{Fields, invalid},
};

/// How many variables there may be.
const MAX_VARIABLES: usize = 32;
/// The longest name and the longest value, in bytes.
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 1024;
/// The longest command, in bytes.
pub(crate) const MAX_COMMAND: usize = 16 * 1024;
/// What may be set in any case: it says how the user reads, and starts nothing.
const LANGUAGE: [&str; 2] = ["LANG", "LC_*"];

/// A name of variables, or the beginning of names with a star behind it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnvPattern(String);

impl EnvPattern {
    /// Reads a name such as `EDITOR` or `APP_*`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.strip_suffix('*').unwrap_or(text);
        if is_name(name) { Ok(Self(text.to_owned())) } else { Err(format!("{text:?} names no variable")) }
    }

    fn fits(&self, name: &str) -> bool {
        fits(&self.0, name)
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |beginning| name.starts_with(beginning))
}

fn is_name(name: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty()
        && name.len() <= MAX_NAME
        && name.bytes().all(usual)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// What the fields say about the program, which runs with these credentials, as far as it is permitted.
pub(crate) fn program(
    fields: &mut Fields,
    credentials: &Credentials,
    permits: &Permits,
) -> Result<Program, ApiError> {
    let command = fields.text("command");
    if command.as_ref().is_some_and(|command| command.contains('\0')) {
        return Err(invalid("command", "has a NUL character"));
    }
    let forward_agent = fields.switch("forward_agent")? == Some(true);
    if forward_agent && !permits.agent_forwarding {
        return Err(invalid("forward_agent", "may not be true on this gateway"));
    }
    if forward_agent && credentials.key.is_none() {
        return Err(invalid("forward_agent", "needs a key to forward: give its 'ssh_key'"));
    }
    Ok(Program { env: env(fields, &permits.accept_env)?, command, forward_agent })
}

fn env(fields: &mut Fields, accepted: &[EnvPattern]) -> Result<Vec<(String, String)>, ApiError> {
    let map = fields.texts("env", "the name of its variable")?;
    if map.len() > MAX_VARIABLES {
        return Err(invalid("env", &format!("has more than {MAX_VARIABLES} variables")));
    }
    for (name, value) in &map {
        if !is_name(name) {
            return Err(invalid("env", "has a name that no variable can have"));
        }
        let may = LANGUAGE.iter().any(|pattern| fits(pattern, name))
            || accepted.iter().any(|pattern| pattern.fits(name));
        if !may {
            return Err(invalid("env", &format!("may not set {name} on this gateway")));
        }
        if value.len() > MAX_VALUE || value.chars().any(char::is_control) {
            let words = format!("has a value of {name} that is too long or has control characters");
            return Err(invalid("env", &words));
        }
    }
    Ok(map.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(fields: &Value, accepted: &[&str]) -> Result<Program, ApiError> {
        let accept_env = accepted.iter().map(|pattern| EnvPattern::parse(pattern).unwrap()).collect();
        let permits = Permits { accept_env, agent_forwarding: false };
        program(
            &mut Fields::from_json(fields.to_string().as_bytes())?,
            &Credentials::of_password("p"),
            &permits,
        )
    }

    #[test]
    fn an_agent_is_forwarded_if_there_is_a_key_and_the_gateway_permits_it() {
        let forwards = |value: Value, credentials: &Credentials, agent_forwarding| {
            let permits = Permits { agent_forwarding, ..Permits::default() };
            let mut fields =
                Fields::from_json(json!({ "forward_agent": value }).to_string().as_bytes()).unwrap();
            program(&mut fields, credentials, &permits).map(|program| program.forward_agent)
        };
        let (key, password) = (Credentials::of_key("KEY", None), Credentials::of_password("p"));
        assert_eq!(forwards(json!(true), &key, true), Ok(true));
        assert_eq!(forwards(json!("true"), &key, true), Ok(true));
        for no in [json!(false), json!(null), json!("")] {
            assert_eq!(forwards(no, &password, false), Ok(false));
        }
        for (value, credentials, permitted) in
            [(json!(true), &key, false), (json!(true), &password, true), (json!("yes"), &key, true)]
        {
            let refused = forwards(value, credentials, permitted).unwrap_err();
            assert_eq!(refused.code(), wire::Code::InvalidField);
        }
    }

    #[test]
    fn the_language_may_be_set_and_what_the_operator_accepts() {
        let read = |env: Value, accepted: &[&str]| read(&json!({ "env": env }), accepted);
        let set = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        let language = json!({ "LANG": "de_DE.UTF-8", "LC_TIME": "C" });
        assert_eq!(read(language, &[]).unwrap().env, set(&[("LANG", "de_DE.UTF-8"), ("LC_TIME", "C")]));
        assert!(read(json!({ "EDITOR": "vi" }), &[]).is_err());
        assert!(read(json!({ "LANGUAGE": "de" }), &[]).is_err());
        assert_eq!(read(json!({ "EDITOR": "vi" }), &["EDITOR"]).unwrap().env, set(&[("EDITOR", "vi")]));
        assert_eq!(read(json!({ "APP_X": "" }), &["APP_*"]).unwrap().env, set(&[("APP_X", "")]));
        assert!(read(json!({ "APP": "" }), &["APP_*"]).is_err());
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for env in [
            json!({ "LC_A=B": "x" }),
            json!({ "": "x" }),
            json!({ "LC_A\n": "x" }),
            json!({ "LC_A": "a\nb" }),
            json!({ "LC_A": "\u{0}" }),
            json!({ "LC_A": "x".repeat(MAX_VALUE + 1) }),
            json!({ "LC_A": 1 }),
            json!("LANG=C"),
            json!(["LANG"]),
        ] {
            assert!(read(&json!({ "env": env }), &[]).is_err(), "{env}");
        }
        let many: serde_json::Map<String, Value> =
            (0..=MAX_VARIABLES).map(|number| (format!("LC_{number}"), json!("x"))).collect();
        assert!(read(&json!({ "env": many }), &[]).is_err());
        for pattern in ["", "*", "*_", "1A", "A-B", "A*B", "A**"] {
            assert!(EnvPattern::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_command_is_taken_as_it_is() {
        let command = |text: &str| read(&json!({ "command": text }), &[]).map(|program| program.command);
        assert_eq!(command("echo \"a\nb\"; exit 7").unwrap().as_deref(), Some("echo \"a\nb\"; exit 7"));
        assert_eq!(command("  ").unwrap(), None);
        assert!(command("a\0b").is_err());
        let long = "x".repeat(MAX_COMMAND);
        assert_eq!(command(&long).unwrap().as_deref(), Some(long.as_str()));
        assert!(command(&format!("{long}x")).is_err());
    }
}
