//! What the tests of the HTTP API share: an order, and reading what comes back.

use serde_json::{Value, json};
use testkit::Reply;

use crate::setup::Result;

/// The two addresses of one handler.
pub(crate) const PATHS: [&str; 2] = ["/create-session", "/create-credentials"];
/// A key that is looked at only when its session starts.
pub(crate) const KEY: &[u8] =
    b"-----BEGIN OPENSSH PRIVATE KEY-----\nnot looked at before the session starts\n";

/// An order that is good enough for a ticket.
pub(crate) fn order() -> Value {
    json!({ "hostname": "h.example", "username": "u", "password": "p" })
}

/// Status, sentence and code of a refusal.
pub(crate) fn refusal(reply: &Reply) -> Result<(u16, String, String)> {
    let body = reply.json()?;
    assert_eq!(body["success"], json!(false), "{body}");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    Ok((reply.status, text("error"), text("code")))
}

/// The union of what both generations read, and the same ticket under each name.
pub(crate) fn ticket_of(reply: &Reply, origin: &str) -> Result<String> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let body = reply.json()?;
    let ticket = body["uuid"].as_str().unwrap().to_owned();
    assert_eq!(body["success"], json!(true));
    assert_eq!((&body["create_session_id"], &body["connection_uuid"]), (&body["uuid"], &body["uuid"]));
    assert_eq!(body["url"], json!(format!("{origin}/{ticket}")));
    assert!(
        body["expires_at"].as_str().is_some_and(|time| time.ends_with('Z') && time.len() == 20),
        "{body}"
    );
    assert_eq!((ticket.len(), &ticket[14..15]), (36, "4"), "no UUIDv4: {ticket}");
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    Ok(ticket)
}
