//! The payloads of the events, as they are on the wire.

use std::fmt;

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IgnoredAny, Visitor},
};

use crate::{Code, Peer};

/// The protocol that our own page asks for in its CONNECT payload.
pub const PROTOCOL: u32 = 1;

/// The `auth` payload of the Socket.IO CONNECT packet.
///
/// Without a `protocol` the client gets the original's protocol: text output, no
/// acknowledgements. With [`PROTOCOL`] it gets bytes and must acknowledge them.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct ConnectAuth {
    /// The protocol asked for.
    #[serde(default)]
    pub protocol: Option<u32>,
    /// The payload of a `start-session` that is the client's first event, without waiting to be let in.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<StartSession>"))]
    pub start: Option<Said<StartSession>>,
    /// The same for a `resume-session`.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<ResumeSession>"))]
    pub resume: Option<Said<ResumeSession>>,
}

/// The payload of an event that is said in CONNECT, if it has the event's shape.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Said<T> {
    /// It has.
    Well(T),
    /// It is refused as the event is.
    Malformed(IgnoredAny),
}

impl<T> Said<T> {
    /// The payload, if it has that shape.
    pub fn well(self) -> Option<T> {
        match self {
            Self::Well(payload) => Some(payload),
            Self::Malformed(_) => None,
        }
    }
}

/// `start-session`. The ticket stands under either name; both present is refused.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct StartSession {
    /// The ticket, as `POST /create-session` named it.
    pub create_session_id: Option<String>,
    /// The ticket, as `POST /create-credentials` named it.
    pub credentials_uuid: Option<String>,
    /// The terminal's columns, in cells, 1 to 1000.
    pub cols: Option<u16>,
    /// The terminal's rows, in cells, 1 to 500.
    pub rows: Option<u16>,
}

/// `resume-session`.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct ResumeSession {
    /// The token of the last `session-attached` or `session-taken-over`.
    pub token: String,
    /// All output before this offset is on the screen or on its way to it. Without it the page
    /// is a new one, and gets the whole screen.
    #[cfg_attr(feature = "typescript", ts(optional, type = "number"))]
    pub have: Option<u64>,
}

/// `ssh-input`.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Input {
    /// What was typed or pasted.
    #[cfg_attr(feature = "typescript", ts(type = "string | Uint8Array"))]
    pub input: Typed,
    /// The offset of its first byte in the session's input. What the gateway has already is
    /// dropped, a gap is refused. Without it the piece follows whatever came before.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, type = "number"))]
    pub offset: Option<u64>,
}

/// Input as the target gets it: text as UTF-8, a binary attachment as it is.
#[derive(Clone, Eq, PartialEq)]
pub struct Typed(pub Bytes);

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TypedVisitor)
    }
}

struct TypedVisitor;

impl Visitor<'_> for TypedVisitor {
    type Value = Typed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or bytes")
    }

    fn visit_str<E>(self, text: &str) -> Result<Typed, E> {
        Ok(Typed(Bytes::copy_from_slice(text.as_bytes())))
    }

    fn visit_string<E>(self, text: String) -> Result<Typed, E> {
        Ok(Typed(text.into()))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Typed, E> {
        Ok(Typed(Bytes::copy_from_slice(bytes)))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Typed, E> {
        Ok(Typed(bytes.into()))
    }
}

/// `resize`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Resize {
    /// Columns, in cells.
    pub cols: u16,
    /// Rows, in cells.
    pub rows: u16,
}

/// `ssh-output-ack`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct OutputAck {
    /// All output before this offset has been processed.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub offset: u64,
}

/// `session-progress`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Progress {
    /// The step that has begun.
    pub step: Step,
    /// `host:port` of the jump host that it leads to; without it, it leads to the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
}

/// A step on the way to a shell.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Resolving the name and opening the TCP connection.
    Dial,
    /// Banner, key exchange, host key.
    Handshake,
    /// Logging in.
    Auth,
    /// Asking for the pty and the shell.
    Shell,
}

/// `session-question`: the session is not open before this is answered. Every text in it may be a server's
/// own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Question {
    /// Its number, for the answer.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub id: u64,
    /// What is asked.
    pub kind: QuestionKind,
    /// Whom it is about: `host:port`, with `user@` before it where it is for the login.
    pub target: String,
    /// How long it stands, in seconds.
    pub seconds: u32,
    /// The host's key, where the question is whether it is the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<ShownHostKey>,
    /// The server's name for its question; may be empty.
    pub name: String,
    /// The server's instruction; may be empty and have several lines.
    pub instruction: String,
    /// What is to be filled in; nothing where the question is about the host's key.
    pub fields: Vec<QuestionField>,
    /// What was answered to the same question before was wrong.
    pub again: bool,
}

/// What a question is about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// Whether the host is the right one.
    HostKey,
    /// The account's password.
    Password,
    /// The passphrase of the private key that came with the request.
    Passphrase,
    /// Whatever the server asks (RFC 4256).
    KeyboardInteractive,
}

/// The key that a host shows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ShownHostKey {
    /// Its type: `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// Its picture as OpenSSH draws it: lines of text.
    pub randomart: String,
    /// Whether the gateway can remember it.
    pub can_remember: bool,
}

/// One field of a question.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct QuestionField {
    /// What is asked.
    pub prompt: String,
    /// Whether what is typed may be seen.
    pub echo: bool,
}

/// `session-answer`: exactly one of `accept`, `answers` and `cancel`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct QuestionAnswer {
    /// The question's number.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub id: u64,
    /// It is the right host.
    #[serde(default)]
    pub accept: Option<Accept>,
    /// What was filled in, field by field.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, type = "string[]"))]
    pub answers: Option<Vec<SecretText>>,
    /// The user does not want to go on.
    #[serde(default)]
    pub cancel: Option<bool>,
}

/// How a host's key is accepted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Accept {
    /// For this session.
    Once,
    /// And it shall be known from now on.
    Remember,
}

/// A text that prints nothing of itself.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct SecretText(pub String);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// `connection-ready`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Ready {
    /// Always `true`.
    pub ready: bool,
}

/// `ssh-output` for the original's protocol.
#[derive(Clone, Serialize)]
pub struct Output<'a> {
    /// Text; a character is never split over two events, and what is not UTF-8 is U+FFFD.
    pub output: &'a str,
    /// Whether the session ended because of inactivity; only with the line that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<bool>,
}

/// `ssh-output` for our page: the bytes are a binary attachment.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct OutputBytes {
    /// The bytes as the target sent them; a character may be split over two events.
    #[cfg_attr(feature = "typescript", ts(type = "ArrayBuffer"))]
    pub output: Bytes,
    /// The offset of the first of these bytes in the session's output.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub offset: u64,
}

/// `ssh-input-ack`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct InputAck {
    /// All input before this offset, counted in bytes as the target gets them, was handed on.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub offset: u64,
}

/// `session-attached`: this socket has the session now.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Attached {
    /// The right to come back: 256 random bits in base64url. It replaces every one before.
    pub token: String,
    /// The offset of the output that follows.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub offset: u64,
    /// All input before this offset has been taken; input goes on here.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub input_offset: u64,
    /// The whole screen, for a page that cannot go on from what it has. Without it, it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<Screen>,
}

/// `session-details`: how the connections to the servers are protected.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct SessionDetails {
    /// The one to the target.
    #[serde(flatten)]
    pub target: Details,
    /// Those to the jump hosts that carry it, in their order.
    pub hops: Vec<Details>,
}

/// How the connection to a server is protected. Names are those of the protocol; every text may be a
/// server's own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Details {
    /// `host:port`.
    pub target: String,
    /// What the server calls itself: `SSH-2.0-…`.
    pub server: String,
    /// The algorithms that were offered.
    pub preset: Preset,
    /// How the keys were agreed on.
    pub key_exchange: String,
    /// Whether a quantum computer does not undo that.
    pub post_quantum: bool,
    /// Whether nothing could be slipped in while that was done.
    pub strict_key_exchange: bool,
    /// The algorithm that the server proved itself with.
    pub host_key: String,
    /// Its key's: `SHA256:…`.
    pub fingerprint: String,
    /// Why that is taken for the server's.
    pub host_proof: HostProof,
    /// What hides what is carried.
    pub cipher: String,
    /// What guards it, where the cipher does not do that itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// What makes it shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<String>,
    /// Those of the above that count as broken.
    pub weak: Vec<String>,
}

/// A preset of algorithms.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// What is good today.
    Modern,
    /// And what servers of the last decade know.
    Compatible,
    /// And what is broken.
    Legacy,
}

/// Why a key is taken for a server's.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum HostProof {
    /// The request names it.
    Pinned,
    /// It was known before.
    Known,
    /// An authority speaks for it.
    Certificate,
    /// It was new, and is known from now on.
    Learnt,
    /// The user took it for the right one.
    Accepted,
}

/// A screen with its history, as of the offset that it comes with; it follows in `session-screen`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Screen {
    /// The columns that it is for, in cells.
    pub cols: u16,
    /// The rows that it is for, in cells.
    pub rows: u16,
    /// How long it is, in bytes; 0 where it could not be kept.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub length: u64,
}

/// `session-screen`: a piece of the screen that `session-attached` announced, as a binary attachment.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ScreenPiece {
    /// Escape sequences. All pieces together make the screen on a terminal of its size that was just reset.
    #[cfg_attr(feature = "typescript", ts(type = "ArrayBuffer"))]
    pub screen: Bytes,
    /// The offset of the first of these bytes in the screen.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub offset: u64,
}

/// `session-screen-ack`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ScreenAck {
    /// All of the screen before this offset has arrived.
    #[cfg_attr(feature = "typescript", ts(type = "number"))]
    pub offset: u64,
}

/// `session-taken-over`: another socket has the session now.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct TakenOver {
    /// The right to take it back, with `resume-session`.
    pub token: String,
}

/// `session-warning`: the session will end.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Warning {
    /// Why: `timed_out` (unless something is typed or `stay-connected` is sent), `max_duration` or
    /// `shutdown`.
    pub code: Code,
    /// In how many seconds.
    pub seconds: u32,
}

/// `session-error`: an event was refused, and what was running still is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct SocketError {
    /// What happened.
    pub code: Code,
    /// A sentence for a person.
    pub message: String,
    /// Who caused it.
    pub peer: Peer,
    /// Whether the same again may work.
    pub retry: bool,
}

/// `session-closed`: the attempt or the session is over.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Closed {
    /// What happened.
    pub code: Code,
    /// A sentence for a person.
    pub message: String,
    /// Who caused it.
    pub peer: Peer,
    /// Whether `start-session` with the same ticket may work: it was not burnt.
    pub retry: bool,
    /// The shell's exit status, where it exited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<u32>,
    /// The name of the signal that killed the shell, without `SIG`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_signal: Option<String>,
    /// How long the shell was open, in seconds, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional, type = "number"))]
    pub duration_s: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_text_and_nothing_else_in_json() {
        let input: Input = serde_json::from_str(r#"{"input":"\u00e9"}"#).unwrap();
        assert_eq!(&input.input.0[..], "é".as_bytes());
        for bad in [r#"{"input":1}"#, r#"{"input":null}"#, r#"{"input":{}}"#, "{}", "\"x\""] {
            assert!(serde_json::from_str::<Input>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn start_session_carries_a_ticket_and_a_size_and_never_a_host() {
        let start: StartSession =
            serde_json::from_str(r#"{"credentials_uuid":"x","cols":80,"rows":24}"#).unwrap();
        assert_eq!(
            (start.credentials_uuid.as_deref(), start.cols, start.rows),
            (Some("x"), Some(80), Some(24))
        );
        assert!(
            serde_json::from_str::<StartSession>(r#"{"credentials_uuid":"x","hostname":"evil"}"#).is_err()
        );
    }

    #[test]
    fn optional_fields_are_left_out() {
        let closed = Closed {
            code: Code::LinkLost,
            message: "gone".into(),
            peer: Peer::Target,
            retry: false,
            exit_status: None,
            exit_signal: None,
            duration_s: None,
        };
        let json = serde_json::to_string(&closed).unwrap();
        assert_eq!(json, r#"{"code":"link_lost","message":"gone","peer":"target","retry":false}"#);
    }
}
