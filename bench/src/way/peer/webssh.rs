//! webssh 1.6: a form makes an id, a WebSocket redeems it; input is JSON, output bytes.

use anyhow::Context as _;
use futures_util::SinkExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use url::form_urlencoded::byte_serialize;

use super::{Heard, Peer, Session, Speech};
use crate::lab::Lab;

pub(super) async fn open(peer: &Peer, lab: &Lab) -> anyhow::Result<Session> {
    let index = format!("{}/", peer.base);
    let first = peer.http().get(&index).await?;
    // It wants the token of its cookie in the form too.
    let cookie = first.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let token = cookie.strip_prefix("_xsrf=").unwrap_or_default();
    let (port, key) = (lab.sshd.port().to_string(), lab.sshd.client_key()?);
    let form = [
        ("_xsrf", token),
        ("hostname", "127.0.0.1"),
        ("port", &port),
        ("username", lab.sshd.username()),
        ("privatekey", &key),
        ("term", "xterm-256color"),
    ];
    let answer = peer.http().with_header("cookie", &cookie).post_form(&index, &form).await?;
    let body = answer.json()?;
    let id = body["id"].as_str().with_context(|| body.to_string())?;
    let id: String = byte_serialize(id.as_bytes()).collect();
    let mut socket = peer.socket(&format!("/ws?id={id}"), &[]).await?;
    socket.send(Message::text(json!({ "resize": [80, 24] }).to_string())).await?;
    Ok(Session::new(socket, Webssh))
}

struct Webssh;

impl Speech for Webssh {
    fn keys(&mut self, keys: &str) -> anyhow::Result<Message> {
        Ok(Message::text(json!({ "data": keys }).to_string()))
    }

    fn hear(&mut self, message: Message) -> anyhow::Result<Heard> {
        Ok(Heard::output(message.into_data()))
    }
}
