import { describe, expect, it } from 'vitest';
import type { Closed, Code } from '../src/protocol.gen';
import { canRetry, type Event, isOpen, next, type State } from '../src/state';

const reached = (...events: Event[]) => events.reduce(next, { kind: 'loading' } as State);
const closed = (code: Code, more: Partial<Closed> = {}): Event => ({
  type: 'closed',
  closed: { code, message: 'A sentence.', peer: 'target', retry: false, ...more },
});
const BEGIN: Event = { type: 'begin' };
const STARTED: Event = { type: 'started' };
const READY: Event = { type: 'ready' };
const LOST: Event = { type: 'lost' };
const UNREACHABLE: Event = { type: 'unreachable', obstacle: 'no_answer' };

describe('the way to a shell', () => {
  it('goes step by step', () => {
    expect(reached(BEGIN)).toMatchObject({ kind: 'connecting', step: 'gateway', obstacle: null });
    expect(reached(BEGIN, STARTED)).toMatchObject({ step: 'dial' });
    expect(reached(BEGIN, STARTED, { type: 'progress', step: 'auth' })).toMatchObject({ step: 'auth' });
    expect(reached(BEGIN, STARTED, READY)).toEqual({ kind: 'connected' });
  });

  it('says when the gateway does not answer, and goes on when it does', () => {
    expect(reached(BEGIN, UNREACHABLE)).toMatchObject({ kind: 'connecting', obstacle: 'no_answer' });
    expect(reached(BEGIN, UNREACHABLE, STARTED)).toMatchObject({
      step: 'dial',
      obstacle: null,
    });
  });

  it('begins again with the gateway when the socket goes before the shell is open', () => {
    const state = reached(BEGIN, STARTED, { type: 'progress', step: 'auth' }, LOST);
    expect(state).toEqual({ kind: 'connecting', step: 'gateway', obstacle: 'no_answer', interrupted: true });
  });

  it('fails when the gateway refuses the start', () => {
    const error = { code: 'ticket_unknown', message: 'No.', peer: 'browser', retry: false } as const;
    expect(reached(BEGIN, STARTED, { type: 'refused', error })).toMatchObject({
      kind: 'failed',
      code: 'ticket_unknown',
    });
  });
});

describe('a ticket that the gateway does not know', () => {
  const unknown = closed('ticket_unknown', { peer: 'browser' });
  const broken = [BEGIN, STARTED, LOST, UNREACHABLE, STARTED] satisfies Event[];

  it('is gone when no attempt broke off', () => {
    expect(reached(BEGIN, UNREACHABLE, STARTED, unknown)).toMatchObject({
      code: 'ticket_unknown',
      retry: false,
    });
  });

  it('may be with our own attempt that broke off, and is worth another try', () => {
    const state = reached(...broken, unknown);
    expect(state).toMatchObject({ kind: 'failed', code: 'interrupted', retry: true });
    expect(state).toHaveProperty(
      'message',
      'The connection broke while the session was being opened. Try again in a moment.',
    );
  });

  it('may still be with it at the next try', () => {
    expect(reached(...broken, unknown, BEGIN, STARTED, unknown)).toMatchObject({ code: 'interrupted' });
    expect(reached(...broken, unknown, BEGIN, STARTED, READY)).toEqual({ kind: 'connected' });
  });

  it('changes nothing about other refusals', () => {
    const error = { code: 'internal', message: 'No.', peer: 'gateway', retry: false } as const;
    expect(reached(...broken, { type: 'refused', error })).toMatchObject({ code: 'internal', retry: false });
  });
});

describe('the end', () => {
  it('keeps the exit status, zero as well', () => {
    expect(reached(BEGIN, STARTED, READY, closed('exited', { exit_status: 0 }))).toMatchObject({
      kind: 'ended',
      exitStatus: 0,
      exitSignal: null,
    });
  });

  it('keeps the exit signal', () => {
    expect(reached(BEGIN, READY, closed('signalled', { exit_signal: 'KILL' }))).toMatchObject({
      exitSignal: 'KILL',
    });
  });

  it.each<Code>(['link_lost', 'shutdown', 'internal', 'browser_stalled', 'input_overflow'])(
    'is a failure with its output kept: %s',
    (code) => {
      expect(reached(BEGIN, STARTED, READY, closed(code))).toMatchObject({
        kind: 'failed',
        code,
        begun: true,
      });
    },
  );

  it('comes with the socket once the shell was open', () => {
    expect(reached(BEGIN, STARTED, READY, LOST)).toEqual({ kind: 'disconnected' });
  });

  it('stays what it was, whatever comes later', () => {
    const ended = reached(BEGIN, STARTED, READY, closed('exited', { exit_status: 7 }));
    const fault = { type: 'fault', code: 'output_gap', message: 'A gap.' } as const;
    for (const event of [BEGIN, STARTED, READY, LOST, closed('internal'), UNREACHABLE, fault]) {
      expect(next(ended, event)).toBe(ended);
    }
  });

  it('is a fault of the page when output is missing', () => {
    const fault = { type: 'fault', code: 'output_gap', message: 'A gap.' } as const;
    expect(reached(BEGIN, STARTED, READY, fault)).toMatchObject({
      kind: 'failed',
      code: 'output_gap',
      begun: true,
    });
  });
});

describe('another try', () => {
  const failed = reached(BEGIN, STARTED, closed('connect_refused', { retry: true }));

  it('is offered where the gateway says so', () => {
    expect(canRetry(failed)).toBe(true);
    expect(isOpen(failed)).toBe(false);
    expect(canRetry(reached(BEGIN, STARTED, closed('auth_failed')))).toBe(false);
  });

  it('begins from the front', () => {
    expect(next(failed, BEGIN)).toEqual(reached(BEGIN));
  });

  it('does not begin by itself', () => {
    expect(next(next(failed, LOST), READY)).toBe(failed);
  });
});
