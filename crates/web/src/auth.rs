//! Who may create sessions and read the figures: bearer tokens, compared in constant time.

use http::{HeaderMap, StatusCode, header};
use wire::Code;

use crate::{config::ApiToken, error::ApiError};

/// The name of the caller's token; `None` where no token is configured, and anybody may call.
pub(crate) fn authorize<'a>(
    tokens: &'a [ApiToken],
    headers: &HeaderMap,
) -> Result<Option<&'a str>, ApiError> {
    if tokens.is_empty() {
        return Ok(None);
    }
    let refused = || {
        let message = "Send a valid API token: Authorization: Bearer TOKEN";
        ApiError::new(StatusCode::UNAUTHORIZED, Code::Unauthorized, message)
    };
    let value =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
    let (scheme, shown) = value.split_once(' ').ok_or_else(refused)?;
    let shown = shown.trim();
    // Every token is compared, so that the time does not tell which one was near.
    let matching = tokens.iter().fold(None, |found, token| if token.is(shown) { Some(token) } else { found });
    let matching = matching.filter(|_| scheme.eq_ignore_ascii_case("bearer")).ok_or_else(refused)?;
    Ok(Some(matching.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_token_names_its_caller() {
        let tokens = [
            ApiToken::new("lab".into(), &"0123456789abcdef".into()),
            ApiToken::new("portal".into(), &"fedcba9876543210".into()),
        ];
        let asked = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            }
            authorize(&tokens, &headers).ok().flatten().map(ToOwned::to_owned)
        };
        assert_eq!(asked(Some("Bearer fedcba9876543210")).as_deref(), Some("portal"));
        assert_eq!(asked(Some("bearer 0123456789abcdef")).as_deref(), Some("lab"));
        for refused in
            [None, Some("Bearer"), Some("Bearer x"), Some("Basic 0123456789abcdef"), Some("0123456789abcdef")]
        {
            assert_eq!(asked(refused), None, "{refused:?}");
        }
        assert_eq!(authorize(&[], &HeaderMap::new()), Ok(None));
    }
}
