//! `POST /create-session` and `POST /create-credentials`: from a body to a ticket.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use engine::{IssueError, Issued, NotAdmitted};
use http::StatusCode;
use jiff::{Timestamp, Unit};
use serde::Serialize;
use wire::Code;

use crate::{auth, body, connection::Peer, error::ApiError, front::Front, order};

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
    let fields = body::fields(request, front.config.limits.read_timeout).await?;
    let ignored = fields.ignored().to_vec();
    let options = front.registry.options();
    let ceilings = order::Ceilings {
        idle_timeout: options.idle_timeout,
        max_duration: options.max_duration,
        connect_timeout: Some(front.config.limits.connect_timeout),
    };
    let mut order = order::session(fields, ceilings, &front.config.permits)?;
    order.caller = caller.map(str::to_owned);
    let host = order.target.to_string();
    let jump: Vec<_> = order.jump.iter().map(|hop| hop.target.to_string()).collect();
    let Issued { ticket, valid_for } = front.registry.issue(order).map_err(|error| refused(&error))?;
    let caller = caller.unwrap_or("anybody");
    tracing::info!(from = %peer.address.ip(), caller, host, jump = jump.join(","), "ticket issued");
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

/// What a caller is told whose order is not taken.
pub(crate) fn refused(error: &IssueError) -> ApiError {
    let (status, code) = match error {
        IssueError::NotAdmitted(NotAdmitted::Target(_)) => (StatusCode::FORBIDDEN, Code::TargetDenied),
        IssueError::NotAdmitted(NotAdmitted::Algorithms(_)) => {
            (StatusCode::FORBIDDEN, Code::AlgorithmsDenied)
        }
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
