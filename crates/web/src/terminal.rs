//! The fields of a request that say what kind of terminal the target gets.

use engine::{Charset, Erase, Terminal};

use crate::{
    error::ApiError,
    fields::{Fields, invalid},
};

/// The longest name of a terminal, in bytes.
const MAX_TERM: usize = 64;
/// The slowest and the fastest line, in bits a second.
const SPEEDS: (u32, u32) = (50, 4_000_000);

/// What the fields say about the terminal.
pub(crate) fn terminal(fields: &mut Fields) -> Result<Terminal, ApiError> {
    let usual = Terminal::default();
    Ok(Terminal {
        term: term(fields)?.unwrap_or(usual.term),
        charset: charset(fields)?,
        erase: erase(fields)?,
        speed: fields.number("speed", SPEEDS.0, SPEEDS.1)?.unwrap_or(usual.speed),
    })
}

fn term(fields: &mut Fields) -> Result<Option<String>, ApiError> {
    let Some(term) = fields.text("term") else { return Ok(None) };
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte);
    if term.len() > MAX_TERM || !term.bytes().all(usual) {
        return Err(invalid("term", "must be a terminal's name such as xterm-256color"));
    }
    Ok(Some(term))
}

/// What the target speaks, if that is not UTF-8.
pub(crate) fn charset(fields: &mut Fields) -> Result<Option<Charset>, ApiError> {
    let Some(label) = fields.text("charset") else { return Ok(None) };
    Charset::parse(&label).map_err(|error| invalid("charset", &format!("is {error}")))
}

fn erase(fields: &mut Fields) -> Result<Erase, ApiError> {
    match fields.text("erase").as_deref() {
        None | Some("^?") => Ok(Erase::Delete),
        Some("^H" | "^h") => Ok(Erase::Backspace),
        Some(_) => Err(invalid("erase", "must be ^? or ^H")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wire::Code;

    use super::*;

    fn read(fields: &Value) -> Result<Terminal, Code> {
        let fields = Fields::from_json(fields.to_string().as_bytes());
        fields.and_then(|mut fields| terminal(&mut fields)).map_err(|error| error.code())
    }

    #[test]
    fn a_terminal_is_the_usual_one_unless_fields_say_otherwise() {
        assert_eq!(read(&json!({})), Ok(Terminal::default()));
        assert_eq!(read(&json!({ "term": " ", "charset": "" })), Ok(Terminal::default()));
        assert_eq!(read(&json!({ "charset": "UTF-8" })), Ok(Terminal::default()));
        let old = json!({ "term": "vt220", "charset": "ISO-8859-1", "erase": "^H", "speed": 9600 });
        let old = read(&old).unwrap();
        assert_eq!((old.term.as_str(), old.charset), ("vt220", Charset::parse("latin1").unwrap()));
        assert_eq!((old.erase, old.speed), (Erase::Backspace, 9600));
    }

    #[test]
    fn what_no_terminal_has_is_refused() {
        for fields in [
            json!({ "term": "x\ny" }),
            json!({ "term": "x".repeat(MAX_TERM + 1) }),
            json!({ "charset": "klingon" }),
            json!({ "charset": "utf-16" }),
            json!({ "charset": 1252 }),
            json!({ "erase": "^X" }),
            json!({ "erase": 8 }),
            json!({ "speed": 49 }),
            json!({ "speed": 4_000_001 }),
            json!({ "speed": "fast" }),
        ] {
            assert_eq!(read(&fields), Err(Code::InvalidField), "{fields}");
        }
    }
}
