//! ttyd 1.7: the first character of a message is its type. It starts one `ssh` for each socket.

use anyhow::bail;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use futures_util::SinkExt as _;

use super::{Heard, Peer, Session, Speech};

const OUTPUT: u8 = b'0';

pub(super) async fn open(peer: &Peer) -> anyhow::Result<Session> {
    let mut socket = peer.socket("/ws", &[("sec-websocket-protocol", "tty")]).await?;
    let start = json!({ "AuthToken": "", "columns": 80, "rows": 24 });
    socket.send(Message::binary(start.to_string())).await?;
    Ok(Session::new(socket, Ttyd))
}

struct Ttyd;

impl Speech for Ttyd {
    fn keys(&mut self, keys: &str) -> anyhow::Result<Message> {
        Ok(Message::binary(format!("0{keys}")))
    }

    fn hear(&mut self, message: Message) -> anyhow::Result<Heard> {
        let mut bytes = message.into_data();
        match bytes.first() {
            Some(&OUTPUT) => Ok(Heard::output(bytes.split_off(1))),
            // The title and the preferences.
            Some(b'1' | b'2') => Ok(Heard::default()),
            other => bail!("an unknown message {other:?}"),
        }
    }
}
