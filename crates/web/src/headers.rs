//! The headers that every response carries, and the policy of pages.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use http::{HeaderName, HeaderValue, header};

use crate::{config::FrameAncestors, front::Front};

const FIXED: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin-allow-popups"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), clipboard-read=(self), clipboard-write=(self), fullscreen=(self)",
    ),
];

/// Adds what every response carries. A response that says nothing of caching is not to be stored.
pub(crate) async fn add(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(value) = front.config.frame_ancestors.x_frame_options() {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let policy = format!("default-src 'none'; frame-ancestors {}", front.config.frame_ancestors.csp());
        if let Ok(policy) = HeaderValue::try_from(policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
    response
}

/// A page's nonce: 128 random bits.
pub(crate) fn nonce() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(STANDARD_NO_PAD.encode(bytes))
}

/// The policy of a page that was asked for at `origin`. No script in it runs but the one of this hash.
pub(crate) fn page_policy(
    nonce: &str,
    script_hash: Option<&str>,
    origin: &str,
    frame_ancestors: &FrameAncestors,
) -> String {
    let own_script = script_hash.map(|hash| format!(" '{hash}'")).unwrap_or_default();
    // Not every browser takes 'self' for WebSockets.
    let socket = origin.replacen("http", "ws", 1);
    let frame_ancestors = frame_ancestors.csp();
    format!(
        "default-src 'none'; script-src 'self'{own_script}; style-src 'self' 'nonce-{nonce}'; connect-src 'self' {socket}; \
         img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors {frame_ancestors}; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}
