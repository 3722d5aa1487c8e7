//! wetty 3: Socket.IO, output as text that is acknowledged by its length. It starts one `ssh` for each
//! socket, for the user that it was told of.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use futures_util::SinkExt as _;

use super::{
    Heard, Peer, Session, Speech,
    socket_io::{self, Packet},
};

/// So many UTF-16 units are acknowledged together, as its page does.
const COMMIT: usize = 256 * 1024;

pub(super) async fn open(peer: &Peer) -> anyhow::Result<Session> {
    let mut socket = socket_io::open(peer, "/socket.io", &[]).await?;
    socket.send(socket_io::event("resize", &json!({ "cols": 80, "rows": 24 }))).await?;
    Ok(Session::new(socket, Wetty { received: 0 }))
}

struct Wetty {
    /// UTF-16 units that were not acknowledged.
    received: usize,
}

impl Speech for Wetty {
    fn keys(&mut self, keys: &str) -> anyhow::Result<Message> {
        Ok(socket_io::event("input", &json!(keys)))
    }

    fn hear(&mut self, message: Message) -> anyhow::Result<Heard> {
        match socket_io::packet(message)? {
            Packet::Ping => Ok(Heard::answer(socket_io::pong())),
            Packet::Event(name, Value::String(text)) if name == "data" => {
                self.received += text.encode_utf16().count();
                let mut heard = Heard::output(text);
                if self.received >= COMMIT {
                    self.received -= COMMIT;
                    heard.answer = Some(socket_io::event("commit", &json!(COMMIT)));
                }
                Ok(heard)
            }
            _ => Ok(Heard::default()),
        }
    }
}
