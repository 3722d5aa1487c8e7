//! Engine.IO sessions in front of the library that keeps them: how many there may be, how long a
//! request may take, and whose bytes a connection carries.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use http_body::Body as _;
use tokio::time::timeout;
use wire::Code;

use crate::{connection::Peer, error::ApiError, front::Front};

/// The path of Socket.IO.
pub(crate) const PATH: &str = "/socket.io";

/// Lets a request for Socket.IO through if it is one, and ties what is written for an Engine.IO
/// session to the session's meter.
pub(crate) async fn guard(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Arc<Peer>>,
    mut request: Request,
    next: Next,
) -> Response {
    if !request.uri().path().starts_with(PATH) {
        return next.run(request).await;
    }
    let is_websocket = is_websocket(request.uri());
    if is_websocket && !upgrades(&request) {
        return ApiError::bad_request(Code::InvalidBody, "This is no WebSocket handshake").into_response();
    }
    let sid = query(request.uri(), "sid");
    let Some(sid) = sid else {
        // The library keeps the request as long as the session it opens, and its place with it.
        let Some(place) = front.sockets.take(peer.address.ip()) else { return too_many() };
        request.extensions_mut().insert(Arc::new(place));
        peer.count_for(Arc::default());
        return next.run(lightened(request)).await;
    };
    if let Some(meter) = front.meters.known(&sid) {
        meter.hear();
    }
    let polls = request.method() == Method::GET;
    let Ok(response) = timeout_unless(polls, front.config.limits.read_timeout, next.run(request)).await
    else {
        let message = "The body took too long";
        return ApiError::new(StatusCode::REQUEST_TIMEOUT, Code::InvalidBody, message).into_response();
    };
    let Some(meter) = front.meters.known(&sid) else { return response };
    if is_websocket && response.status() == StatusCode::SWITCHING_PROTOCOLS {
        peer.count_for(meter);
    } else if polls {
        meter.add(usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX));
    }
    response
}

/// The same request without what opening a session does not need. The library keeps its head as long as
/// the session, and every header and the path would keep the buffer of 8 KiB that they were read into.
fn lightened(request: Request) -> Request {
    const NEEDED: [HeaderName; 4] =
        [header::UPGRADE, header::CONNECTION, header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION];
    let (mut head, body) = request.into_parts();
    let copy = |name: HeaderName| {
        let value = head.headers.get(&name)?;
        Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    };
    head.headers = NEEDED.into_iter().filter_map(copy).collect();
    head.uri = head.uri.to_string().parse().unwrap_or(head.uri);
    Request::from_parts(head, body)
}

/// Whether an Engine.IO request opens or becomes a WebSocket.
pub(crate) fn is_websocket(uri: &Uri) -> bool {
    query(uri, "transport").is_some_and(|transport| transport == "websocket")
}

/// Whether the connection can become a WebSocket: a proxy may have taken that away.
fn upgrades(request: &Request) -> bool {
    let names = |headers: &HeaderMap, name, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|word| word.trim().eq_ignore_ascii_case(token)))
    };
    request.version() == Version::HTTP_11
        && names(request.headers(), header::UPGRADE, "websocket")
        && names(request.headers(), header::CONNECTION, "upgrade")
}

/// A request that brings something has a limit; one that waits for something has the library's.
async fn timeout_unless<T>(
    waits: bool,
    limit: std::time::Duration,
    response: impl Future<Output = T>,
) -> Result<T, tokio::time::error::Elapsed> {
    if waits { Ok(response.await) } else { timeout(limit, response).await }
}

fn too_many() -> Response {
    let message = "Too many sockets are open from this address";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, Code::TooManySockets, message).into_response()
}

fn query(uri: &Uri, name: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
