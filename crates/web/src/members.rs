//! The members of a JSON body, each as the text that a form would have.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use wire::Code;

use crate::{error::ApiError, fields::invalid};

/// The fields that are whole numbers.
const NUMBERS: [&str; 7] =
    ["port", "cols", "rows", "speed", "idle_timeout", "max_duration", "connect_timeout"];
/// Those that are true or false.
const SWITCHES: [&str; 4] = ["shell", "forward_agent", "require_post_quantum", "compression"];
/// Those that may be a list of texts, and what stands between the texts in a form.
const LISTS: [(&str, &str); 2] = [("host_key", "\n"), ("auth_methods", ",")];
/// Those that are an object of texts, which in a form is its JSON.
const OBJECTS: [&str; 2] = ["answers", "env"];
/// That which is a list of objects, which in a form is its JSON.
const JUMP: &str = "jump";

/// The members of a JSON object as they stand there, a repeated one included.
pub(crate) fn read(body: &[u8]) -> Result<Vec<(String, Value)>, ApiError> {
    // The error's own words could repeat what was sent.
    let Members(members) = serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        ApiError::bad_request(Code::InvalidBody, format!("Input data must be a JSON object ({place})"))
    })?;
    Ok(members)
}

/// The value of a known field as text. `null` counts as absent.
pub(crate) fn text(name: &str, value: Value) -> Result<Option<String>, ApiError> {
    let is_number = NUMBERS.contains(&name);
    let between = LISTS.iter().find_map(|(list, between)| (*list == name).then_some(*between));
    let (is_object, is_switch) = (OBJECTS.contains(&name), SWITCHES.contains(&name));
    match (value, between) {
        (Value::Null, _) => Ok(None),
        (Value::String(text), _) => Ok(Some(text)),
        (Value::Number(number), _) if is_number => Ok(Some(number.to_string())),
        (Value::Bool(on), _) if is_switch => Ok(Some(on.to_string())),
        (value @ Value::Array(_), _) if name == JUMP => Ok(Some(value.to_string())),
        (Value::Array(list), Some(between)) => joined(name, list, between).map(Some),
        (value @ Value::Object(_), _) if is_object => Ok(Some(value.to_string())),
        _ if is_number => Err(invalid(name, "must be a number")),
        _ if is_switch => Err(invalid(name, "must be true or false")),
        (_, Some(_)) => Err(invalid(name, "must be a string or a list of strings")),
        _ if is_object => Err(invalid(name, "must be an object of texts")),
        _ if name == JUMP => Err(invalid(name, "must be a list of objects, one for each jump host")),
        _ => Err(invalid(name, "must be a string")),
    }
}

fn joined(name: &str, list: Vec<Value>, between: &str) -> Result<String, ApiError> {
    // Taken for "none", it would open what the caller meant to close.
    if list.is_empty() {
        return Err(invalid(name, "is an empty list"));
    }
    let texts = list.into_iter().map(|value| match value {
        Value::String(text) if !text.trim().is_empty() => Ok(text),
        _ => Err(invalid(name, "must be a string or a list of strings")),
    });
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join(between))
}

/// The members of an object as they stand there.
pub(crate) struct Members(pub(crate) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
