import { describe, expect, it } from 'vitest';
import type { Closed, Code } from '../src/protocol.gen';
import { canRetry, type Event, isOpen, next, reaches, type State, takesKeys } from '../src/state';

const reached = (...events: Event[]) => events.reduce(next, { kind: 'loading' } as State);
const closed = (code: Code, more: Partial<Closed> = {}): Event => ({
  type: 'closed',
  closed: { code, message: 'A sentence.', peer: 'target', retry: false, ...more },
});
const BEGIN: Event = { type: 'begin', resuming: false };
const RESUME: Event = { type: 'begin', resuming: true };
const ATTACHED: Event = { type: 'attached' };
const STARTED: Event = { type: 'started' };
const READY: Event = { type: 'ready' };
const LOST: Event = { type: 'lost', obstacle: 'no_answer', resumable: false };
const CUT: Event = { type: 'lost', obstacle: 'no_answer', resumable: true };
const TAKEN: Event = { type: 'taken-over' };
const CONNECTED = { kind: 'connected', held: 0, endings: [] };
const AWAY = { kind: 'reconnecting', obstacle: 'no_answer', next: null, taking: false };
const UNREACHABLE: Event = { type: 'unreachable', obstacle: 'no_answer' };

describe('the way to a shell', () => {
  it('goes step by step', () => {
    expect(reached(BEGIN)).toMatchObject({ kind: 'connecting', step: 'gateway', obstacle: null });
    expect(reached(BEGIN, STARTED)).toMatchObject({ step: 'dial' });
    expect(reached(BEGIN, STARTED, { type: 'progress', step: 'auth', hop: null })).toMatchObject({
      step: 'auth',
    });
    expect(reached(BEGIN, STARTED, READY)).toEqual(CONNECTED);
  });

  it('says when the gateway does not answer, and goes on when it does', () => {
    expect(reached(BEGIN, UNREACHABLE)).toMatchObject({ kind: 'connecting', obstacle: 'no_answer' });
    expect(reached(BEGIN, UNREACHABLE, STARTED)).toMatchObject({
      step: 'dial',
      obstacle: null,
    });
  });

  it('begins again with the gateway when the socket goes before the shell is open', () => {
    const state = reached(BEGIN, STARTED, { type: 'progress', step: 'auth', hop: null }, LOST);
    expect(state).toMatchObject({
      kind: 'connecting',
      step: 'gateway',
      obstacle: 'no_answer',
      before: 'interrupted',
    });
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
    expect(reached(...broken, unknown, BEGIN, STARTED, READY)).toEqual(CONNECTED);
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

  it.each<Code>(['exited', 'signalled', 'target_closed', 'timed_out', 'max_duration'])(
    'is no failure when it had to come: %s',
    (code) => {
      expect(reached(BEGIN, READY, closed(code, { duration_s: 192, retry: true }))).toMatchObject({
        kind: 'ended',
        code,
        seconds: 192,
        retry: true,
      });
    },
  );

  it('comes with the socket where the gateway keeps no session', () => {
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

describe('a session that outlives its socket', () => {
  const open = reached(BEGIN, STARTED, READY);

  it('is reached again, and goes on', () => {
    const away = next(open, CUT);
    expect(away).toEqual(AWAY);
    expect(next(away, { type: 'waiting', next: 5 })).toEqual({ ...AWAY, next: 5 });
    expect(next(away, { type: 'unreachable', obstacle: 'offline' })).toEqual({
      ...AWAY,
      obstacle: 'offline',
    });
    expect(next(away, CUT)).toEqual(AWAY);
    expect(next(away, ATTACHED)).toEqual(CONNECTED);
  });

  it('tells what became of it while we were away', () => {
    const away = next(open, CUT);
    expect(next(away, closed('exited', { exit_status: 0 }))).toMatchObject({ kind: 'ended' });
    expect(next(away, closed('link_lost'))).toMatchObject({ kind: 'failed', begun: true });
    expect(next(away, { type: 'unknown', instead: 'failure' })).toMatchObject({
      kind: 'failed',
      code: 'session_unknown',
      begun: true,
      retry: false,
    });
    const error = { code: 'forbidden_origin', message: 'No.', peer: 'browser', retry: false } as const;
    expect(next(away, { type: 'refused', error })).toMatchObject({ kind: 'failed', begun: true });
    expect(next(open, { type: 'refused', error })).toBe(open);
  });

  it('is another page’s once that has taken it, until it is taken back', () => {
    const taken = next(open, TAKEN);
    expect(taken).toEqual({ kind: 'taken-over' });
    for (const event of [CUT, READY, ATTACHED, BEGIN, { type: 'waiting', next: 1 } as const]) {
      expect(next(taken, event)).toBe(taken);
    }
    const taking = next(taken, { type: 'take-back' });
    expect(taking).toEqual({ kind: 'reconnecting', obstacle: null, next: null, taking: true });
    expect(next(taking, ATTACHED)).toEqual(CONNECTED);
    expect(next(taken, closed('exited'))).toMatchObject({ kind: 'ended' });
    expect(next(open, { type: 'take-back' })).toBe(open);
  });

  it('is found by a page that has just begun, or is not', () => {
    expect(reached(RESUME)).toMatchObject({ kind: 'connecting', resuming: true });
    expect(reached(RESUME, ATTACHED)).toEqual(CONNECTED);
    expect(reached(RESUME, { type: 'unknown', instead: 'used' })).toEqual({ kind: 'used' });
    const again = reached(RESUME, { type: 'unknown', instead: 'ticket' }, STARTED);
    expect(again).toMatchObject({ kind: 'connecting', resuming: false, step: 'dial' });
    expect(next(again, READY)).toEqual(CONNECTED);
    expect(next(again, closed('ticket_unknown'))).toMatchObject({ kind: 'failed', code: 'session_unknown' });
    expect(next(open, { type: 'unknown', instead: 'used' })).toBe(open);
  });

  it('takes keys while it is ours, here or away', () => {
    const away = next(open, CUT);
    const taken = next(open, TAKEN);
    const taking = next(taken, { type: 'take-back' });
    expect([open, away].map(takesKeys)).toEqual([true, true]);
    expect(
      [reached(BEGIN), taken, taking, next(open, closed('exited')), next(open, LOST)].map(takesKeys),
    ).toEqual(Array(5).fill(false));
    expect([reached(BEGIN), away, taking].map(reaches)).toEqual([true, true, true]);
    expect([open, taken].map(reaches)).toEqual([false, false]);
    expect([away, taken, taking].map(isOpen)).toEqual([true, true, true]);
  });

  it('asks about keys, and forgets the question with the socket', () => {
    const asking = next(open, { type: 'held', keys: 3 });
    expect(asking).toEqual({ ...CONNECTED, held: 3 });
    expect(next(asking, { type: 'held', keys: 0 })).toEqual(CONNECTED);
    expect(next(next(asking, CUT), ATTACHED)).toEqual(CONNECTED);
    expect(next(reached(BEGIN), { type: 'held', keys: 3 })).toEqual(reached(BEGIN));
  });

  it('may end for several causes, the soonest first, and staying helps against one', () => {
    const ends = (code: Code, at: number): Event => ({ type: 'ending', ending: { code, at } });
    const warned = [ends('max_duration', 60), ends('timed_out', 50), ends('shutdown', 20)].reduce(next, open);
    expect(warned).toMatchObject({
      endings: [
        { code: 'shutdown', at: 20 },
        { code: 'timed_out', at: 50 },
        { code: 'max_duration', at: 60 },
      ],
    });
    expect(next(warned, ends('timed_out', 70))).toMatchObject({
      endings: [{ code: 'shutdown' }, { code: 'max_duration' }, { code: 'timed_out', at: 70 }],
    });
    const stayed = next(warned, { type: 'stays' });
    expect(stayed).toMatchObject({ endings: [{ code: 'shutdown' }, { code: 'max_duration' }] });
    expect(next(stayed, { type: 'stays' })).toBe(stayed);
  });
});

describe('every state under every event', () => {
  const unknown = { type: 'unknown', instead: 'failure' } as const;
  const error = { code: 'internal', message: 'No.', peer: 'gateway', retry: false } as const;
  const events: Event[] = [
    BEGIN,
    RESUME,
    UNREACHABLE,
    { type: 'waiting', next: 1 },
    STARTED,
    { type: 'progress', step: 'auth', hop: null },
    READY,
    ATTACHED,
    { type: 'held', keys: 1 },
    { type: 'ending', ending: { code: 'timed_out', at: 1 } },
    { type: 'stays' },
    { type: 'refused', error },
    closed('exited'),
    closed('connect_refused', { retry: true }),
    unknown,
    { ...unknown, instead: 'used' },
    { ...unknown, instead: 'ticket' },
    LOST,
    CUT,
    TAKEN,
    { type: 'take-back' },
    { type: 'fault', code: 'output_gap', message: 'A gap.' },
  ];
  const kinds = (states: State[]) => new Set(states.map(({ kind }) => kind));

  it('moves only where it may, and ends for good unless the ticket can be started again', () => {
    let states: State[] = [{ kind: 'loading' }];
    const ways = new Map<string, Set<string>>();
    for (let depth = 0; depth < 6; depth += 1) {
      const seen = new Map<string, State>();
      for (const state of states) {
        for (const event of events) {
          const reached = next(state, event);
          seen.set(JSON.stringify(reached), reached);
          ways.set(state.kind, (ways.get(state.kind) ?? new Set()).add(reached.kind));
        }
      }
      states = [...seen.values()];
    }
    expect(kinds(states).size).toBe(9);
    const from = (kind: string) => [...(ways.get(kind) ?? [])].sort();
    expect(from('loading')).toEqual(['connecting', 'loading']);
    expect(from('connecting')).toEqual(['connected', 'connecting', 'ended', 'failed', 'taken-over', 'used']);
    expect(from('connected')).toEqual([
      'connected',
      'disconnected',
      'ended',
      'failed',
      'reconnecting',
      'taken-over',
    ]);
    expect(from('reconnecting')).toEqual([
      'connected',
      'connecting',
      'ended',
      'failed',
      'reconnecting',
      'taken-over',
      'used',
    ]);
    expect(from('taken-over')).toEqual(['ended', 'failed', 'reconnecting', 'taken-over']);
    expect(from('ended')).toEqual(['ended']);
    expect(from('failed')).toEqual(['connecting', 'failed']);
    expect(from('used')).toEqual(['used']);
    expect(from('disconnected')).toEqual(['disconnected']);
  });
});
