//! Ties each Engine.IO session that began with polling to the meter that counts for it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{Method, Uri};
use http_body::Body as _;

use crate::{connection::Peer, front::Front};

/// Counts polling responses, and lets an upgraded connection count for the session it serves.
pub(crate) async fn meter(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Arc<Peer>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(sid) = query(request.uri(), "sid") else { return next.run(request).await };
    if is_websocket(request.uri()) {
        peer.count_for(front.meters.of(&sid));
        return next.run(request).await;
    }
    let polls = request.method() == Method::GET;
    let response = next.run(request).await;
    if polls && let Some(meter) = front.meters.known(&sid) {
        meter.add(usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX));
    }
    response
}

/// Whether an Engine.IO request opens or becomes a WebSocket.
pub(crate) fn is_websocket(uri: &Uri) -> bool {
    query(uri, "transport").is_some_and(|transport| transport == "websocket")
}

fn query(uri: &Uri, name: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
