//! The payloads of the events, as they are on the wire.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Code, Peer};

/// The protocol that our own page asks for in its CONNECT payload.
pub const PROTOCOL: u32 = 1;

/// The `auth` payload of the Socket.IO CONNECT packet.
///
/// Without a `protocol` the client gets the original's protocol: text output, no
/// acknowledgements. With [`PROTOCOL`] it gets bytes and must acknowledge them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ConnectAuth {
    /// The protocol asked for.
    #[serde(default)]
    pub protocol: Option<u32>,
}

/// `start-session`. The ticket stands under either name; both present is refused.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields)]
pub struct StartSession {
    /// The ticket, as `POST /create-session` named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_session_id: Option<String>,
    /// The ticket, as `POST /create-credentials` named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_uuid: Option<String>,
    /// The terminal's columns, in cells, 1 to 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cols: Option<u16>,
    /// The terminal's rows, in cells, 1 to 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u16>,
}

/// `ssh-input` as text: sent to the target as UTF-8.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Input {
    /// What was typed or pasted.
    pub input: String,
}

/// `ssh-input` as a binary attachment: sent to the target as it is.
#[derive(Clone, Deserialize, Serialize)]
pub struct InputBytes {
    /// What was typed or pasted.
    pub input: Bytes,
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
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Progress {
    /// The step that has begun.
    pub step: Step,
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
}
