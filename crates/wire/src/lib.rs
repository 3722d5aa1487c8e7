//! What crosses the socket: event names, payloads, codes and limits.
//!
//! Owns the shapes of `docs/protocol.md`. Must not know how a session works, what SSH is,
//! or which web framework carries the frames.

mod code;
pub mod event;
pub mod limits;
mod payload;

pub use code::{Code, Peer};
pub use payload::{
    Accept, Attached, Closed, ConnectAuth, Details, HostProof, Input, InputAck, Output, OutputAck,
    OutputBytes, PROTOCOL, Preset, Progress, Question, QuestionAnswer, QuestionField, QuestionKind, Ready,
    Resize, ResumeSession, Said, Screen, ScreenAck, ScreenPiece, SecretText, SessionDetails, ShownHostKey,
    SocketError, StartSession, Step, TakenOver, Typed, Warning,
};
