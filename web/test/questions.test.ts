import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Question } from '../src/protocol.gen';
import { Questions } from '../src/questions';
import { type Event, next, type State } from '../src/state';
import { askedWords, checkCommand, fieldViews } from '../src/ui/asking';
import { view } from '../src/ui/view';

const question = (more: Partial<Question> = {}): Question => ({
  id: 1,
  kind: 'password',
  target: 'alice@host:22',
  seconds: 90,
  name: '',
  instruction: '',
  fields: [{ prompt: '', echo: false }],
  again: false,
  ...more,
});

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a question', () => {
  let state: State;
  const say = vi.fn();
  let questions: Questions;
  const on = (event: Event) => {
    state = next(state, event);
  };
  beforeEach(() => {
    say.mockClear();
    state = { kind: 'loading' };
    on({ type: 'begin', resuming: false });
    on({ type: 'started' });
    questions = new Questions(on, say);
  });

  it('stands until it is answered, once, and the answer is no part of the state', () => {
    questions.ask(question());
    expect(state).toMatchObject({ asked: { until: 1_090_000, answered: false } });
    questions.answer(state, { answers: ['hunter2'] });
    questions.answer(state, { answers: ['hunter2'] });
    expect(say).toHaveBeenCalledExactlyOnceWith({ id: 1, answers: ['hunter2'] });
    expect(state).toMatchObject({ asked: { answered: true } });
    expect(JSON.stringify([state, questions])).not.toContain('hunter2');
    vi.advanceTimersByTime(100_000);
    expect(state).toMatchObject({ asked: { answered: true } });
  });

  it('goes when its time is up, and is not answered then', () => {
    questions.ask(question());
    vi.advanceTimersByTime(89_999);
    expect(state).toMatchObject({ asked: { answered: false } });
    vi.advanceTimersByTime(1);
    expect(state).toMatchObject({ kind: 'connecting', asked: null });
    questions.answer(state, { cancel: true });
    expect(say).not.toHaveBeenCalled();
  });

  it('has its whole time, whatever was left of the one before', () => {
    questions.ask(question());
    vi.advanceTimersByTime(60_000);
    questions.ask(question({ id: 2 }));
    vi.advanceTimersByTime(89_999);
    questions.answer(state, { answers: ['x'] });
    expect(say).toHaveBeenCalledExactlyOnceWith({ id: 2, answers: ['x'] });
  });

  it.each<[string, Event, object]>([
    [
      'progress',
      { type: 'progress', step: 'shell', hop: null },
      { kind: 'connecting', step: 'shell', asked: null },
    ],
    [
      'a lost socket',
      { type: 'lost', obstacle: 'no_answer', resumable: false },
      { step: 'gateway', asked: null },
    ],
    ['an unreachable gateway', { type: 'unreachable', obstacle: 'offline' }, { asked: null }],
    ['the shell', { type: 'ready' }, { kind: 'connected' }],
    [
      'the end',
      { type: 'closed', closed: { code: 'unanswered', message: '', peer: 'browser', retry: true } },
      { kind: 'failed', code: 'unanswered', retry: true },
    ],
  ])('goes with %s', (_, event, after) => {
    questions.ask(question());
    on(event);
    expect(state).toMatchObject(after);
    questions.answer(state, { answers: ['late'] });
    expect(say).not.toHaveBeenCalled();
  });

  it('is asked only while a session is being opened', () => {
    on({ type: 'ready' });
    questions.ask(question());
    expect(state).toMatchObject({ kind: 'connected' });
  });

  it('stands on the card with its time, and waits there once it is answered', () => {
    questions.ask(question());
    expect(view(state)).toMatchObject({ layout: 'card', tone: 'asking', until: 1_090_000 });
    questions.answer(state, { answers: [''] });
    expect(view(state)).toMatchObject({ title: 'Log in as alice@host:22', message: 'Waiting for the host…' });
    expect(view(state).until).toBeUndefined();
  });
});

describe('what a question says', () => {
  it('is about its target, without what steers text', () => {
    expect(askedWords(question({ target: 'a\u202eb@h\u001b:22' }), false).title).toBe('Log in as ab@h :22');
    expect(askedWords(question({ kind: 'passphrase' }), false).message).toContain('alice@host:22');
  });

  it.each([
    ['ssh-ed25519', 'ed25519'],
    ['ecdsa-sha2-nistp521', 'ecdsa'],
    ['rsa-sha2-512', 'rsa'],
    ['ssh-rsa', 'rsa'],
    ['ssh-dss', 'dsa'],
  ])('names the file of the key: %s', (algorithm, file) => {
    expect(checkCommand(algorithm)).toBe(`ssh-keygen -lf /etc/ssh/ssh_host_${file}_key.pub`);
  });

  it('names all files for a key of another kind, and repeats nothing of it', () => {
    expect(checkCommand('x; rm -r /')).toBe('cat /etc/ssh/ssh_host_*_key.pub | ssh-keygen -lf -');
  });

  it.each([
    ['Password: ', false, 'current-password'],
    ['alice@host’s password: ', false, 'current-password'],
    ['Passwort: ', false, 'current-password'],
    ['Password: ', true, 'off'],
    ['Verification code: ', true, 'one-time-code'],
    ['One-time password (OATH) for alice: ', false, 'one-time-code'],
    ['1. Push\n2. Password\n\nPasscode or option (1-2): ', true, 'one-time-code'],
    ['Enter your password and go on\nColour: ', false, 'off'],
    ['Reason: ', true, 'off'],
  ])('fills a field with what it asks for: %j', (prompt, echo, autocomplete) => {
    const [field] = fieldViews(question({ kind: 'keyboard_interactive', fields: [{ prompt, echo }] }));
    expect(field).toMatchObject({ autocomplete, type: echo ? 'text' : 'password', label: prompt.trim() });
  });

  it('gives every field a name', () => {
    const fields = ['', '\u202e\u0007 ', 'PIN:'].map((prompt) => ({ prompt, echo: false }));
    const labels = fieldViews(question({ kind: 'keyboard_interactive', fields })).map(({ label }) => label);
    expect(labels).toEqual(['Answer 1', 'Answer 2', 'PIN:']);
  });
});
