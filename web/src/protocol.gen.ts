// Generated from crates/wire by `cargo xtask codegen`. Do not edit.

export type Code = "invalid_payload" | "no_session" | "session_already_started" | "unsupported_protocol" | "ticket_unknown" | "name_not_found" | "connect_refused" | "connect_failed" | "connect_timeout" | "not_ssh" | "handshake_timeout" | "no_common_algorithm" | "host_key_changed" | "host_key_revoked" | "host_key_unknown" | "host_key_store" | "auth_failed" | "auth_method_unavailable" | "auth_timeout" | "key_invalid" | "key_passphrase" | "key_too_costly" | "shell_refused" | "exited" | "signalled" | "link_lost" | "target_closed" | "timed_out" | "browser_gone" | "browser_stalled" | "input_overflow" | "shutdown" | "internal" | "invalid_body" | "invalid_field" | "missing_field" | "invalid_credentials" | "unsupported_media_type" | "body_too_large" | "unauthorized" | "forbidden_origin" | "not_found" | "method_not_allowed" | "too_many_tickets";

export type Peer = "browser" | "target" | "gateway";

export type Step = "dial" | "handshake" | "auth" | "shell";

export type ConnectAuth = { protocol: number | null, };

export type StartSession = { create_session_id?: string, credentials_uuid?: string, cols?: number, rows?: number, };

export type Input = { input: string, };

export type Resize = { cols: number, rows: number, };

export type OutputAck = { offset: number, };

export type Progress = { step: Step, };

export type Ready = { ready: boolean, };

export type OutputBytes = { output: ArrayBuffer, offset: number, };

export type InputAck = { offset: number, };

export type SocketError = { code: Code, message: string, peer: Peer, retry: boolean, };

export type Closed = { code: Code, message: string, peer: Peer, retry: boolean, exit_status?: number, exit_signal?: string, };
