// Generated from crates/wire by `cargo xtask codegen`. Do not edit.

// Explained in crates/wire/src/limits.rs.
export const NAMESPACE = '/ssh';
export const PROTOCOL = 1;
export const OUTPUT_ACK_EVERY = 32768;
export const INPUT_WINDOW = 65536;
export const MAX_COLS = 1000;
export const MAX_ROWS = 500;

export type Code = "invalid_payload" | "no_session" | "session_already_started" | "unsupported_protocol" | "input_gap" | "screen_lost" | "session_unknown" | "too_many_sessions" | "ticket_unknown" | "target_denied" | "algorithms_denied" | "name_not_found" | "connect_refused" | "connect_failed" | "connect_timeout" | "not_ssh" | "handshake_timeout" | "no_common_algorithm" | "host_key_changed" | "host_key_revoked" | "host_key_unknown" | "host_key_refused" | "host_key_store" | "auth_failed" | "auth_method_unavailable" | "login_cancelled" | "unanswered" | "auth_timeout" | "key_invalid" | "key_passphrase" | "key_too_costly" | "certificate_invalid" | "shell_refused" | "jump_refused" | "exited" | "signalled" | "link_lost" | "target_closed" | "timed_out" | "max_duration" | "browser_gone" | "browser_stalled" | "input_overflow" | "shutdown" | "internal" | "invalid_body" | "invalid_field" | "missing_field" | "invalid_credentials" | "unsupported_media_type" | "body_too_large" | "unauthorized" | "forbidden_origin" | "not_found" | "method_not_allowed" | "too_many_tickets" | "too_many_sockets";

export type Peer = "browser" | "target" | "gateway";

export type Step = "dial" | "handshake" | "auth" | "shell";

export type Preset = "modern" | "compatible" | "legacy";

export type HostProof = "pinned" | "known" | "certificate" | "learnt" | "accepted";

export type Details = {
  /** `host:port`. */
  target: string;
  /** What the server calls itself: `SSH-2.0-…`. */
  server: string;
  /** The algorithms that were offered. */
  preset: Preset;
  /** How the keys were agreed on. */
  key_exchange: string;
  /** Whether a quantum computer does not undo that. */
  post_quantum: boolean;
  /** Whether nothing could be slipped in while that was done. */
  strict_key_exchange: boolean;
  /** The algorithm that the server proved itself with. */
  host_key: string;
  /** Its key's: `SHA256:…`. */
  fingerprint: string;
  /** Why that is taken for the server's. */
  host_proof: HostProof;
  /** What hides what is carried. */
  cipher: string;
  /** What guards it, where the cipher does not do that itself. */
  mac?: string;
  /** What makes it shorter. */
  compression?: string;
  /** Those of the above that count as broken. */
  weak: Array<string>;
};

export type SessionDetails = {
  /** Those to the jump hosts that carry it, in their order. */
  hops: Array<Details>;
  /** `host:port`. */
  target: string;
  /** What the server calls itself: `SSH-2.0-…`. */
  server: string;
  /** The algorithms that were offered. */
  preset: Preset;
  /** How the keys were agreed on. */
  key_exchange: string;
  /** Whether a quantum computer does not undo that. */
  post_quantum: boolean;
  /** Whether nothing could be slipped in while that was done. */
  strict_key_exchange: boolean;
  /** The algorithm that the server proved itself with. */
  host_key: string;
  /** Its key's: `SHA256:…`. */
  fingerprint: string;
  /** Why that is taken for the server's. */
  host_proof: HostProof;
  /** What hides what is carried. */
  cipher: string;
  /** What guards it, where the cipher does not do that itself. */
  mac?: string;
  /** What makes it shorter. */
  compression?: string;
  /** Those of the above that count as broken. */
  weak: Array<string>;
};

export type ConnectAuth = {
  /** The protocol asked for. */
  protocol?: number;
  /** The payload of a `start-session` that is the client's first event, without waiting to be let in. */
  start?: StartSession;
  /** The same for a `resume-session`. */
  resume?: ResumeSession;
};

export type StartSession = {
  /** The ticket, as `POST /create-session` named it. */
  create_session_id?: string;
  /** The ticket, as `POST /create-credentials` named it. */
  credentials_uuid?: string;
  /** The terminal's columns, in cells, 1 to 1000. */
  cols?: number;
  /** The terminal's rows, in cells, 1 to 500. */
  rows?: number;
};

export type ResumeSession = {
  /** The token of the last `session-attached` or `session-taken-over`. */
  token: string;
  /** All output before this offset is on the screen or on its way to it. Without it the page
 * is a new one, and gets the whole screen. */
  have?: number;
};

export type Input = {
  /** What was typed or pasted. */
  input: string | Uint8Array;
  /** The offset of its first byte in the session's input. What the gateway has already is
 * dropped, a gap is refused. Without it the piece follows whatever came before. */
  offset?: number;
};

export type Resize = {
  /** Columns, in cells. */
  cols: number;
  /** Rows, in cells. */
  rows: number;
};

export type OutputAck = {
  /** All output before this offset has been processed. */
  offset: number;
};

export type Progress = {
  /** The step that has begun. */
  step: Step;
  /** `host:port` of the jump host that it leads to; without it, it leads to the target. */
  hop?: string;
};

export type QuestionKind = "host_key" | "password" | "passphrase" | "keyboard_interactive";

export type ShownHostKey = {
  /** Its type: `ssh-ed25519`. */
  algorithm: string;
  /** `SHA256:…`. */
  fingerprint: string;
  /** Its picture as OpenSSH draws it: lines of text. */
  randomart: string;
  /** Whether the gateway can remember it. */
  can_remember: boolean;
};

export type QuestionField = {
  /** What is asked. */
  prompt: string;
  /** Whether what is typed may be seen. */
  echo: boolean;
};

export type Question = {
  /** Its number, for the answer. */
  id: number;
  /** What is asked. */
  kind: QuestionKind;
  /** Whom it is about: `host:port`, with `user@` before it where it is for the login. */
  target: string;
  /** How long it stands, in seconds. */
  seconds: number;
  /** The host's key, where the question is whether it is the right one. */
  host_key?: ShownHostKey;
  /** The server's name for its question; may be empty. */
  name: string;
  /** The server's instruction; may be empty and have several lines. */
  instruction: string;
  /** What is to be filled in; nothing where the question is about the host's key. */
  fields: Array<QuestionField>;
  /** What was answered to the same question before was wrong. */
  again: boolean;
};

export type Accept = "once" | "remember";

export type QuestionAnswer = {
  /** The question's number. */
  id: number;
  /** It is the right host. */
  accept?: Accept;
  /** What was filled in, field by field. */
  answers?: string[];
  /** The user does not want to go on. */
  cancel?: boolean;
};

export type Ready = {
  /** Always `true`. */
  ready: boolean;
};

export type OutputBytes = {
  /** The bytes as the target sent them; a character may be split over two events. */
  output: ArrayBuffer;
  /** The offset of the first of these bytes in the session's output. */
  offset: number;
};

export type InputAck = {
  /** All input before this offset, counted in bytes as the target gets them, was handed on. */
  offset: number;
};

export type Screen = {
  /** The columns that it is for, in cells. */
  cols: number;
  /** The rows that it is for, in cells. */
  rows: number;
  /** How long it is, in bytes; 0 where it could not be kept. */
  length: number;
};

export type Attached = {
  /** The right to come back: 256 random bits in base64url. It replaces every one before. */
  token: string;
  /** The offset of the output that follows. */
  offset: number;
  /** All input before this offset has been taken; input goes on here. */
  input_offset: number;
  /** The whole screen, for a page that cannot go on from what it has. Without it, it can. */
  screen?: Screen;
};

export type ScreenPiece = {
  /** Escape sequences. All pieces together make the screen on a terminal of its size that was just reset. */
  screen: ArrayBuffer;
  /** The offset of the first of these bytes in the screen. */
  offset: number;
};

export type ScreenAck = {
  /** All of the screen before this offset has arrived. */
  offset: number;
};

export type TakenOver = {
  /** The right to take it back, with `resume-session`. */
  token: string;
};

export type Warning = {
  /** Why: `timed_out` (unless something is typed or `stay-connected` is sent), `max_duration` or
 * `shutdown`. */
  code: Code;
  /** In how many seconds. */
  seconds: number;
};

export type SocketError = {
  /** What happened. */
  code: Code;
  /** A sentence for a person. */
  message: string;
  /** Who caused it. */
  peer: Peer;
  /** Whether the same again may work. */
  retry: boolean;
};

export type Closed = {
  /** What happened. */
  code: Code;
  /** A sentence for a person. */
  message: string;
  /** Who caused it. */
  peer: Peer;
  /** Whether `start-session` with the same ticket may work: it was not burnt. */
  retry: boolean;
  /** The shell's exit status, where it exited. */
  exit_status?: number;
  /** The name of the signal that killed the shell, without `SIG`. */
  exit_signal?: string;
  /** How long the shell was open, in seconds, where it was. */
  duration_s?: number;
};

export type ToGateway = {
  'start-session': (payload: StartSession) => void;
  'resume-session': (payload: ResumeSession) => void;
  'session-attached-ack': () => void;
  'session-answer': (payload: QuestionAnswer) => void;
  'session-screen-ack': (payload: ScreenAck) => void;
  'session-closed-ack': () => void;
  'ssh-input': (payload: Input) => void;
  'resize': (payload: Resize) => void;
  'ssh-output-ack': (payload: OutputAck) => void;
  'stay-connected': () => void;
  'session-ping': (answered: () => void) => void;
};

export type FromGateway = {
  'session-progress': (payload: Progress) => void;
  'session-question': (payload: Question) => void;
  'session-attached': (payload: Attached) => void;
  'session-details': (payload: SessionDetails) => void;
  'session-screen': (payload: ScreenPiece) => void;
  'session-taken-over': (payload: TakenOver) => void;
  'session-warning': (payload: Warning) => void;
  'connection-ready': (payload: Ready) => void;
  'ssh-output': (payload: OutputBytes) => void;
  'ssh-input-ack': (payload: InputAck) => void;
  'session-error': (payload: SocketError) => void;
  'session-closed': (payload: Closed) => void;
};
