//! The body of a request, whatever its media type, as fields.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest as _, Multipart, Request},
};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use wire::Code;

use crate::{error::ApiError, fields::Fields};

/// The largest JSON or urlencoded body, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// The largest multipart body, in bytes: a key and what surrounds it.
const MAX_MULTIPART: usize = 96 * 1024;

/// Reads the fields, which have so long to arrive.
pub(crate) async fn fields(request: Request, limit: Duration) -> Result<Fields, ApiError> {
    tokio::time::timeout(limit, read_fields(request)).await.map_err(|_| {
        ApiError::new(StatusCode::REQUEST_TIMEOUT, Code::InvalidBody, "The body took too long")
    })?
}

async fn read_fields(request: Request) -> Result<Fields, ApiError> {
    match media_type(request.headers()).as_deref() {
        Some("application/json") => Fields::from_json(&read_body(request, MAX_BODY).await?),
        Some("application/x-www-form-urlencoded") => read_form(&read_body(request, MAX_BODY).await?),
        Some("multipart/form-data") => read_multipart(request).await,
        other => {
            let message = format!("Unsupported Content-Type: {}", other.unwrap_or("text/plain"));
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::UnsupportedMediaType, message))
        }
    }
}

/// The media type in lower case and without its parameters.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn read_form(body: &[u8]) -> Result<Fields, ApiError> {
    let mut fields = Fields::default();
    for (name, value) in form_urlencoded::parse(body) {
        fields.add(&name, value.into_owned())?;
    }
    Ok(fields)
}

async fn read_multipart(request: Request) -> Result<Fields, ApiError> {
    let (parts, body) = request.into_parts();
    let body = read_limited(body, MAX_MULTIPART).await?;
    let request = Request::from_parts(parts, axum::body::Body::from(body));
    let broken = |error: &dyn std::fmt::Display| {
        ApiError::bad_request(Code::InvalidBody, format!("The form is broken: {error}"))
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(&error.body_text()))?;
    let mut fields = Fields::of_multipart();
    while let Some(part) = form.next_field().await.map_err(|error| broken(&error.body_text()))? {
        let name = part.name().unwrap_or_default().to_owned();
        let value = part.bytes().await.map_err(|error| broken(&error.body_text()))?;
        // The form's own character set does not matter: what is no UTF-8 is no key either.
        let value = String::from_utf8(value.into()).map_err(|_| {
            ApiError::bad_request(
                Code::InvalidField,
                format!("'{name}' is not UTF-8 text; a key is sent as its text file"),
            )
        })?;
        fields.add(&name, value)?;
    }
    Ok(fields)
}

async fn read_body(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    read_limited(request.into_body(), limit).await
}

async fn read_limited(body: axum::body::Body, limit: usize) -> Result<Bytes, ApiError> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Code::BodyTooLarge,
            format!("The body is larger than {limit} bytes"),
        )),
        Err(_) => Err(ApiError::bad_request(Code::InvalidBody, "The body did not arrive whole")),
    }
}
