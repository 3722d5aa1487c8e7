//! `POST /api/v1/exec`: a command without a terminal, its output and its exit status in one answer.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::{Charset, CloseReason, DialError, ExecError, ExecOrder, Executed, Peer, Printed};
use http::StatusCode;
use serde::Serialize;
use wire::{Closed, Code};

use crate::{
    auth, body, closing,
    config::{Limits, Permits},
    connection,
    create::refused,
    error::ApiError,
    fields::{Fields, invalid},
    front::Front,
    jump, login, order, program, terminal,
};

/// How output stands in the answer.
#[derive(Clone, Copy)]
enum Encoding {
    /// As text of this encoding, or else of UTF-8; what is none is U+FFFD.
    Text(Option<Charset>),
    /// Every byte of it.
    Base64,
}

/// What came of the command.
#[derive(Serialize)]
struct Answer {
    /// It ended by itself, whatever its status.
    success: bool,
    code: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_status: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_signal: Option<String>,
    stdout: String,
    stdout_truncated: bool,
    stderr: String,
    stderr_truncated: bool,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

/// Runs the command of the body and answers when it has ended.
pub(crate) async fn exec(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Arc<connection::Peer>>,
    request: Request,
) -> Result<Response, ApiError> {
    let caller = auth::authorize(&front.config.api_tokens, request.headers())?;
    let fields = body::fields(request, front.config.limits.read_timeout).await?;
    let (mut order, encoding, ignored) = read(fields, &front.config.limits, &front.config.permits)?;
    order.caller = caller.map(str::to_owned);
    let (from, host) = (peer.address.ip(), order.target.to_string());
    tracing::info!(%from, caller = caller.unwrap_or("anybody"), host, "a command begins");
    let executed = front.registry.exec(order, from).await;
    match &executed {
        Ok(executed) => tracing::info!(host, reason = %executed.reason, "a command ended"),
        Err(error) => tracing::info!(host, %error, "a command was not started"),
    }
    let executed = executed.map_err(|error| not_started(&error))?;
    Ok((status(&executed.reason), Json(answer(executed, encoding, ignored))).into_response())
}

/// What the fields mean, and the names of those that mean nothing.
fn read(
    mut fields: Fields,
    limits: &Limits,
    permits: &Permits,
) -> Result<(ExecOrder, Encoding, Vec<String>), ApiError> {
    let credentials = login::credentials(&mut fields)?;
    let target = order::target(&mut fields, Some(limits.connect_timeout))?;
    let jump = jump::hops(&mut fields, &target, Some(limits.connect_timeout))?;
    let program = program::program(&mut fields, &credentials, permits)?;
    if program.command.is_none() {
        return Err(ApiError::bad_request(Code::MissingField, "Not provided - 'command'"));
    }
    if fields.switch("shell")? == Some(true) {
        return Err(invalid("shell", "cannot be true here: POST /create-session opens one"));
    }
    let charset = terminal::charset(&mut fields)?;
    let encoding = match fields.text("encoding").as_deref() {
        None | Some("utf-8") => Encoding::Text(charset),
        Some("base64") => Encoding::Base64,
        Some(_) => return Err(invalid("encoding", "must be utf-8 or base64")),
    };
    let time = fields.seconds("max_duration", Some(limits.exec_time))?.unwrap_or(limits.exec_time);
    let order =
        ExecOrder { jump, target, credentials, program, caller: None, time, output: limits.exec_output };
    Ok((order, encoding, fields.into_ignored()))
}

fn not_started(error: &ExecError) -> ApiError {
    match error {
        ExecError::Refused(error) => refused(error),
        ExecError::Dial(error) => {
            let reason = CloseReason::DialFailed(error.clone());
            ApiError::new(status(&reason), closing::code(&reason), error.to_string())
        }
        // Nobody hears this.
        ExecError::Abandoned => ApiError::new(StatusCode::BAD_REQUEST, Code::BrowserGone, error.to_string()),
    }
}

/// Whose fault it is that there is no good answer.
fn status(reason: &CloseReason) -> StatusCode {
    match reason {
        CloseReason::Exited(_) => StatusCode::OK,
        CloseReason::Shutdown => StatusCode::SERVICE_UNAVAILABLE,
        CloseReason::MaxDuration
        | CloseReason::DialFailed(
            DialError::ConnectTimeout { .. }
            | DialError::HandshakeTimeout { .. }
            | DialError::AuthTimeout { .. },
        ) => StatusCode::GATEWAY_TIMEOUT,
        CloseReason::DialFailed(DialError::TargetDenied(_) | DialError::AlgorithmsDenied(_)) => {
            StatusCode::FORBIDDEN
        }
        reason => match reason.peer() {
            Peer::Browser => StatusCode::BAD_REQUEST,
            Peer::Target => StatusCode::BAD_GATEWAY,
            Peer::Gateway => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

fn answer(executed: Executed, encoding: Encoding, ignored: Vec<String>) -> Answer {
    let Executed { reason, stdout, stderr, lasted } = executed;
    let Closed { code, message, exit_status, exit_signal, .. } = closing::closed(&reason, false, None);
    let error = match reason {
        CloseReason::Exited(_) => None,
        CloseReason::MaxDuration => Some(format!("The command had not ended after {} s.", lasted.as_secs())),
        _ => Some(message),
    };
    Answer {
        success: error.is_none(),
        code,
        error,
        exit_status,
        exit_signal,
        stdout: text(&stdout, encoding),
        stdout_truncated: stdout.truncated,
        stderr: text(&stderr, encoding),
        stderr_truncated: stderr.truncated,
        duration_ms: u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX),
        ignored,
    }
}

fn text(printed: &Printed, encoding: Encoding) -> String {
    match encoding {
        Encoding::Text(Some(charset)) => charset.decode(&printed.bytes).into_owned(),
        Encoding::Text(None) => String::from_utf8_lossy(&printed.bytes).into_owned(),
        Encoding::Base64 => STANDARD.encode(&printed.bytes),
    }
}
