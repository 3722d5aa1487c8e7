//! The routes: pages, assets, the API, health, figures.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, RawQuery, Request, State},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use engine::Ticket;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, Uri, Version, header};
use serde_json::json;
use tower_http::compression::CompressionLayer;
use wire::Code;

use crate::{
    assets::{self, Page},
    create::create,
    error::ApiError,
    exec::exec,
    front::Front,
    headers,
    metrics::metrics,
};

/// The routes without the layers in front of them.
pub(crate) fn router(front: Arc<Front>) -> Router {
    let creation = post(create).get(nothing).options(post_options).fallback(post_method);
    let execution = post(exec).options(post_options).fallback(post_method);
    Router::new()
        .route("/create-session", creation.clone())
        .route("/create-credentials", creation)
        .route("/api/v1/exec", execution)
        .route("/", get(root))
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
        .route("/assets/{name}", get(asset))
        .route("/{ticket}", get(terminal))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(CompressionLayer::new().compress_when(is_html))
        .with_state(front)
}

/// Pages differ from response to response, by their nonces; assets are compressed beforehand.
fn is_html(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// `/?connection=` and `/?connect=` open a terminal; without either, this says what it is.
async fn root(State(front): State<Arc<Front>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let named = |name| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    let Some((_, ticket)) = named("connection").or_else(|| named("connect")) else {
        let origin = front.origin_of(&headers);
        return page(&front, &headers, StatusCode::OK, Page::Landing { origin: &origin });
    };
    if knows(&front, &ticket) {
        return page(&front, &headers, StatusCode::OK, Page::Terminal);
    }
    if wants_html(&headers) {
        return no_such_ticket(&front, &headers);
    }
    let message = format!("Could not find stored credentials with ID {ticket}");
    ApiError::new(StatusCode::NOT_FOUND, Code::TicketUnknown, message).into_response()
}

/// `/<ticket>` opens a terminal. Looking does not consume.
async fn terminal(State(front): State<Arc<Front>>, uri: Uri, headers: HeaderMap) -> Response {
    if knows(&front, uri.path().trim_start_matches('/')) {
        return page(&front, &headers, StatusCode::OK, Page::Terminal);
    }
    no_such_ticket(&front, &headers)
}

fn knows(front: &Front, ticket: &str) -> bool {
    Ticket::parse(ticket).is_some_and(|ticket| front.registry.knows(&ticket))
}

fn no_such_ticket(front: &Front, headers: &HeaderMap) -> Response {
    if wants_html(headers) {
        let hint = front.config.new_url_hint.as_deref();
        return page(front, headers, StatusCode::NOT_FOUND, Page::NotFound { hint });
    }
    (StatusCode::NOT_FOUND, "Session not found").into_response()
}

async fn nothing(State(front): State<Arc<Front>>, headers: HeaderMap) -> Response {
    if wants_html(&headers) {
        return no_such_ticket(&front, &headers);
    }
    ApiError::new(StatusCode::NOT_FOUND, Code::NotFound, "There is nothing at this address").into_response()
}

async fn wrong_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        Code::MethodNotAllowed,
        "This address does not take this method",
    )
}

async fn post_options() -> impl IntoResponse {
    [(header::ALLOW, "POST, OPTIONS")]
}

async fn post_method() -> Response {
    ([(header::ALLOW, "POST, OPTIONS")], wrong_method().await).into_response()
}

/// Whether new sessions may be sent here: a load balancer stops at anything but 200.
async fn healthz(State(front): State<Arc<Front>>) -> impl IntoResponse {
    if front.registry.is_going_down() {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "draining" })));
    }
    (StatusCode::OK, Json(json!({ "status": "ok" })))
}

async fn asset(Path(name): Path<String>, request: Request) -> Response {
    let value = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(asset) = assets::asset(&name, value(header::ACCEPT_ENCODING).unwrap_or_default()) else {
        return ApiError::new(StatusCode::NOT_FOUND, Code::NotFound, "There is nothing at this address")
            .into_response();
    };
    let is_known = value(header::IF_NONE_MATCH).is_some_and(|known| known.contains(&asset.etag));
    let kept = [
        (header::ETAG, asset.etag),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let mut response = (kept, [(header::CONTENT_TYPE, asset.content_type)], asset.body).into_response();
    if let Some(encoding) = asset.encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Whether the client asks for HTML by name, as browsers do and programs do not.
fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

fn page(front: &Front, headers: &HeaderMap, status: StatusCode, page: Page<'_>) -> Response {
    let policy = headers::nonce().map_err(|error| error.to_string()).and_then(|nonce| {
        let (script, origin) = (page.script_hash(), front.origin_of(headers));
        let policy = headers::page_policy(&nonce, script.as_deref(), &origin, &front.config.frame_ancestors);
        Ok((nonce, HeaderValue::try_from(policy).map_err(|error| error.to_string())?))
    });
    match policy {
        Ok((nonce, policy)) => {
            (status, [(header::CONTENT_SECURITY_POLICY, policy)], Html(page.html(&nonce))).into_response()
        }
        Err(cause) => {
            tracing::error!(cause, "a page's policy cannot be made");
            let message = "The page's policy cannot be made";
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, message).into_response()
        }
    }
}
