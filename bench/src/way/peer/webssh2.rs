//! webssh2 2 and later: Socket.IO on a path of its own, with the session of a cookie; output is bytes.

use anyhow::bail;
use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{
    Heard, Peer, Session, Speech, next,
    socket_io::{self, Packet},
};
use crate::lab::Lab;

pub(super) async fn open(peer: &Peer, lab: &Lab) -> anyhow::Result<Session> {
    let page = peer.http().get(&format!("{}/ssh", peer.base)).await?;
    let cookie = page.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let mut socket = socket_io::open(peer, "/ssh/socket.io", &[("cookie", &cookie)]).await?;
    let login = json!({
        "host": "127.0.0.1",
        "port": lab.sshd.port(),
        "username": lab.sshd.username(),
        "privateKey": lab.sshd.client_key()?,
        "term": "xterm-256color",
        "cols": 80,
        "rows": 24,
    });
    socket.send(socket_io::event("authenticate", &login)).await?;
    loop {
        match socket_io::packet(next(&mut socket).await?)? {
            Packet::Ping => socket.send(socket_io::pong()).await?,
            Packet::Event(name, _) if name == "getTerminal" => break,
            Packet::Event(name, payload) if name == "ssherror" || payload["success"] == false => {
                bail!("{name}: {payload}");
            }
            _ => {}
        }
    }
    socket.send(socket_io::event("terminal", &json!({ "cols": 80, "rows": 24 }))).await?;
    Ok(Session::new(socket, Webssh2))
}

struct Webssh2;

impl Speech for Webssh2 {
    fn keys(&mut self, keys: &str) -> anyhow::Result<Message> {
        Ok(socket_io::event("data", &json!(keys)))
    }

    fn hear(&mut self, message: Message) -> anyhow::Result<Heard> {
        Ok(match socket_io::packet(message)? {
            Packet::Ping => Heard::answer(socket_io::pong()),
            Packet::Bytes(bytes) => Heard::output(bytes),
            Packet::Event(name, Value::String(text)) if name == "data" => Heard::output(text),
            Packet::Event(name, payload) if name == "ssherror" => bail!("{payload}"),
            _ => Heard::default(),
        })
    }
}
