/** What the overlay says in each state. Pure, so that every sentence can be tested. */
import { ADVICE, type Advice, NEW_LINK } from '../advice';
import type { FailureCode, Obstacle, State } from '../state';
import { plainText } from '../text';

type StepName = (State & { kind: 'connecting' })['step'];

export type Tone = 'busy' | 'calm' | 'trouble';

export interface View {
  /**
   * A card stands over an empty terminal; a bar stands below one that has something to read;
   * hidden is for screen readers alone.
   */
  layout: 'card' | 'bar' | 'hidden';
  tone: Tone;
  step: StepName | null;
  title: string;
  message: string;
  advice: string;
  code: string;
  retry: boolean;
}

const MESSAGE_MAX = 400;

const STEP_MESSAGE: Record<StepName, string> = {
  gateway: 'Reaching the gateway…',
  dial: 'Looking for the host…',
  handshake: 'Checking the host and agreeing on encryption…',
  auth: 'Logging in…',
  shell: 'Opening the shell…',
};

const NO_ANSWER: Advice = {
  title: 'The gateway does not answer',
  advice: 'Check that you are online, and that no proxy or filter stands in the way.',
};

const EMPTY = { step: null, message: '', advice: '', code: '', retry: false };

export function view(state: State): View {
  switch (state.kind) {
    case 'loading':
      return { ...EMPTY, layout: 'card', tone: 'busy', title: 'Loading the terminal…' };
    case 'connecting':
      return connecting(state.step, state.obstacle);
    case 'connected':
      return { ...EMPTY, layout: 'hidden', tone: 'calm', title: 'Connected' };
    case 'ended':
      return {
        ...EMPTY,
        ...words(state.code, ending(state), false),
        layout: 'bar',
        tone: 'calm',
      };
    case 'failed':
      return {
        ...EMPTY,
        ...words(state.code, plainText(state.message, MESSAGE_MAX), state.retry),
        layout: state.begun ? 'bar' : 'card',
        tone: 'trouble',
        code: `Code: ${state.code}`,
        retry: state.retry,
      };
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

function connecting(step: StepName, obstacle: Obstacle | null): View {
  if (obstacle !== null) {
    const { title, advice } = obstacle === 'no_answer' ? NO_ANSWER : ADVICE[obstacle];
    const message = 'This page keeps trying, and goes on by itself as soon as it can.';
    return { ...EMPTY, layout: 'card', tone: 'trouble', title, message, advice };
  }
  return { ...EMPTY, layout: 'card', tone: 'busy', step, title: 'Connecting', message: STEP_MESSAGE[step] };
}

function ending(state: State & { kind: 'ended' }): string {
  if (state.exitStatus !== null) {
    return `The shell exited with status ${state.exitStatus}.`;
  }
  if (state.exitSignal !== null) {
    return `The shell was ended by the signal ${plainText(state.exitSignal, 40)}.`;
  }
  return plainText(state.message, MESSAGE_MAX);
}
