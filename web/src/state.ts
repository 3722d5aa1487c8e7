/** The one state of the page and how events move it. Pure: knows no socket, terminal or DOM. */
import type { Refusal } from './answer';
import type { Closed, Code, SocketError, Step } from './protocol.gen';

/** Failures that only the page can see, beside the gateway's codes. */
export type FailureCode = Code | 'no_ticket' | 'interrupted' | 'output_gap';

/** Why the gateway is not reached, while we keep trying. */
export type Obstacle = 'no_answer' | Refusal;

export type State =
  | { kind: 'loading' }
  /** `interrupted`: an attempt broke off with its socket, and the gateway may still hold the ticket for it. */
  | { kind: 'connecting'; step: 'gateway' | Step; obstacle: Obstacle | null; interrupted: boolean }
  | { kind: 'connected' }
  | { kind: 'ended'; code: Code; message: string; exitStatus: number | null; exitSignal: string | null }
  /** `begun`: there was a shell, and its output is still on the page. */
  | { kind: 'failed'; code: FailureCode; message: string; retry: boolean; begun: boolean }
  | { kind: 'disconnected' };

export type Event =
  /** The page begins, or begins again after a failure. */
  | { type: 'begin' }
  /** An attempt to reach the gateway failed; the next one follows. */
  | { type: 'unreachable'; obstacle: Obstacle }
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

type Connecting = State & { kind: 'connecting' };

const GATEWAY: Connecting = { kind: 'connecting', step: 'gateway', obstacle: null, interrupted: false };

const INTERRUPTED = {
  code: 'interrupted',
  message: 'The connection broke while the session was being opened. Try again in a moment.',
  retry: true,
} as const;

export function next(state: State, event: Event): State {
  switch (event.type) {
    case 'begin':
      return begin(state);
    case 'unreachable':
      return state.kind === 'connecting' ? { ...state, step: 'gateway', obstacle: event.obstacle } : state;
    case 'started':
      return state.kind === 'connecting' ? { ...state, step: 'dial', obstacle: null } : state;
    case 'progress':
      return state.kind === 'connecting' ? { ...state, step: event.step } : state;
    case 'ready':
      return state.kind === 'connecting' ? { kind: 'connected' } : state;
    case 'refused':
      return state.kind === 'connecting' ? unopened(state, event.error) : state;
    case 'closed':
      return over(state, event.closed);
    case 'lost':
      return lost(state);
    case 'fault':
      return isOpen(state) ? failed({ ...event, retry: false }, state.kind === 'connected') : state;
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

function begin(state: State): State {
  if (state.kind !== 'loading' && !canRetry(state)) {
    return state;
  }
  return { ...GATEWAY, interrupted: state.kind === 'failed' && state.code === INTERRUPTED.code };
}

/** A ticket that our own broken attempt may still hold is not lost: it comes back when the gateway notices. */
function unopened(state: Connecting, why: SocketError): State {
  const held = state.interrupted && why.code === 'ticket_unknown';
  return failed(held ? INTERRUPTED : why, false);
}

/** A session cannot outlive its socket; before it began, nothing is lost and we try again. */
function lost(state: State): State {
  switch (state.kind) {
    case 'connecting':
      return { ...GATEWAY, obstacle: 'no_answer', interrupted: true };
    case 'connected':
      return { kind: 'disconnected' };
    case 'loading':
    case 'ended':
    case 'failed':
    case 'disconnected':
      return state;
  }
}

function over(state: State, closed: Closed): State {
  if (!isOpen(state)) {
    return state;
  }
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
      return state.kind === 'connecting' ? unopened(state, closed) : failed(closed, true);
  }
}

function failed(why: { code: FailureCode; message: string; retry: boolean }, begun: boolean): State {
  return { kind: 'failed', code: why.code, message: why.message, retry: why.retry, begun };
}
