/** What the page says in each state. Pure, so that every sentence can be tested. */
import { ADVICE, type Advice, NEW_LINK } from '../advice';
import type { Code } from '../protocol.gen';
import type { FailureCode, NextTry, Obstacle, State } from '../state';
import { plainLines, plainText } from '../text';
import { askedWords } from './asking';
import { duration } from './clock';

type StepName = (State & { kind: 'connecting' })['step'];

export type Tone = 'busy' | 'calm' | 'trouble' | 'asking';

/** What the button does. */
export type Act = 'retry' | 'take-back' | 'reach-now';

export interface Action {
  act: Act;
  label: string;
  /** What a screen reader calls it, where the label alone says too little. */
  name?: string;
}

export interface View {
  /**
   * A card stands over an empty terminal; a bar stands below one that has something to read, and
   * `top` over one whose session goes on, without changing its size; hidden is for screen readers alone.
   */
  layout: 'card' | 'bar' | 'top' | 'hidden';
  tone: Tone;
  step: StepName | null;
  title: string;
  message: string;
  /** What stands below the sentence of an error, for whoever wants to know; of several lines. */
  more?: string;
  advice: string;
  code: string;
  /** When the next try is due, where there is one. */
  due?: NextTry;
  /** Until when an answer is waited for. */
  until?: number;
  action: Action | null;
}

const MESSAGE_MAX = 400;
const MORE_MAX = 8_000;

const STEP_MESSAGE: Record<StepName, string> = {
  gateway: 'Reaching the gateway…',
  dial: 'Looking for the host…',
  handshake: 'Checking the host and agreeing on encryption…',
  auth: 'Logging in…',
  shell: 'Opening the shell…',
};

/** The same on the way to a jump host, which is named. */
const HOP_MESSAGE: Partial<Record<StepName, string>> = {
  dial: 'Looking for the jump host',
  handshake: 'Checking the jump host and agreeing on encryption:',
  auth: 'Logging in at the jump host',
};

const HOST_MAX = 300;

const NO_ANSWER: Advice = {
  title: 'The gateway does not answer',
  advice: 'Check that you are online, and that no proxy or filter stands in the way.',
};

const OFFLINE: Advice = { title: 'You are offline', advice: 'Check your own connection to the network.' };

const RETRY: Action = { act: 'retry', label: 'Try again' };
const START_AGAIN: Action = { act: 'retry', label: 'Start again' };
const TAKE_BACK: Action = { act: 'take-back', label: 'Take it back' };
const NOW: Action = { act: 'reach-now', label: 'Now', name: 'Reconnect now' };

const EMPTY = { step: null, message: '', advice: '', code: '', action: null };

export function view(state: State): View {
  switch (state.kind) {
    case 'loading':
      return { ...EMPTY, layout: 'card', tone: 'busy', title: 'Loading the terminal…' };
    case 'connecting':
      return connecting(state);
    case 'connected':
      return { ...EMPTY, layout: 'hidden', tone: 'calm', title: 'Connected' };
    case 'reconnecting':
      return reconnecting(state);
    case 'taken-over':
      return {
        ...EMPTY,
        layout: 'top',
        tone: 'calm',
        title: 'Opened elsewhere',
        message: 'Another page has this session now. It can be here again at any time.',
        action: TAKE_BACK,
      };
    case 'ended':
      return ended(state);
    case 'failed':
      return failed(state);
    case 'used':
      return { ...EMPTY, layout: 'hidden', tone: 'calm', title: ADVICE.ticket_unknown.title };
    case 'disconnected':
      return {
        ...EMPTY,
        layout: 'bar',
        tone: 'trouble',
        title: 'Disconnected',
        message: 'The connection to the gateway was lost, and the session ended with it.',
        advice: NEW_LINK,
      };
  }
}

/** What is said of a session that will end, and whether the user can do something about it. */
export function endingWords(code: Code): { title: string; stays: boolean } {
  switch (code) {
    case 'timed_out':
      return { title: 'Nothing was typed for a while: this session ends', stays: true };
    case 'shutdown':
      return { title: 'The gateway restarts: this session ends', stays: false };
    case 'max_duration':
      return { title: 'The time for this session is up: it ends', stays: false };
    default:
      return { title: 'This session ends', stays: false };
  }
}

export function leftWords(seconds: number): string {
  return seconds > 0 ? `in ${duration(seconds)}` : 'now';
}

export function heldWords(keys: number): string {
  return keys === 1
    ? '1 key was typed while the connection was away. Send it?'
    : `${keys.toLocaleString('en')} keys were typed while the connection was away. Send them?`;
}

const KEYS_SHOWN = 200;

/** The last of the keys, which decide what happens, on one line. */
export function keysShown(keys: string[]): string {
  const last = keys.slice(-KEYS_SHOWN).map((key) => (Array.from(key).length > 1 ? ` ${key} ` : key));
  const line = last.join('').replaceAll('  ', ' ').trim();
  return keys.length > KEYS_SHOWN ? `… ${line}` : line;
}

/** Says nothing twice, and names one way on: the button where there is one, else a new link where it helps. */
function words(
  code: FailureCode,
  message: string,
  retry: boolean,
): Pick<View, 'title' | 'message' | 'advice'> {
  const { title, advice, linkIsNoHelp } = ADVICE[code];
  const onwards = retry || linkIsNoHelp ? '' : NEW_LINK;
  return {
    title,
    message: message === title || message === `${title}.` ? '' : message,
    advice: [advice, onwards].filter((sentence) => sentence !== '').join(' '),
  };
}

function stepMessage(step: StepName, hop: string | null): string {
  const words = HOP_MESSAGE[step];
  return hop === null || words === undefined ? STEP_MESSAGE[step] : `${words} ${plainText(hop, HOST_MAX)}…`;
}

function connecting({ step, hop, obstacle, next, resuming, asked }: State & { kind: 'connecting' }): View {
  if (obstacle !== null) {
    const message = 'This page keeps trying, and goes on by itself as soon as it can.';
    const words = { ...trouble(obstacle), message };
    return {
      ...EMPTY,
      ...words,
      layout: 'card',
      tone: 'trouble',
      due: next,
      action: { ...NOW, label: 'Try now' },
    };
  }
  if (asked !== null) {
    const words = askedWords(asked.question, hop !== null);
    const shown = { ...EMPTY, ...words, layout: 'card', tone: 'asking', step } as const;
    return asked.answered ? { ...shown, message: 'Waiting for the host…' } : { ...shown, until: asked.until };
  }
  const title = resuming ? 'Coming back to your session' : 'Connecting';
  return { ...EMPTY, layout: 'card', tone: 'busy', step, title, message: stepMessage(step, hop) };
}

/** The gateway is away, not the host: the session goes on there, and that is what counts. */
function reconnecting({ obstacle, next, taking }: State & { kind: 'reconnecting' }): View {
  const shown = { ...EMPTY, layout: 'top', tone: 'busy', due: next, action: NOW } as const;
  if (taking) {
    return { ...shown, title: 'Taking the session back…' };
  }
  const goesOn = 'The session goes on. What you type is kept, and sent later.';
  switch (obstacle) {
    case 'offline':
      return { ...shown, title: 'You are offline', message: goesOn };
    case 'no_answer':
    case null:
      return { ...shown, title: 'Reconnecting to the gateway…', message: goesOn };
    default:
      return { ...shown, ...trouble(obstacle), message: goesOn };
  }
}

function trouble(obstacle: Obstacle): Advice {
  switch (obstacle) {
    case 'no_answer':
      return NO_ANSWER;
    case 'offline':
      return OFFLINE;
    default:
      return ADVICE[obstacle];
  }
}

function failed(state: State & { kind: 'failed' }): View {
  // Where two sides have no algorithm in common, what they have stands below the sentence.
  const end = state.code === 'no_common_algorithm' ? state.message.indexOf('\n') : -1;
  const sentence = end < 0 ? state.message : state.message.slice(0, end);
  return {
    ...EMPTY,
    ...words(state.code, plainText(sentence, MESSAGE_MAX), state.retry),
    more: end < 0 ? '' : plainLines(state.message.slice(end), MORE_MAX),
    layout: state.begun ? 'bar' : 'card',
    tone: 'trouble',
    code: `Code: ${state.code}`,
    action: state.retry ? RETRY : null,
  };
}

function ended(state: State & { kind: 'ended' }): View {
  const shown = words(state.code, ending(state), state.retry);
  const advice = state.retry ? 'Press Enter to start again.' : shown.advice;
  const action = state.retry ? START_AGAIN : null;
  return { ...EMPTY, ...shown, advice, layout: 'bar', tone: 'calm', action };
}

function ending({ exitStatus, exitSignal, seconds, message }: State & { kind: 'ended' }): string {
  const after = seconds ? ` after ${duration(seconds)}` : '';
  if (exitStatus !== null) {
    return `The shell exited with status ${exitStatus}${after}.`;
  }
  if (exitSignal !== null) {
    return `The shell was ended by the signal ${plainText(exitSignal, 40)}${after}.`;
  }
  const lasted = seconds ? ` The shell was open for ${duration(seconds)}.` : '';
  return plainText(message, MESSAGE_MAX) + lasted;
}
