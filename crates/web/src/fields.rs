//! The fields of a request, whatever body they came in, each as what it is written as.
//!
//! Messages follow the original's wherever it has one, so that its clients show what they
//! always showed.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use wire::Code;

use crate::{error::ApiError, jump, members, program};

/// The names that mean something about a host: how it is reached, proved and logged in to.
pub(crate) const OF_A_HOST: &[&str] = &[
    "hostname",
    "port",
    "username",
    "password",
    "ssh_key",
    "passphrase",
    "certificate",
    "totp",
    "answers",
    "auth_methods",
    "host_key",
    "connect_timeout",
    "algorithms",
    "require_post_quantum",
    "compression",
];
/// The names that mean something about a session.
const OF_A_SESSION: &[&str] = &[
    "jump",
    "term",
    "charset",
    "erase",
    "speed",
    "env",
    "command",
    "forward_agent",
    "shell",
    "encoding",
    "cols",
    "rows",
    "idle_timeout",
    "max_duration",
];
/// The names that mean something.
const KNOWN: [&[&str]; 2] = [OF_A_HOST, OF_A_SESSION];
/// The longest private key, in bytes.
const MAX_KEY: usize = 64 * 1024;
/// The longest certificate, and the longest list of answers or variables, in bytes.
const MAX_LOGIN: usize = 20 * 1024;
/// The longest list of host keys, in bytes.
const MAX_HOST_KEYS: usize = 16 * 1024;
/// The longest list of jump hosts, in bytes: they may have keys.
const MAX_JUMP: usize = 64 * 1024;
/// The longest of the other texts, in bytes.
const MAX_TEXT: usize = 1024;

/// The fields as they were sent.
#[derive(Default)]
pub(crate) struct Fields {
    known: BTreeMap<&'static str, SecretString>,
    /// Those of each jump host.
    hops: Vec<Fields>,
    ignored: Vec<String>,
    /// A multipart form promises a key: it decides one message.
    is_multipart: bool,
}

impl Fields {
    /// No fields yet, of a multipart form.
    pub(crate) fn of_multipart() -> Self {
        Self { is_multipart: true, ..Self::default() }
    }

    /// Takes a field as text; the same name twice is refused.
    pub(crate) fn add(&mut self, name: &str, value: String) -> Result<(), ApiError> {
        let Some(known) = KNOWN.into_iter().flatten().find(|known| **known == name) else {
            self.ignored.push(name.to_owned());
            return Ok(());
        };
        let value = SecretString::from(value);
        let limit = match *known {
            "ssh_key" => MAX_KEY,
            "certificate" | "answers" | "env" => MAX_LOGIN,
            "command" => program::MAX_COMMAND,
            "host_key" => MAX_HOST_KEYS,
            "jump" => MAX_JUMP,
            _ => MAX_TEXT,
        };
        if value.expose_secret().len() > limit {
            return Err(invalid(known, &format!("is longer than {limit} bytes")));
        }
        if *known == "jump" {
            self.add_hops(value.expose_secret())?;
        }
        match self.known.insert(known, value) {
            None => Ok(()),
            Some(_) => Err(invalid(known, "was given more than once")),
        }
    }

    fn add_hops(&mut self, text: &str) -> Result<(), ApiError> {
        self.hops = jump::read(text)?;
        for (index, hop) in self.hops.iter().enumerate() {
            let place = jump::place(index);
            self.ignored.extend(hop.ignored.iter().map(|name| format!("{place}.{name}")));
        }
        Ok(())
    }

    /// The fields of each jump host.
    pub(crate) fn take_hops(&mut self) -> Vec<Self> {
        self.known.remove("jump");
        std::mem::take(&mut self.hops)
    }

    /// Takes the members of a JSON object. `null` counts as absent.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        Self::of_members(members::read(body)?, &KNOWN)
    }

    /// Takes those members whose name is in one of these lists.
    pub(crate) fn of_members(members: Vec<(String, Value)>, lists: &[&[&str]]) -> Result<Self, ApiError> {
        let mut fields = Self::default();
        for (name, value) in members {
            if !lists.iter().any(|names| names.contains(&name.as_str())) {
                fields.ignored.push(name);
            } else if let Some(text) = members::text(&name, value)? {
                fields.add(&name, text)?;
            }
        }
        Ok(fields)
    }

    /// The names that mean nothing here.
    pub(crate) fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The names that meant nothing, those included that nobody has taken.
    pub(crate) fn into_ignored(self) -> Vec<String> {
        let mut ignored = self.ignored;
        ignored.extend(self.known.into_keys().map(str::to_owned));
        ignored
    }

    /// A field as it is.
    pub(crate) fn take(&mut self, name: &str) -> Option<SecretString> {
        self.known.remove(name)
    }

    /// Whether it was a form that promises a key.
    pub(crate) fn is_multipart(&self) -> bool {
        self.is_multipart
    }

    /// A field without the blanks around it; `None` if nothing is left.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let text = self.known.remove(name)?;
        Some(text.expose_secret().trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A field that is an object of texts, each under `keys`; empty if there is none.
    pub(crate) fn texts(&mut self, name: &str, keys: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let secret = self.take(name).unwrap_or_default();
        let text = secret.expose_secret().trim();
        if text.is_empty() {
            return Ok(BTreeMap::new());
        }
        // The error's own words could repeat what was sent.
        serde_json::from_str(text)
            .map_err(|_| invalid(name, &format!("must be an object of texts, each under {keys}")))
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<String, ApiError> {
        self.text(name)
            .ok_or_else(|| ApiError::bad_request(Code::MissingField, format!("Not provided - '{name}'")))
    }

    /// A field that is true or false.
    pub(crate) fn switch(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(invalid(name, "must be true or false")),
        }
    }

    /// A field that is a whole number within these bounds.
    pub(crate) fn number<N>(&mut self, name: &str, low: N, high: N) -> Result<Option<N>, ApiError>
    where
        N: Copy + FromStr + PartialOrd + fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if (low..=high).contains(&number) => Ok(Some(number)),
            _ => Err(invalid(name, &format!("must be a whole number from {low} to {high}"))),
        }
    }

    pub(crate) fn seconds(
        &mut self,
        name: &str,
        ceiling: Option<Duration>,
    ) -> Result<Option<Duration>, ApiError> {
        // Where there is no ceiling, more than a lifetime is no time.
        let ceiling = ceiling.map_or(u64::from(u32::MAX), |ceiling| ceiling.as_secs());
        Ok(self.number(name, 1, ceiling)?.map(Duration::from_secs))
    }
}

pub(crate) fn invalid(name: &str, problem: &str) -> ApiError {
    ApiError::bad_request(Code::InvalidField, format!("'{name}' {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_listed_and_a_repeated_one_is_refused() {
        let fields = Fields::from_json(br#"{"hostname": "h", "colour": {"a": null}, "x": 1}"#).unwrap();
        assert_eq!(fields.ignored(), ["colour", "x"]);
        let refused = |body: &[u8]| Fields::from_json(body).err().map(|error| error.code());
        assert_eq!(refused(br#"{"password": "a", "password": "b"}"#), Some(Code::InvalidField));
        for body in [&b"[]"[..], b"1", b"null", b"", b"{", b"{\"a\": 1} x"] {
            assert_eq!(refused(body), Some(Code::InvalidBody), "{body:?}");
        }
    }
}
