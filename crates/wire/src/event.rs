//! The names of the Socket.IO events and of their namespace.

/// The namespace of every event.
pub const NAMESPACE: &str = "/ssh";

/// Browser to gateway: redeem a ticket and open its shell. Payload [`StartSession`](crate::StartSession).
pub const START_SESSION: &str = "start-session";
/// Browser to gateway: come back to a session with the token it gave. Payload
/// [`ResumeSession`](crate::ResumeSession).
pub const RESUME_SESSION: &str = "resume-session";
/// Browser to gateway: the token of the last `session-attached` is kept; the one before is void. No payload.
pub const SESSION_ATTACHED_ACK: &str = "session-attached-ack";
/// Browser to gateway: what the user answered. Payload [`QuestionAnswer`](crate::QuestionAnswer).
pub const SESSION_ANSWER: &str = "session-answer";
/// Browser to gateway: a piece of the screen arrived. Payload [`ScreenAck`](crate::ScreenAck).
pub const SESSION_SCREEN_ACK: &str = "session-screen-ack";
/// Browser to gateway: the `session-closed` arrived; nobody comes back for it. No payload.
pub const SESSION_CLOSED_ACK: &str = "session-closed-ack";
/// Browser to gateway: the user is there, as if something had been typed. No payload.
pub const STAY_CONNECTED: &str = "stay-connected";
/// Browser to gateway: is anybody there? Answered at once with an empty Socket.IO acknowledgement. No payload.
pub const SESSION_PING: &str = "session-ping";
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
/// Gateway to browser: only the user can go on with this. Payload [`Question`](crate::Question).
pub const SESSION_QUESTION: &str = "session-question";
/// Gateway to browser: this socket has the session now. Payload [`Attached`](crate::Attached).
pub const SESSION_ATTACHED: &str = "session-attached";
/// Gateway to browser: how its connections are protected. Payload
/// [`SessionDetails`](crate::SessionDetails).
pub const SESSION_DETAILS: &str = "session-details";
/// Gateway to browser: a piece of the screen to begin with. Payload [`ScreenPiece`](crate::ScreenPiece).
pub const SESSION_SCREEN: &str = "session-screen";
/// Gateway to browser: another socket has the session now. Payload [`TakenOver`](crate::TakenOver).
pub const SESSION_TAKEN_OVER: &str = "session-taken-over";
/// Gateway to browser: the session will end soon. Payload [`Warning`](crate::Warning).
pub const SESSION_WARNING: &str = "session-warning";
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
