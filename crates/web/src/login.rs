//! The fields of a request that its session logs in with.

use engine::{AuthMethod, Credentials, KeyFile, KnownAnswer};
use secrecy::{ExposeSecret, SecretString};
use wire::Code;

use crate::{
    error::ApiError,
    fields::{Fields, invalid},
};

/// How many answers may be known beforehand.
const MAX_ANSWERS: usize = 16;
/// The longest pattern or answer, in bytes.
const MAX_ANSWER: usize = 1024;

/// What the fields say about logging in. Without `auth_methods` it is one of a password and a key, as
/// the original wants it; with it anything goes, and what is missing is asked.
pub(crate) fn credentials(fields: &mut Fields) -> Result<Credentials, ApiError> {
    let methods = methods(fields)?;
    let (password, text) = (fields.take("password"), fields.take("ssh_key"));
    if methods.is_none() {
        let only_one = "provide exactly one of them";
        match (&password, &text) {
            (None, None) if fields.is_multipart() => return Err(refuse("No SSH key file provided")),
            (None, None) => {
                return Err(refuse(format!("Not provided 'ssh_key' or 'password' - {only_one}")));
            }
            (Some(_), Some(_)) => {
                return Err(refuse(format!("Provided both 'ssh_key' and 'password' - {only_one}")));
            }
            _ => {}
        }
    }
    let (passphrase, certificate) = (fields.take("passphrase"), fields.take("certificate"));
    // A form that was not filled in sends empty texts.
    let certificate = certificate.filter(|text| !text.expose_secret().trim().is_empty());
    let totp = fields.take("totp").filter(|text| !text.expose_secret().trim().is_empty());
    let key = match (text, certificate) {
        (None, Some(_)) => return Err(refuse("Provided a 'certificate' without its 'ssh_key'")),
        (None, None) => None,
        (Some(text), certificate) => Some(KeyFile { text, passphrase, certificate }),
    };
    Ok(Credentials { password, key, answers: answers(fields)?, totp, methods })
}

fn methods(fields: &mut Fields) -> Result<Option<Vec<AuthMethod>>, ApiError> {
    let Some(text) = fields.text("auth_methods") else { return Ok(None) };
    let mut methods = Vec::new();
    for name in text.split(',') {
        match AuthMethod::parse(name.trim()) {
            Some(method) if methods.contains(&method) => {
                return Err(invalid("auth_methods", "names a method twice"));
            }
            Some(method) => methods.push(method),
            None => {
                let names = AuthMethod::ALL.map(AuthMethod::name).join(", ");
                return Err(invalid("auth_methods", &format!("must be a list of some of {names}")));
            }
        }
    }
    Ok(Some(methods))
}

fn answers(fields: &mut Fields) -> Result<Vec<KnownAnswer>, ApiError> {
    let map = fields.texts("answers", "a part of its question")?;
    if map.len() > MAX_ANSWERS {
        return Err(invalid("answers", &format!("has more than {MAX_ANSWERS} answers")));
    }
    let mut answers = Vec::with_capacity(map.len());
    for (pattern, answer) in map {
        let (pattern, answer) = (SecretString::from(pattern.trim()), SecretString::from(answer));
        if pattern.expose_secret().is_empty() {
            return Err(invalid("answers", "has an answer to no question: its pattern is empty"));
        }
        if pattern.expose_secret().len().max(answer.expose_secret().len()) > MAX_ANSWER {
            return Err(invalid("answers", &format!("has a text longer than {MAX_ANSWER} bytes")));
        }
        answers.push(KnownAnswer { pattern, answer });
    }
    Ok(answers)
}

fn refuse(message: impl Into<String>) -> ApiError {
    ApiError::bad_request(Code::InvalidCredentials, message.into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        config::Permits,
        order::{self, Ceilings},
    };

    fn parsed(fields: &Value) -> Result<Credentials, ApiError> {
        let mut body = json!({ "hostname": "h", "username": "u" });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let fields = Fields::from_json(body.to_string().as_bytes())?;
        Ok(order::session(fields, Ceilings::default(), &Permits::default())?.credentials)
    }

    fn text(secret: Option<&SecretString>) -> Option<&str> {
        secret.map(ExposeSecret::expose_secret)
    }

    #[test]
    fn with_methods_anything_may_be_missing() {
        let nothing = parsed(&json!({ "auth_methods": "password" })).unwrap();
        assert!(nothing.password.is_none() && nothing.key.is_none() && nothing.totp.is_none());
        assert_eq!(nothing.methods, Some(vec![AuthMethod::Password]));
        let all = parsed(&json!({
            "auth_methods": ["keyboard-interactive", "publickey"], "password": " p ", "ssh_key": "K",
            "passphrase": "q", "certificate": "C", "totp": "012345",
            "answers": { "Pet": "Rex", " code ": "1" },
        }))
        .unwrap();
        assert_eq!(all.methods, Some(vec![AuthMethod::KeyboardInteractive, AuthMethod::PublicKey]));
        assert_eq!((text(all.password.as_ref()), text(all.totp.as_ref())), (Some(" p "), Some("012345")));
        let key = all.key.unwrap();
        assert_eq!((key.text.expose_secret(), text(key.passphrase.as_ref())), ("K", Some("q")));
        assert_eq!(text(key.certificate.as_ref()), Some("C"));
        let answers: Vec<_> =
            all.answers.iter().map(|a| (a.pattern.expose_secret(), a.answer.expose_secret())).collect();
        assert_eq!(answers, [("code", "1"), ("Pet", "Rex")]);
    }

    #[test]
    fn a_form_says_the_same_in_text() {
        let mut fields = Fields::of_multipart();
        for (name, value) in [
            ("hostname", "h"),
            ("username", "u"),
            ("auth_methods", " password , publickey "),
            ("answers", r#"{"a": "b"}"#),
            ("certificate", ""),
            ("totp", " "),
        ] {
            fields.add(name, value.to_owned()).unwrap();
        }
        let credentials =
            order::session(fields, Ceilings::default(), &Permits::default()).unwrap().credentials;
        assert_eq!(credentials.methods, Some(vec![AuthMethod::Password, AuthMethod::PublicKey]));
        assert_eq!((credentials.answers.len(), credentials.totp.is_none()), (1, true));
    }

    #[test]
    fn without_methods_the_originals_rules_stay() {
        for fields in [json!({}), json!({ "password": "p", "ssh_key": "K" }), json!({ "auth_methods": "" })] {
            assert_eq!(parsed(&fields).err().map(|error| error.code()), Some(Code::InvalidCredentials));
        }
        let known = parsed(&json!({ "password": "p", "totp": "1", "answers": { "pin": "2" } })).unwrap();
        assert!(known.methods.is_none() && known.totp.is_some() && known.answers.len() == 1);
    }

    #[test]
    fn each_wrong_field_has_its_code() {
        let many: serde_json::Map<String, Value> =
            (0..=MAX_ANSWERS).map(|n| (n.to_string(), json!("x"))).collect();
        for (fields, code) in [
            (json!({ "auth_methods": [] }), Code::InvalidField),
            (json!({ "auth_methods": [""] }), Code::InvalidField),
            (json!({ "auth_methods": ["none"] }), Code::InvalidField),
            (json!({ "auth_methods": "password,password" }), Code::InvalidField),
            (json!({ "auth_methods": "password," }), Code::InvalidField),
            (json!({ "auth_methods": 7 }), Code::InvalidField),
            (json!({ "password": "p", "answers": [] }), Code::InvalidField),
            (json!({ "password": "p", "answers": { "a": 1 } }), Code::InvalidField),
            (json!({ "password": "p", "answers": { " ": "x" } }), Code::InvalidField),
            (json!({ "password": "p", "answers": { "a": "x".repeat(MAX_ANSWER + 1) } }), Code::InvalidField),
            (json!({ "password": "p", "answers": many }), Code::InvalidField),
            (json!({ "password": "p", "answers": "{" }), Code::InvalidField),
            (json!({ "password": "p", "totp": 123_456 }), Code::InvalidField),
            (json!({ "password": "p", "certificate": "C" }), Code::InvalidCredentials),
            (json!({ "auth_methods": "publickey", "certificate": "C" }), Code::InvalidCredentials),
        ] {
            assert_eq!(parsed(&fields).err().map(|error| error.code()), Some(code), "{fields}");
        }
    }
}
