//! The names of the Socket.IO events and of their namespace.

/// The namespace of every event.
pub const NAMESPACE: &str = "/ssh";

/// Browser to gateway: redeem a ticket and open its shell. Payload [`StartSession`](crate::StartSession).
pub const START_SESSION: &str = "start-session";
/// Browser to gateway: what the user typed. Payload [`Input`](crate::Input).
pub const SSH_INPUT: &str = "ssh-input";
/// Browser to gateway: the terminal's new size. Payload [`Resize`](crate::Resize).
pub const RESIZE: &str = "resize";
/// Browser to gateway: the client judged the session idle and wants it ended. No payload.
pub const TIMEOUT: &str = "timeout";
/// Browser to gateway: output processed so far. Payload [`OutputAck`](crate::OutputAck).
pub const SSH_OUTPUT_ACK: &str = "ssh-output-ack";

/// Gateway to browser: a step of the connection has begun. Payload [`Progress`](crate::Progress).
pub const SESSION_PROGRESS: &str = "session-progress";
/// Gateway to browser: the shell is open. Payload [`Ready`](crate::Ready).
pub const CONNECTION_READY: &str = "connection-ready";
/// Gateway to browser: output of the shell. Payload [`Output`](crate::Output) or
/// [`OutputBytes`](crate::OutputBytes).
pub const SSH_OUTPUT: &str = "ssh-output";
/// Gateway to browser: input handed to the target so far. Payload [`InputAck`](crate::InputAck).
pub const SSH_INPUT_ACK: &str = "ssh-input-ack";
/// Gateway to browser: an event was refused; nothing ended. Payload [`SocketError`](crate::SocketError).
pub const SESSION_ERROR: &str = "session-error";
/// Gateway to browser: the attempt or the session is over. Payload [`Closed`](crate::Closed).
pub const SESSION_CLOSED: &str = "session-closed";
