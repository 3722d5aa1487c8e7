//! `GET /metrics`: how many there are of everything that costs something, for Prometheus. It names
//! no host, no user and nothing secret.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use wire::Code;

use crate::{auth, error::ApiError, front::Front};

/// The media type of what the library writes.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OfState {
    state: &'static str,
}

/// The figures of this moment, for whoever may create sessions.
pub(crate) async fn metrics(
    State(front): State<Arc<Front>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    auth::authorize(&front.config.api_tokens, &headers)?;
    let mut text = String::new();
    encode(&mut text, &figures(&front)).map_err(|_| {
        let message = "The figures cannot be written";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, message)
    })?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

fn figures(front: &Front) -> Registry {
    let counts = front.registry.counts();
    let mut figures = Registry::with_prefix("alfresco_ssh");
    let sessions = Family::<OfState, Gauge>::default();
    for (state, count) in
        [("dialing", counts.dialing), ("attached", counts.attached), ("detached", counts.detached)]
    {
        set(&sessions.get_or_create(&OfState { state }), count);
    }
    figures.register("sessions", "Sessions, by whether their shell is open and a browser is there", sessions);
    let mut tell = |name, help, count| {
        let gauge = Gauge::default();
        set(&gauge, count);
        figures.register(name, help, gauge);
    };
    tell("tickets", "Links that may still start a session", counts.tickets);
    tell("sockets", "Engine.IO sessions", front.sockets.count());
    tell("connections", "TCP connections", front.connections.count());
    let runtime = tokio::runtime::Handle::current();
    tell("tasks", "Tasks of the runtime", runtime.metrics().num_alive_tasks());
    if let Some(count) = open_descriptors() {
        tell("open_descriptors", "File descriptors of the process", count);
    }
    if let Some(allocated) = front.config.allocated {
        let bytes = usize::try_from(allocated()).unwrap_or(usize::MAX);
        tell("allocated_bytes", "Bytes that were allocated since the start", bytes);
    }
    figures
}

fn set(gauge: &Gauge, count: usize) {
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}

/// How many descriptors the process has, where the system tells; the one that it takes to ask is
/// not counted.
fn open_descriptors() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}
