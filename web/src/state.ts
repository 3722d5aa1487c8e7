/** The one state of the page and how events move it. Pure: knows no socket, terminal or DOM. */
import type { Closed, Code, SocketError, Step } from './protocol.gen';

/** Failures that only the page can see, beside the gateway's codes. */
export type FailureCode = Code | 'no_ticket' | 'output_gap';

export type State =
  | { kind: 'loading' }
  | { kind: 'connecting'; step: 'gateway' | Step; unreachable: boolean }
  | { kind: 'connected' }
  | { kind: 'ended'; code: Code; message: string; exitStatus: number | null; exitSignal: string | null }
  /** `begun`: there was a shell, and its output is still on the page. */
  | { kind: 'failed'; code: FailureCode; message: string; retry: boolean; begun: boolean }
  | { kind: 'disconnected' };

export type Event =
  /** The page begins, or begins again after a failure. */
  | { type: 'begin' }
  /** An attempt to reach the gateway failed; the next one follows. */
  | { type: 'unreachable' }
  /** The gateway has the ticket. */
  | { type: 'started' }
  | { type: 'progress'; step: Step }
  | { type: 'ready' }
  /** The gateway refused an event, or the connection to it. */
  | { type: 'refused'; error: SocketError }
  | { type: 'closed'; closed: Closed }
  /** The socket is gone. */
  | { type: 'lost' }
  /** The page itself found that it cannot go on. */
  | { type: 'fault'; code: FailureCode; message: string };

const GATEWAY: State & { kind: 'connecting' } = { kind: 'connecting', step: 'gateway', unreachable: false };

export function next(state: State, event: Event): State {
  switch (event.type) {
    case 'begin':
      return state.kind === 'loading' || canRetry(state) ? GATEWAY : state;
    case 'unreachable':
      return state.kind === 'connecting' ? { ...GATEWAY, unreachable: true } : state;
    case 'started':
      return state.kind === 'connecting' ? { ...state, step: 'dial', unreachable: false } : state;
    case 'progress':
      return state.kind === 'connecting' ? { ...state, step: event.step } : state;
    case 'ready':
      return state.kind === 'connecting' ? { kind: 'connected' } : state;
    case 'refused':
      return state.kind === 'connecting' ? failed(event.error, false) : state;
    case 'closed':
      return isOpen(state) ? over(event.closed, state.kind === 'connected') : state;
    case 'lost':
      return lost(state);
    case 'fault':
      return failed({ code: event.code, message: event.message, retry: false }, state.kind === 'connected');
  }
}

/** Whether there is a session, or one is being opened. */
export function isOpen(state: State): boolean {
  return state.kind === 'connecting' || state.kind === 'connected';
}

/** Whether the same ticket may be started again. */
export function canRetry(state: State): boolean {
  return state.kind === 'failed' && state.retry;
}

/** A session cannot outlive its socket; before it began, nothing is lost and we try again. */
function lost(state: State): State {
  switch (state.kind) {
    case 'connecting':
      return { ...GATEWAY, unreachable: true };
    case 'connected':
      return { kind: 'disconnected' };
    case 'loading':
    case 'ended':
    case 'failed':
    case 'disconnected':
      return state;
  }
}

function over(closed: Closed, begun: boolean): State {
  switch (closed.code) {
    case 'exited':
    case 'signalled':
    case 'target_closed':
    case 'timed_out':
      return {
        kind: 'ended',
        code: closed.code,
        message: closed.message,
        exitStatus: closed.exit_status ?? null,
        exitSignal: closed.exit_signal ?? null,
      };
    default:
      return failed(closed, begun);
  }
}

function failed(why: { code: FailureCode; message: string; retry: boolean }, begun: boolean): State {
  return { kind: 'failed', code: why.code, message: why.message, retry: why.retry, begun };
}
