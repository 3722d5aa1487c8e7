//! `POST /create-session` and `POST /create-credentials`: from a body to a ticket.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{FromRequest as _, Multipart, Request, State},
    response::{IntoResponse as _, Response},
};
use engine::{IssueError, Issued};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::{Timestamp, Unit};
use serde::Serialize;
use wire::Code;

use crate::{
    auth,
    connection::Peer,
    error::ApiError,
    fields::{Ceilings, Fields},
    front::Front,
};

/// The largest JSON or urlencoded body, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// The largest multipart body, in bytes: a key and what surrounds it.
const MAX_MULTIPART: usize = 96 * 1024;

/// The union of what both generations of the original answer.
#[derive(Serialize)]
struct Created {
    success: bool,
    create_session_id: String,
    connection_uuid: String,
    uuid: String,
    url: String,
    expires_at: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

/// Makes a ticket of the credentials in the body.
pub(crate) async fn create(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Arc<Peer>>,
    request: Request,
) -> Result<Response, ApiError> {
    let caller = auth::authorize(&front.config.api_tokens, request.headers())?;
    let origin = front.origin_of(request.headers());
    let fields =
        tokio::time::timeout(front.config.limits.read_timeout, read_fields(request)).await.map_err(
            |_| ApiError::new(StatusCode::REQUEST_TIMEOUT, Code::InvalidBody, "The body took too long"),
        )??;
    let ignored = fields.ignored().to_vec();
    let options = front.registry.options();
    let ceilings = Ceilings {
        idle_timeout: options.idle_timeout,
        max_duration: options.max_duration,
        connect_timeout: Some(front.config.limits.connect_timeout),
    };
    let mut order = fields.into_order(ceilings, &front.config.accept_env)?;
    order.caller = caller.map(str::to_owned);
    let host = order.target.to_string();
    let Issued { ticket, valid_for } = front.registry.issue(order).map_err(|error| refused(&error))?;
    tracing::info!(from = %peer.address.ip(), caller = caller.unwrap_or("anybody"), host, "ticket issued");
    let ticket = ticket.reveal();
    let created = Created {
        success: true,
        url: format!("{origin}/{ticket}"),
        create_session_id: ticket.clone(),
        connection_uuid: ticket.clone(),
        uuid: ticket,
        expires_at: expiry(valid_for),
        ignored,
    };
    Ok(Json(created).into_response())
}

/// When it will be `valid_for` from now, in RFC 3339 and UTC, cut to the second.
fn expiry(valid_for: Duration) -> String {
    let expires = Timestamp::now() + valid_for;
    let round = jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Trunc);
    expires.round(round).unwrap_or(expires).to_string()
}

fn refused(error: &IssueError) -> ApiError {
    let (status, code) = match error {
        IssueError::TargetDenied(_) => (StatusCode::FORBIDDEN, Code::TargetDenied),
        IssueError::TooManyTickets => (StatusCode::SERVICE_UNAVAILABLE, Code::TooManyTickets),
        IssueError::TooManySessions { of_caller: true } => {
            (StatusCode::TOO_MANY_REQUESTS, Code::TooManySessions)
        }
        IssueError::TooManySessions { of_caller: false } => {
            (StatusCode::SERVICE_UNAVAILABLE, Code::TooManySessions)
        }
        IssueError::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, Code::Shutdown),
        IssueError::Seal(_) => (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal),
    };
    ApiError::new(status, code, error.to_string())
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
