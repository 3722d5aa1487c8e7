/** The one state of the page and how events move it. Pure: knows no socket, terminal, clock or DOM. */
import type { Refusal } from './answer';
import type { Closed, Code, Question, SocketError, Step } from './protocol.gen';

/** Failures that only the page can see, beside the gateway's codes. */
export type FailureCode = Code | 'no_ticket' | 'page_incomplete' | 'interrupted' | 'output_gap';

/** Why the gateway is not reached, while we keep trying. */
export type Obstacle = 'no_answer' | 'offline' | Refusal;

/** When the next attempt to reach the gateway is made, in milliseconds of the wall clock; null: now. */
export type NextTry = number | null;

/** The session will end at this time of the wall clock. */
export interface Ending {
  code: Code;
  at: number;
}

/** What the gateway asks on the way to a shell. What is answered is no part of it. */
export interface Asked {
  question: Question;
  /** Until when it stands, in milliseconds of the wall clock. */
  until: number;
  /** It was answered, and the gateway has not said yet what comes next. */
  answered: boolean;
}

/** What makes a ticket that the gateway does not know less than lost. */
export type Before =
  /** An attempt of this page broke off with its socket, and the gateway may still hold the ticket for it. */
  | 'interrupted'
  /** The ticket had a session, and that is over. */
  | 'session_unknown';

export type State =
  | { kind: 'loading' }
  /** `resuming`: the session runs already, and this page has only just begun. */
  | {
      kind: 'connecting';
      step: 'gateway' | Step;
      /** The jump host that the step leads to; null: it leads to the target. */
      hop: string | null;
      obstacle: Obstacle | null;
      next: NextTry;
      resuming: boolean;
      before: Before | null;
      /** The question that stands: nothing goes on before it is answered. */
      asked: Asked | null;
    }
  /** `held`: so many keys were typed too long ago to be sent without asking. */
  | { kind: 'connected'; held: number; endings: readonly Ending[] }
  /** The session goes on without us. `taking`: it is another page's, and we take it back. */
  | { kind: 'reconnecting'; obstacle: Obstacle | null; next: NextTry; taking: boolean }
  /** Another page has the session. */
  | { kind: 'taken-over' }
  | {
      kind: 'ended';
      code: Code;
      message: string;
      exitStatus: number | null;
      exitSignal: string | null;
      seconds: number | null;
      retry: boolean;
    }
  /** `begun`: there was a shell, and its output is still on the page. */
  | { kind: 'failed'; code: FailureCode; message: string; retry: boolean; begun: boolean }
  /** The link was used, and the session that it opened is over. */
  | { kind: 'used' }
  /** The session ended with its socket, because this gateway keeps none. */
  | { kind: 'disconnected' };

/** The ticket is started again; the page says that the link was used; or it says why it cannot go on. */
export type Instead = 'ticket' | 'used' | 'failure';

export type Event =
  /** The page begins, or begins again after a failure. */
  | { type: 'begin'; resuming: boolean }
  /** An attempt to reach the gateway failed; the next one follows. */
  | { type: 'unreachable'; obstacle: Obstacle }
  | { type: 'waiting'; next: NextTry }
  /** The gateway has the ticket. */
  | { type: 'started' }
  | { type: 'progress'; step: Step; hop: string | null }
  | { type: 'asked'; question: Question; until: number }
  /** This page has answered the question that stands. */
  | { type: 'answered' }
  /** The time for the question is up. */
  | { type: 'time-up' }
  | { type: 'ready' }
  /** This page has a session that ran before. */
  | { type: 'attached' }
  | { type: 'held'; keys: number }
  | { type: 'ending'; ending: Ending }
  /** The user is there, so an idle session does not end. */
  | { type: 'stays' }
  /** The gateway refused an event, or the connection to it. */
  | { type: 'refused'; error: SocketError }
  | { type: 'closed'; closed: Closed }
  /** There is no session for our token. What becomes of the page instead. */
  | { type: 'unknown'; instead: Instead }
  /** The socket is gone. `resumable`: the session is not. */
  | { type: 'lost'; obstacle: Obstacle; resumable: boolean }
  | { type: 'taken-over' }
  | { type: 'take-back' }
  /** The page itself found that it cannot go on. */
  | { type: 'fault'; code: FailureCode; message: string };

type Connecting = State & { kind: 'connecting' };
type Reconnecting = State & { kind: 'reconnecting' };

const GATEWAY: Connecting = {
  kind: 'connecting',
  step: 'gateway',
  hop: null,
  obstacle: null,
  next: null,
  resuming: false,
  before: null,
  asked: null,
};

const CONNECTED: State = { kind: 'connected', held: 0, endings: [] };

const INTERRUPTED = {
  code: 'interrupted',
  message: 'The connection broke while the session was being opened. Try again in a moment.',
  retry: true,
} as const;

const OVER = {
  code: 'session_unknown',
  message: 'The gateway has no session for this page any more.',
  retry: false,
} as const;

export function next(state: State, event: Event): State {
  switch (event.type) {
    case 'begin':
      return begin(state, event.resuming);
    case 'unreachable':
      return unreachable(state, event.obstacle);
    case 'waiting':
      return reaches(state) ? { ...state, next: event.next } : state;
    case 'started':
      return state.kind === 'connecting'
        ? { ...state, step: 'dial', hop: null, obstacle: null, next: null }
        : state;
    case 'progress':
      return state.kind === 'connecting'
        ? { ...state, step: event.step, hop: event.hop, asked: null }
        : state;
    case 'asked':
      return asked(state, event.question, event.until);
    case 'answered':
      return answered(state);
    case 'time-up':
      return standing(state) ? { ...state, asked: null } : state;
    case 'ready':
      return state.kind === 'connecting' ? CONNECTED : state;
    case 'attached':
      return reaches(state) ? CONNECTED : state;
    case 'held':
      return state.kind === 'connected' ? { ...state, held: event.keys } : state;
    case 'ending':
      return ending(state, event.ending);
    case 'stays':
      return stays(state);
    case 'refused':
      return refused(state, event.error);
    case 'closed':
      return over(state, event.closed);
    case 'unknown':
      return unknown(state, event.instead);
    case 'lost':
      return lost(state, event.obstacle, event.resumable);
    case 'taken-over':
      return isOpen(state) ? { kind: 'taken-over' } : state;
    case 'take-back':
      return state.kind === 'taken-over' ? reconnecting(null, true) : state;
    case 'fault':
      return isOpen(state) ? failed({ ...event, retry: false }, hasBegun(state)) : state;
  }
}

/** Whether there is a session, or one is being opened. */
export function isOpen(state: State): boolean {
  switch (state.kind) {
    case 'connecting':
    case 'connected':
    case 'reconnecting':
    case 'taken-over':
      return true;
    case 'loading':
    case 'ended':
    case 'failed':
    case 'used':
    case 'disconnected':
      return false;
  }
}

/** Whether the gateway is being reached. */
export function reaches(state: State): state is Connecting | Reconnecting {
  return state.kind === 'connecting' || state.kind === 'reconnecting';
}

/** Whether what is typed is the shell's, now or as soon as the gateway is there. */
export function takesKeys(state: State): boolean {
  return state.kind === 'connected' || (state.kind === 'reconnecting' && !state.taking);
}

/** Whether the same ticket may be started again. */
export function canRetry(state: State): boolean {
  return (state.kind === 'failed' || state.kind === 'ended') && state.retry;
}

function begin(state: State, resuming: boolean): State {
  if (state.kind !== 'loading' && !canRetry(state)) {
    return state;
  }
  const interrupted = state.kind === 'failed' && state.code === INTERRUPTED.code;
  return { ...GATEWAY, resuming, before: interrupted ? 'interrupted' : null };
}

function unreachable(state: State, obstacle: Obstacle): State {
  switch (state.kind) {
    case 'connecting':
      return { ...state, step: 'gateway', obstacle, asked: null };
    case 'reconnecting':
      return { ...state, obstacle };
    default:
      return state;
  }
}

/** Whether there is a question that waits for its answer. */
export function standing(state: State): state is Connecting & { asked: Asked } {
  return state.kind === 'connecting' && state.asked !== null && !state.asked.answered;
}

function asked(state: State, question: Question, until: number): State {
  if (state.kind !== 'connecting') {
    return state;
  }
  return { ...state, obstacle: null, next: null, asked: { question, until, answered: false } };
}

function answered(state: State): State {
  return standing(state) ? { ...state, asked: { ...state.asked, answered: true } } : state;
}

/** Each cause has one end; the soonest stands first. */
function ending(state: State, news: Ending): State {
  if (state.kind !== 'connected') {
    return state;
  }
  const others = state.endings.filter(({ code }) => code !== news.code);
  return { ...state, endings: [...others, news].sort((a, b) => a.at - b.at) };
}

function stays(state: State): State {
  if (state.kind !== 'connected' || !state.endings.some(isIdle)) {
    return state;
  }
  return { ...state, endings: state.endings.filter((ending) => !isIdle(ending)) };
}

function isIdle({ code }: Ending): boolean {
  return code === 'timed_out';
}

function refused(state: State, error: SocketError): State {
  switch (state.kind) {
    case 'connecting':
      return unopened(state, error);
    case 'reconnecting':
      return failed(error, true);
    default:
      return state;
  }
}

/** A ticket that our own broken attempt may still hold is not lost: it comes back when the gateway notices. */
function unopened(state: Connecting, why: SocketError): State {
  if (why.code === 'ticket_unknown' && state.before !== null) {
    return failed(state.before === 'interrupted' ? INTERRUPTED : OVER, false);
  }
  return failed(why, false);
}

function unknown(state: State, instead: Instead): State {
  if (!reaches(state)) {
    return state;
  }
  switch (instead) {
    case 'ticket':
      return { ...GATEWAY, before: 'session_unknown' };
    case 'used':
      return { kind: 'used' };
    case 'failure':
      return failed(OVER, hasBegun(state));
  }
}

/** Before the shell was open nothing is lost, and we try again; then all depends on whether it waits for us. */
function lost(state: State, obstacle: Obstacle, resumable: boolean): State {
  switch (state.kind) {
    case 'connecting':
      return {
        ...state,
        step: 'gateway',
        obstacle,
        next: null,
        before: state.before ?? 'interrupted',
        asked: null,
      };
    case 'connected':
      return resumable ? reconnecting(obstacle, false) : { kind: 'disconnected' };
    case 'reconnecting':
      return { ...state, obstacle, next: null };
    case 'loading':
    case 'taken-over':
    case 'ended':
    case 'failed':
    case 'used':
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
    case 'max_duration':
      return {
        kind: 'ended',
        code: closed.code,
        message: closed.message,
        exitStatus: closed.exit_status ?? null,
        exitSignal: closed.exit_signal ?? null,
        seconds: closed.duration_s ?? null,
        retry: closed.retry,
      };
    default:
      return state.kind === 'connecting' ? unopened(state, closed) : failed(closed, true);
  }
}

function reconnecting(obstacle: Obstacle | null, taking: boolean): Reconnecting {
  return { kind: 'reconnecting', obstacle, next: null, taking };
}

function hasBegun(state: State): boolean {
  return isOpen(state) && state.kind !== 'connecting';
}

function failed(why: { code: FailureCode; message: string; retry: boolean }, begun: boolean): State {
  return { kind: 'failed', code: why.code, message: why.message, retry: why.retry, begun };
}
