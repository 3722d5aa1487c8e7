//! The fields of a request for a session, whatever body they came in, and what they mean.
//!
//! Messages follow the original's wherever it has one, so that its clients show what they
//! always showed.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use engine::{Fingerprint, SessionOrder, Target, TermSize};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use wire::Code;

use crate::{algorithms, config::Permits, error::ApiError, jump, login, members, program, terminal};

/// The names that mean something.
const KNOWN: &[&str] = &[
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
    "connect_timeout",
    "algorithms",
    "require_post_quantum",
    "compression",
];
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

/// The longest times that a request may ask for; `None` where there is no bound.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ceilings {
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_duration: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
}

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
        let Some(known) = KNOWN.iter().find(|known| **known == name) else {
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
        Self::of_members(members::read(body)?, KNOWN)
    }

    /// Takes those members that have one of these names.
    pub(crate) fn of_members(members: Vec<(String, Value)>, names: &[&str]) -> Result<Self, ApiError> {
        let mut fields = Self::default();
        for (name, value) in members {
            if !names.contains(&name.as_str()) {
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

    /// What the fields mean, as far as it is permitted. Credentials are judged first,
    /// as the original does.
    pub(crate) fn into_order(
        mut self,
        ceilings: Ceilings,
        permits: &Permits,
    ) -> Result<SessionOrder, ApiError> {
        let credentials = login::credentials(&mut self)?;
        let target = self.target(ceilings.connect_timeout)?;
        let jump = jump::hops(&mut self, &target, ceilings.connect_timeout)?;
        if self.switch("shell")? == Some(false) {
            return Err(invalid(
                "shell",
                "cannot be false here: POST /api/v1/exec runs a command without one",
            ));
        }
        let program = program::program(&mut self, &credentials, permits)?;
        Ok(SessionOrder {
            jump,
            target,
            credentials,
            terminal: terminal::terminal(&mut self)?,
            program,
            size: self.size()?,
            caller: None,
            idle_timeout: self.seconds("idle_timeout", ceilings.idle_timeout)?,
            max_duration: self.seconds("max_duration", ceilings.max_duration)?,
        })
    }

    /// Where to, as whom, and what is known of the host.
    pub(crate) fn target(&mut self, connect_ceiling: Option<Duration>) -> Result<Target, ApiError> {
        let host = engine::host_name(&self.required("hostname")?)
            .map_err(|_| invalid("hostname", "must be a host name or an IP address, without a zone"))?;
        let username = self.required("username")?;
        if username.chars().any(char::is_control) {
            return Err(invalid("username", "has control characters"));
        }
        let port = self.number("port", 1, u16::MAX)?.unwrap_or(22);
        let host_keys = self.host_keys()?;
        let connect_timeout = self.seconds("connect_timeout", connect_ceiling)?;
        let algorithms = algorithms::choice(self)?;
        Ok(Target { host_keys, connect_timeout, algorithms, ..Target::new(host, port, username) })
    }

    fn host_keys(&mut self) -> Result<Vec<Fingerprint>, ApiError> {
        let Some(text) = self.text("host_key") else { return Ok(Vec::new()) };
        Fingerprint::parse_list(&text).map_err(|error| invalid("host_key", &format!("is {error}")))
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

    fn size(&mut self) -> Result<Option<TermSize>, ApiError> {
        let cols = self.number("cols", 1, wire::limits::MAX_COLS)?;
        let rows = self.number("rows", 1, wire::limits::MAX_ROWS)?;
        match (cols, rows) {
            (Some(cols), Some(rows)) => Ok(Some(TermSize::clamped(cols, rows))),
            (None, None) => Ok(None),
            _ => Err(ApiError::bad_request(Code::MissingField, "Give both 'cols' and 'rows', or neither")),
        }
    }
}

pub(crate) fn invalid(name: &str, problem: &str) -> ApiError {
    ApiError::bad_request(Code::InvalidField, format!("'{name}' {problem}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn order(body: &Value) -> Result<SessionOrder, ApiError> {
        order_below(body, Ceilings::default())
    }

    fn order_below(body: &Value, ceilings: Ceilings) -> Result<SessionOrder, ApiError> {
        Fields::from_json(body.to_string().as_bytes())
            .and_then(|fields| fields.into_order(ceilings, &Permits::default()))
    }

    #[test]
    fn the_least_and_the_most_that_may_be_said() {
        let least = order(&json!({"hostname": "h", "username": "u", "password": ""})).unwrap();
        assert_eq!(least.target.to_string(), "h:22");
        assert!(least.credentials.password.is_some_and(|password| password.expose_secret().is_empty()));

        let most = order(&json!({
            "hostname": " [2001:db8::1] ", "username": "u", "port": "2222", "ssh_key": "KEY", "passphrase": " p ",
            "host_key": "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "term": "screen", "cols": 100, "rows": 30,
            "password": null,
        }))
        .unwrap();
        assert_eq!(most.target.to_string(), "[2001:db8::1]:2222");
        assert_eq!(most.size, Some(TermSize::clamped(100, 30)));
        let key = most.credentials.key.unwrap();
        assert_eq!(key.passphrase.unwrap().expose_secret(), " p ");
    }

    #[test]
    fn several_host_keys_may_be_pinned() {
        let (fingerprint, key) = ("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "a AAAAAWE= b, c");
        let two = vec![Fingerprint::parse(fingerprint).unwrap(), Fingerprint::parse(key).unwrap()];
        let pinned = |value: Value| {
            let fields = json!({"hostname": "h", "username": "u", "password": "p", "host_key": value});
            order(&fields).map(|order| order.target.host_keys).map_err(|error| error.code())
        };
        assert_eq!(pinned(json!([fingerprint, key])), Ok(two.clone()));
        assert_eq!(pinned(json!(format!("{fingerprint}\r\n\n {key} \n"))), Ok(two.clone()));
        assert_eq!(pinned(json!(format!("{fingerprint}, {fingerprint}"))), Ok(vec![two[0]; 2]));
        assert_eq!(pinned(json!("")), Ok(vec![]));
        for wrong in [json!([]), json!([fingerprint, ""]), json!([fingerprint, 7]), json!([[fingerprint]])] {
            assert_eq!(pinned(wrong.clone()), Err(Code::InvalidField), "{wrong}");
        }
        for wrong in
            [",".to_owned(), format!("{fingerprint},"), format!("{fingerprint},{key}"), format!("{key}\nx")]
        {
            assert_eq!(pinned(json!(wrong)), Err(Code::InvalidField), "{wrong}");
        }
        assert_eq!(pinned(json!(vec![fingerprint; 400])), Err(Code::InvalidField));
    }

    #[test]
    fn a_host_has_one_spelling() {
        for (text, host) in [
            ("Bücher.example", "xn--bcher-kva.example"),
            ("0x7f.1", "127.0.0.1"),
            ("[::ffff:10.0.0.1]", "10.0.0.1"),
            ("2001:DB8::1", "2001:db8::1"),
        ] {
            let order = order(&json!({"hostname": text, "username": "u", "password": "p"})).unwrap();
            assert_eq!(order.target.host, host);
        }
        for text in ["fe80::1%eth0", "[fe80::1%25eth0]", "user@host", "host:22", "a..b", "1.2.3.400"] {
            let refused = order(&json!({"hostname": text, "username": "u", "password": "p"})).err().unwrap();
            assert_eq!(refused.code(), Code::InvalidField, "{text}");
        }
    }

    #[test]
    fn passwords_are_taken_as_they_are() {
        let order = order(&json!({"hostname": "h", "username": "u", "password": " pass word "})).unwrap();
        assert_eq!(order.credentials.password.unwrap().expose_secret(), " pass word ");
    }

    #[test]
    fn each_wrong_field_has_its_code() {
        let base = json!({"hostname": "h", "username": "u", "password": "p"});
        for (name, value, code) in [
            ("port", json!(0), Code::InvalidField),
            ("port", json!(65536), Code::InvalidField),
            ("port", json!("abc"), Code::InvalidField),
            ("port", json!(true), Code::InvalidField),
            ("port", json!(22.5), Code::InvalidField),
            ("hostname", json!(""), Code::MissingField),
            ("hostname", json!("a b"), Code::InvalidField),
            ("hostname", json!(7), Code::InvalidField),
            ("username", json!("  "), Code::MissingField),
            ("username", json!("a\u{1b}b"), Code::InvalidField),
            ("password", json!(["x"]), Code::InvalidField),
            ("password", json!(null), Code::InvalidCredentials),
            ("ssh_key", json!("KEY"), Code::InvalidCredentials),
            ("host_key", json!("MD5:00"), Code::InvalidField),
            ("term", json!("x\ny"), Code::InvalidField),
            ("cols", json!(80), Code::MissingField),
            ("rows", json!(501), Code::InvalidField),
        ] {
            let mut body = base.clone();
            body[name] = value.clone();
            assert_eq!(order(&body).err().map(|error| error.code()), Some(code), "{name} {value}");
        }
    }

    #[test]
    fn times_are_whole_seconds_up_to_their_ceiling() {
        let ceilings = Ceilings {
            idle_timeout: Some(Duration::from_secs(600)),
            max_duration: Some(Duration::from_secs(60)),
            connect_timeout: Some(Duration::from_secs(10)),
        };
        let base = json!({"hostname": "h", "username": "u", "password": "p"});
        let with = |name: &str, value: &Value| {
            let mut body = base.clone();
            body[name] = value.clone();
            body
        };
        for value in [json!(1), json!("600"), json!(600)] {
            let order = order_below(&with("idle_timeout", &value), ceilings).unwrap();
            assert!(order.idle_timeout.is_some() && order.max_duration.is_none(), "{value}");
        }
        let most = order_below(&with("max_duration", &json!(60)), ceilings).unwrap();
        assert_eq!(most.max_duration, Some(Duration::from_secs(60)));
        let target = order_below(&with("connect_timeout", &json!(10)), ceilings).unwrap().target;
        assert_eq!(target.connect_timeout, Some(Duration::from_secs(10)));
        assert!(order_below(&with("connect_timeout", &json!(11)), ceilings).is_err());
        for value in [json!(0), json!(601), json!(-1), json!(1.5), json!("1m"), json!(true), json!(1e3)] {
            let refused = order_below(&with("idle_timeout", &value), ceilings).err().unwrap();
            assert_eq!(refused.code(), Code::InvalidField, "{value}");
        }
        let named = order_below(&with("max_duration", &json!(61)), ceilings).err().unwrap();
        assert_eq!(named, invalid("max_duration", "must be a whole number from 1 to 60"));
        assert_eq!(
            order(&with("max_duration", &json!(100_000_000))).unwrap().max_duration,
            Some(Duration::from_secs(100_000_000))
        );
        assert!(order(&with("idle_timeout", &json!(0))).is_err());
    }

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
