//! What the fields of a request mean: where to, as whom, and what for.

use std::time::Duration;

use engine::{Fingerprint, SessionOrder, Target, TermSize};
use wire::Code;

use crate::{
    algorithms,
    config::Permits,
    error::ApiError,
    fields::{Fields, invalid},
    jump, login, program, terminal,
};

/// The longest times that a request may ask for; `None` where there is no bound.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ceilings {
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_duration: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
}

/// What the fields mean, as far as it is permitted. Credentials are judged first,
/// as the original does.
pub(crate) fn session(
    mut fields: Fields,
    ceilings: Ceilings,
    permits: &Permits,
) -> Result<SessionOrder, ApiError> {
    let credentials = login::credentials(&mut fields)?;
    let target = target(&mut fields, ceilings.connect_timeout)?;
    let jump = jump::hops(&mut fields, &target, ceilings.connect_timeout)?;
    if fields.switch("shell")? == Some(false) {
        return Err(invalid("shell", "cannot be false here: POST /api/v1/exec runs a command without one"));
    }
    let program = program::program(&mut fields, &credentials, permits)?;
    Ok(SessionOrder {
        jump,
        target,
        credentials,
        terminal: terminal::terminal(&mut fields)?,
        program,
        size: size(&mut fields)?,
        caller: None,
        idle_timeout: fields.seconds("idle_timeout", ceilings.idle_timeout)?,
        max_duration: fields.seconds("max_duration", ceilings.max_duration)?,
    })
}

/// Where to, as whom, and what is known of the host.
pub(crate) fn target(fields: &mut Fields, connect_ceiling: Option<Duration>) -> Result<Target, ApiError> {
    let host = engine::host_name(&fields.required("hostname")?)
        .map_err(|_| invalid("hostname", "must be a host name or an IP address, without a zone"))?;
    let username = fields.required("username")?;
    if username.chars().any(char::is_control) {
        return Err(invalid("username", "has control characters"));
    }
    let port = fields.number("port", 1, u16::MAX)?.unwrap_or(22);
    let host_keys = host_keys(fields)?;
    let connect_timeout = fields.seconds("connect_timeout", connect_ceiling)?;
    let algorithms = algorithms::choice(fields)?;
    Ok(Target { host_keys, connect_timeout, algorithms, ..Target::new(host, port, username) })
}

fn host_keys(fields: &mut Fields) -> Result<Vec<Fingerprint>, ApiError> {
    let Some(text) = fields.text("host_key") else { return Ok(Vec::new()) };
    Fingerprint::parse_list(&text).map_err(|error| invalid("host_key", &format!("is {error}")))
}

fn size(fields: &mut Fields) -> Result<Option<TermSize>, ApiError> {
    let cols = fields.number("cols", 1, wire::limits::MAX_COLS)?;
    let rows = fields.number("rows", 1, wire::limits::MAX_ROWS)?;
    match (cols, rows) {
        (Some(cols), Some(rows)) => Ok(Some(TermSize::clamped(cols, rows))),
        (None, None) => Ok(None),
        _ => Err(ApiError::bad_request(Code::MissingField, "Give both 'cols' and 'rows', or neither")),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;
    use serde_json::{Value, json};

    use super::*;

    fn order(body: &Value) -> Result<SessionOrder, ApiError> {
        order_below(body, Ceilings::default())
    }

    fn order_below(body: &Value, ceilings: Ceilings) -> Result<SessionOrder, ApiError> {
        Fields::from_json(body.to_string().as_bytes())
            .and_then(|fields| session(fields, ceilings, &Permits::default()))
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
}
