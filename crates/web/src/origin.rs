//! Which sites may talk to this gateway: a check in front of everything, Socket.IO included,
//! because WebSockets ignore CORS and a name can be rebound to a loopback address.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, Method, StatusCode, header};
use wire::Code;

use crate::{
    config::parse_origin,
    error::ApiError,
    front::{Front, host_of},
    transport,
};

/// Refuses requests that come from another site, or to a name that this is not.
pub(crate) async fn check(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let method = request.method();
    // A link on another site may open the page; nothing else may come from there.
    let navigates =
        matches!(*method, Method::GET | Method::HEAD) && !request.uri().path().starts_with(transport::PATH);
    match judge(&front, request.headers(), navigates) {
        Ok(()) => next.run(request).await,
        Err(message) => {
            tracing::warn!(reason = message, "request from another site refused");
            ApiError::new(StatusCode::FORBIDDEN, Code::ForbiddenOrigin, message).into_response()
        }
    }
}

fn judge(front: &Front, headers: &HeaderMap, navigates: bool) -> Result<(), &'static str> {
    let rebindable = front.config.public_url.is_none() && front.bound.ip().is_loopback();
    if rebindable && headers.contains_key(header::HOST) && !host_of(headers).is_some_and(is_local_name) {
        return Err("This gateway serves loopback names only; tell it its own with --public-url");
    }
    if navigates {
        return Ok(());
    }
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Err("Requests from other sites are not accepted");
    }
    match headers.get(header::ORIGIN) {
        None => Ok(()),
        Some(origin) if origin.to_str().is_ok_and(|origin| is_own(front, headers, origin)) => Ok(()),
        Some(_) => Err("Not an accepted origin"),
    }
}

/// Whether an `Origin` is ours: the configured one, else the host that the request names.
fn is_own(front: &Front, headers: &HeaderMap, origin: &str) -> bool {
    if let Some(url) = &front.config.public_url {
        return origin == url.as_str();
    }
    // Without a configured origin there may be TLS in front of us: either scheme will do.
    host_of(headers).is_some_and(|host| {
        ["http", "https"]
            .iter()
            .any(|scheme| parse_origin(&format!("{scheme}://{host}")).as_deref() == Ok(origin))
    })
}

/// `localhost` or an address, with or without a port.
fn is_local_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_names_are_addresses_and_localhost() {
        for host in ["localhost", "LocalHost:5000", "127.0.0.1:5000", "[::1]:5000", "[::1]", "10.0.0.1"] {
            assert!(is_local_name(host), "{host}");
        }
        for host in
            ["evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example:80", ""]
        {
            assert!(!is_local_name(host), "{host}");
        }
    }
}
