//! The fields of a request that say what kind of terminal the target gets.

use engine::{Charset, Terminal};

use crate::{
    error::ApiError,
    fields::{Fields, invalid},
};

/// The longest name of a terminal, in bytes.
const MAX_TERM: usize = 64;

/// What the fields say about the terminal.
pub(crate) fn terminal(fields: &mut Fields) -> Result<Terminal, ApiError> {
    let usual = Terminal::default();
    Ok(Terminal { term: term(fields)?.unwrap_or(usual.term), charset: charset(fields)? })
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
        let old = read(&json!({ "term": "vt220", "charset": "ISO-8859-1" })).unwrap();
        assert_eq!((old.term.as_str(), old.charset), ("vt220", Charset::parse("latin1").unwrap()));
    }

    #[test]
    fn what_no_terminal_has_is_refused() {
        for fields in [
            json!({ "term": "x\ny" }),
            json!({ "term": "x".repeat(MAX_TERM + 1) }),
            json!({ "charset": "klingon" }),
            json!({ "charset": "utf-16" }),
            json!({ "charset": 1252 }),
        ] {
            assert_eq!(read(&fields), Err(Code::InvalidField), "{fields}");
        }
    }
}
