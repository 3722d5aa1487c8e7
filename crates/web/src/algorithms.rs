//! What a request says of the algorithms to one server.

use engine::AlgorithmChoice;

use crate::{
    error::ApiError,
    fields::{Fields, invalid},
};

/// What the fields ask for; whether it may be used is the dialer's to say.
pub(crate) fn choice(fields: &mut Fields) -> Result<AlgorithmChoice, ApiError> {
    let preset = fields.text("algorithms").map(|name| name.parse()).transpose();
    Ok(AlgorithmChoice {
        preset: preset.map_err(|_| invalid("algorithms", "must be modern, compatible or legacy"))?,
        require_post_quantum: fields.switch("require_post_quantum")?.unwrap_or(false),
        compression: fields.switch("compression")?.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use engine::Preset;
    use serde_json::{Value, json};
    use wire::Code;

    use super::*;

    fn read(body: &Value) -> Result<AlgorithmChoice, ApiError> {
        choice(&mut Fields::from_json(body.to_string().as_bytes())?)
    }

    #[test]
    fn nothing_is_asked_for_unless_it_is_named() {
        assert_eq!(read(&json!({})), Ok(AlgorithmChoice::default()));
        let null = json!({"algorithms": null, "require_post_quantum": null, "compression": null});
        assert_eq!(read(&null), Ok(AlgorithmChoice::default()));
        assert_eq!(read(&json!({"algorithms": "", "compression": false})), Ok(AlgorithmChoice::default()));
    }

    #[test]
    fn all_may_be_named_as_json_or_as_a_form_has_it() {
        let all =
            AlgorithmChoice { preset: Some(Preset::Legacy), require_post_quantum: true, compression: true };
        let named = json!({"algorithms": "legacy", "require_post_quantum": true, "compression": true});
        assert_eq!(read(&named), Ok(all));
        let mut form = Fields::default();
        for (name, value) in
            [("algorithms", " legacy "), ("require_post_quantum", "true"), ("compression", "true")]
        {
            form.add(name, value.to_owned()).unwrap();
        }
        assert_eq!(choice(&mut form), Ok(all));
    }

    #[test]
    fn what_is_neither_is_refused_by_its_name() {
        for (name, value) in [
            ("algorithms", json!("strong")),
            ("algorithms", json!("Modern")),
            ("algorithms", json!(["modern"])),
            ("require_post_quantum", json!("yes")),
            ("require_post_quantum", json!(1)),
            ("compression", json!("on")),
            ("compression", json!({})),
        ] {
            let refused = read(&json!({name: value})).unwrap_err();
            assert_eq!(refused.code(), Code::InvalidField, "{name} {value}");
            assert!(format!("{refused:?}").contains(name), "{refused:?}");
        }
    }
}
