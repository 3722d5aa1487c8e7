import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Gateway, GatewayListener } from '../src/connection';
import type { Attached, Closed, SocketError } from '../src/protocol.gen';
import { Session, STALE } from '../src/session';
import type { State } from '../src/state';

const TICKET = '6d3f7a52-3b53-4c36-9f0f-0c9f4f3f8f61';

const TOKENS = ['A', 'B', 'C', 'D'].map((letter) => letter.repeat(43));
const CONNECTED = { kind: 'connected', held: 0, endings: [] };

/** A session with a gateway that records, and a terminal that processes when it is told to. */
function opened({ kept = null as string | null, startable = true, keeps = true } = {}) {
  const states: State[] = [];
  const size = { cols: 120, rows: 40 };
  const written: string[] = [];
  const processed: (() => void)[] = [];
  const gateway = {
    joined: false as boolean,
    reach: vi.fn(),
    start: vi.fn(),
    resume: vi.fn(),
    attachedAck: vi.fn(),
    closedAck: vi.fn(),
    answer: vi.fn(),
    screenAck: vi.fn(),
    input: vi.fn(),
    resize: vi.fn(),
    outputAck: vi.fn(),
    stayConnected: vi.fn(),
    ping: vi.fn(),
    dispose: vi.fn(),
  } satisfies Gateway;
  const place = {
    token: kept,
    read: () => place.token,
    keep: (token: string) => {
      place.token = keeps ? token : null;
      return keeps;
    },
    forget: () => {
      place.token = null;
    },
  };
  const listener = {
    state: (state: State) => states.push(state),
    notice: vi.fn(),
    screenLost: vi.fn(),
    resumed: vi.fn(),
    details: vi.fn(),
    silent: vi.fn(),
  };
  let events!: GatewayListener;
  const session = new Session(
    { id: TICKET, startable },
    place,
    {
      size,
      write: (bytes, done) => {
        written.push(new TextDecoder().decode(bytes));
        processed.push(done);
      },
      restore: ({ cols, rows, snapshot }) => {
        written.push(`${cols}x${rows}:${new TextDecoder().decode(snapshot)}`);
      },
    },
    listener,
    (told) => {
      events = told;
      return gateway;
    },
  );
  /** As the connection does: asks what the page is there for, and tells that it was let in. */
  const join = () => {
    const opening = events.opening();
    if (opening !== null) {
      'start' in opening ? gateway.start(opening.start) : gateway.resume(opening.resume);
    }
    gateway.joined = true;
    events.joined();
  };
  const lose = () => {
    gateway.joined = false;
    events.lost('no_answer');
  };
  const attach = (token: string, more: Partial<Attached> = {}) =>
    events.attached({ token, offset: 0, input_offset: 0, ...more });
  /** With a screen that comes in two pieces. */
  const picture = (token: string, more: Partial<Attached>) => {
    attach(token, { ...more, screen: { cols: 80, rows: 24, length: 6 } });
    events.screen({ screen: output('SCR'), offset: 0 });
    expect(written.some((text) => text.includes('SCR'))).toBe(false);
    events.screen({ screen: output('EEN'), offset: 3 });
    expect(gateway.screenAck.mock.calls.slice(-2)).toEqual([[{ offset: 3 }], [{ offset: 6 }]]);
  };
  const ready = () => {
    join();
    events.ready({ ready: true });
  };
  /** With a token, so that it outlives its socket. */
  const begun = () => {
    join();
    attach(TOKENS[0] ?? '');
    events.ready({ ready: true });
  };
  return {
    session,
    gateway,
    events,
    size,
    place,
    states,
    written,
    processed,
    listener,
    notice: listener.notice,
    join,
    lose,
    attach,
    picture,
    ready,
    begun,
  };
}

type Opened = ReturnType<typeof opened>;
const output = (text: string) => new TextEncoder().encode(text).buffer;
const failure = { code: 'connect_refused', message: 'Refused.', peer: 'target', retry: true } as const;

const closed = (code: Closed['code'], more: Partial<Closed> = {}): Closed => ({
  code,
  message: '',
  peer: 'target',
  retry: false,
  ...more,
});
const UNKNOWN = closed('session_unknown', { peer: 'browser' });

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a session', () => {
  let s: Opened;
  beforeEach(() => {
    s = opened();
  });

  it('asks for the gateway at once, and again until it is there', () => {
    expect(s.gateway.reach).toHaveBeenCalledTimes(1);
    s.events.unreachable('no_answer');
    expect(s.states.at(-1)).toMatchObject({
      kind: 'connecting',
      obstacle: 'no_answer',
      next: expect.any(Number),
    });
    vi.advanceTimersByTime(250);
    expect(s.gateway.reach).toHaveBeenCalledTimes(2);
    s.join();
    vi.advanceTimersByTime(60_000);
    expect(s.gateway.reach).toHaveBeenCalledTimes(2);
  });

  it('starts with its ticket and the size of the terminal', () => {
    s.join();
    expect(s.gateway.start).toHaveBeenCalledExactlyOnceWith({
      create_session_id: TICKET,
      cols: 120,
      rows: 40,
    });
  });

  it('starts again when the gateway comes back before the shell was open', () => {
    s.join();
    s.lose();
    s.join();
    expect(s.gateway.start).toHaveBeenCalledTimes(2);
  });

  it('keeps its socket for another try when its own broken attempt still holds the ticket', () => {
    s.join();
    s.lose();
    s.join();
    s.events.closed({ code: 'ticket_unknown', message: 'Used.', peer: 'browser', retry: false });
    expect(s.states.at(-1)).toMatchObject({ code: 'interrupted', retry: true });
    expect(s.gateway.dispose).not.toHaveBeenCalled();
    s.session.retry();
    expect(s.gateway.start).toHaveBeenCalledTimes(3);
    expect(s.states.at(-1)).toMatchObject({ kind: 'connecting', step: 'dial' });
  });

  it('takes no keys until the shell is open, and none after the end', () => {
    s.session.input('early');
    s.ready();
    s.session.input('key');
    s.events.closed({ code: 'exited', message: '', peer: 'target', retry: false, exit_status: 0 });
    s.session.input('late');
    expect(s.gateway.input.mock.calls).toEqual([['key', 0]]);
  });

  it('acknowledges what the terminal has processed, not what has come', () => {
    s.ready();
    s.events.output({ output: output('x'.repeat(40_000)), offset: 0 });
    vi.advanceTimersByTime(1_000);
    expect(s.gateway.outputAck).not.toHaveBeenCalled();
    s.processed[0]?.();
    expect(s.gateway.outputAck).toHaveBeenCalledExactlyOnceWith({ offset: 40_000 });
  });

  it('ends, and writes nothing more, when output is missing', () => {
    s.ready();
    s.events.output({ output: output('abc'), offset: 0 });
    s.events.output({ output: output('xyz'), offset: 4 });
    expect(s.written).toHaveLength(1);
    expect(s.states.at(-1)).toMatchObject({ kind: 'failed', code: 'output_gap' });
    expect(s.gateway.dispose).toHaveBeenCalled();
  });

  it('offers another try on the same socket, with offsets from zero', () => {
    s.join();
    s.events.closed(failure);
    expect(s.gateway.dispose).not.toHaveBeenCalled();
    expect(s.gateway.start).toHaveBeenCalledTimes(1);
    s.session.retry();
    expect(s.gateway.start).toHaveBeenCalledTimes(2);
    s.events.ready({ ready: true });
    s.events.output({ output: output('$ '), offset: 0 });
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });

  it('waits for the gateway when another try finds it away', () => {
    s.join();
    s.events.closed(failure);
    s.gateway.joined = false;
    s.session.retry();
    expect(s.gateway.start).toHaveBeenCalledTimes(1);
    expect(s.gateway.reach).toHaveBeenCalledTimes(2);
    s.join();
    expect(s.gateway.start).toHaveBeenCalledTimes(2);
  });

  it('closes its socket at the end', () => {
    s.ready();
    s.events.closed({ code: 'exited', message: '', peer: 'target', retry: false, exit_status: 3 });
    expect(s.gateway.closedAck).toHaveBeenCalledTimes(1);
    expect(s.states.at(-1)).toMatchObject({ kind: 'ended', exitStatus: 3 });
    expect(s.gateway.dispose).toHaveBeenCalled();
  });

  it('is over with its socket where the gateway keeps none', () => {
    s.ready();
    s.lose();
    expect(s.states.at(-1)).toEqual({ kind: 'disconnected' });
    expect(s.gateway.dispose).toHaveBeenCalled();
  });

  it('tells a refused event in passing and goes on', () => {
    s.ready();
    s.events.refused({ code: 'invalid_payload', message: 'Bad size.', peer: 'browser', retry: false });
    expect(s.notice).toHaveBeenCalledWith('Bad size.');
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });

  it('is asked for together with being let in, once, and again by an event where it was not', () => {
    const { events, gateway } = s;
    expect(events.opening()).toEqual({ start: { create_session_id: TICKET, cols: 120, rows: 40 } });
    gateway.joined = true;
    events.joined();
    expect(gateway.start).not.toHaveBeenCalled();
    expect(gateway.resize).not.toHaveBeenCalled();
    events.attached({ token: TOKENS[0] ?? '', offset: 0, input_offset: 0 });
    events.ready({ ready: true });
    s.lose();
    expect(events.opening()).toEqual({ resume: { token: TOKENS[0], have: 0 } });
    gateway.joined = true;
    events.joined();
    expect(gateway.resume).not.toHaveBeenCalled();
    events.takenOver({ token: TOKENS[1] ?? '' });
    expect(events.opening()).toBeNull();
    s.session.takeBack();
    expect(gateway.resume).toHaveBeenCalledExactlyOnceWith({ token: TOKENS[1], have: 0 });
  });

  it('tells the size that the terminal got while the page was let in', () => {
    s.events.opening();
    s.size.cols = 100;
    s.gateway.joined = true;
    s.events.joined();
    expect(s.gateway.resize.mock.calls).toEqual([[{ cols: 100, rows: 40 }]]);
  });

  it('tells a new size while it is opened and while it is open', () => {
    s.ready();
    s.session.resize({ cols: 80, rows: 24 });
    s.lose();
    s.session.resize({ cols: 2, rows: 2 });
    expect(s.gateway.resize.mock.calls).toEqual([[{ cols: 80, rows: 24 }]]);
  });

  it('says so when the gateway sends it away, and does not come back before there was a session', () => {
    s.join();
    const error: SocketError = { code: 'internal', message: 'Away.', peer: 'gateway', retry: false };
    s.events.sentAway(error);
    expect(s.states.at(-1)).toMatchObject({ kind: 'failed', code: 'internal' });
    expect(s.gateway.dispose).toHaveBeenCalled();
  });
});

describe('a session that outlives its socket', () => {
  let s: Opened;
  beforeEach(() => {
    s = opened();
    s.begun();
    s.events.output({ output: output('$ '), offset: 0 });
  });

  it('keeps its token before it says so', () => {
    expect(s.place.token).toBe(TOKENS[0]);
    expect(s.gateway.attachedAck).toHaveBeenCalledTimes(1);
    expect(s.session.endsWithPage).toBe(false);
  });

  it('warns before the page is left where the token cannot be kept over a reload', () => {
    const refused = opened({ keeps: false });
    refused.begun();
    expect(refused.session.endsWithPage).toBe(true);
    refused.lose();
    expect(refused.session.endsWithPage).toBe(false);
    expect(refused.states.at(-1)).toMatchObject({ kind: 'reconnecting' });
  });

  it('comes back where it was, sends again what did not arrive, and tells its size', () => {
    s.session.input('ab');
    s.lose();
    s.session.input('c');
    expect(s.gateway.input).toHaveBeenCalledTimes(1);
    s.join();
    expect(s.gateway.resume).toHaveBeenCalledExactlyOnceWith({ token: TOKENS[0], have: 2 });
    s.gateway.resize.mockClear();
    s.attach(TOKENS[1] ?? '', { offset: 2, input_offset: 1 });
    expect(s.gateway.input.mock.calls.slice(1)).toEqual([
      [new TextEncoder().encode('b'), 1],
      ['c', 2],
    ]);
    expect(s.gateway.resize).toHaveBeenCalledExactlyOnceWith({ cols: 120, rows: 40 });
    expect(s.place.token).toBe(TOKENS[1]);
    expect(s.gateway.attachedAck).toHaveBeenCalledTimes(2);
    expect(s.listener.resumed).toHaveBeenCalledTimes(1);
    expect(s.states.at(-1)).toEqual(CONNECTED);
    s.events.output({ output: output('more'), offset: 2 });
    expect(s.written).toEqual(['$ ', 'more']);
  });

  it('shows the picture that it gets, and goes on behind it', () => {
    s.lose();
    s.join();
    s.picture(TOKENS[1] ?? '', { offset: 5_000 });
    s.events.output({ output: output('rest'), offset: 5_000 });
    expect(s.written).toEqual(['$ ', '80x24:SCREEN', 'rest']);
    s.processed.at(0)?.();
    vi.runOnlyPendingTimers();
    expect(s.gateway.outputAck).not.toHaveBeenCalled();
    s.processed.at(1)?.();
    vi.advanceTimersByTime(100);
    expect(s.gateway.outputAck).toHaveBeenCalledExactlyOnceWith({ offset: 5_004 });
  });

  it('shows nothing of a picture that is cut, and asks for another with what it has', () => {
    s.lose();
    s.join();
    s.attach(TOKENS[1] ?? '', { offset: 5_000, screen: { cols: 80, rows: 24, length: 6 } });
    s.events.screen({ screen: output('SCR'), offset: 0 });
    s.lose();
    expect(s.states.at(-1)).toMatchObject({ kind: 'reconnecting' });
    s.join();
    expect(s.gateway.resume).toHaveBeenLastCalledWith({ token: TOKENS[1], have: 2 });
    s.picture(TOKENS[2] ?? '', { offset: 6_000 });
    s.events.output({ output: output('rest'), offset: 6_000 });
    expect(s.written).toEqual(['$ ', '80x24:SCREEN', 'rest']);
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });

  it.each([
    ['a hole', 4, 'EN'],
    ['a repetition', 0, 'SCR'],
    ['more than was announced', 3, 'EENS'],
  ])('takes no picture with %s', (_, offset, piece) => {
    s.lose();
    s.join();
    s.attach(TOKENS[1] ?? '', { offset: 5_000, screen: { cols: 80, rows: 24, length: 6 } });
    s.events.screen({ screen: output('SCR'), offset: 0 });
    s.events.screen({ screen: output(piece), offset });
    expect(s.states.at(-1)).toMatchObject({ code: 'output_gap' });
    expect(s.written).toEqual(['$ ']);
  });

  it('leaves what is on the screen when the gateway has lost the picture, and says so', () => {
    s.lose();
    s.join();
    s.attach(TOKENS[1] ?? '', { offset: 900, screen: { cols: 80, rows: 24, length: 0 } });
    const error: SocketError = { code: 'screen_lost', message: 'Lost.', peer: 'gateway', retry: false };
    s.events.refused(error);
    expect(s.written).toEqual(['$ ']);
    expect(s.listener.screenLost).toHaveBeenCalledExactlyOnceWith('Lost.');
    s.events.output({ output: output('x'), offset: 900 });
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });

  it('does not go on with a hole: the output’s', () => {
    s.lose();
    s.join();
    s.attach(TOKENS[1] ?? '', { offset: 3 });
    expect(s.states.at(-1)).toMatchObject({ kind: 'failed', code: 'output_gap', begun: true });
    expect(s.place.token).toBe(TOKENS[1]);
  });

  it('does not go on with a hole: the input’s', () => {
    s.session.input('abc');
    s.events.inputAck({ offset: 3 });
    s.lose();
    s.join();
    s.attach(TOKENS[1] ?? '', { offset: 2, input_offset: 2 });
    expect(s.states.at(-1)).toMatchObject({ kind: 'failed', code: 'input_gap', begun: true });
  });

  it('does not go on when the gateway misses input', () => {
    s.events.refused({ code: 'input_gap', message: 'Gap.', peer: 'browser', retry: false });
    expect(s.states.at(-1)).toMatchObject({ kind: 'failed', code: 'input_gap', message: 'Gap.' });
    expect(s.place.token).toBe(TOKENS[0]);
  });

  it('says what became of it when it is over', () => {
    s.lose();
    s.join();
    s.events.closed(UNKNOWN);
    expect(s.states.at(-1)).toMatchObject({ kind: 'failed', code: 'session_unknown', begun: true });
    expect(s.place.token).toBeNull();
    expect(s.gateway.start).toHaveBeenCalledTimes(1);
  });

  it('forgets its token with its end', () => {
    s.events.closed(closed('exited', { exit_status: 0, duration_s: 5 }));
    expect(s.place.token).toBeNull();
    expect(s.states.at(-1)).toMatchObject({ kind: 'ended', seconds: 5 });
  });

  it('comes back when the gateway sends it away, less and less often while that helps nothing', () => {
    const error: SocketError = { code: 'internal', message: 'Away.', peer: 'gateway', retry: false };
    s.gateway.joined = false;
    s.events.sentAway(error);
    expect(s.states.at(-1)).toMatchObject({ kind: 'reconnecting' });
    const waits: number[] = [];
    vi.spyOn(Math, 'random').mockReturnValue(0);
    for (let n = 0; n < 3; n += 1) {
      vi.advanceTimersByTime(5_000);
      s.join();
      s.events.sentAway(error);
      const state = s.states.at(-1);
      waits.push(state?.kind === 'reconnecting' ? (state.next ?? 0) - Date.now() : 0);
    }
    expect(waits).toEqual([500, 1_000, 2_000]);
    vi.restoreAllMocks();
  });

  it('is given up and reached anew when nothing answers any more', () => {
    s.gateway.ping.mock.lastCall?.[0]();
    s.events.heard();
    vi.advanceTimersByTime(2_000);
    s.session.input('x');
    vi.advanceTimersByTime(4_000);
    expect(s.listener.silent).toHaveBeenCalledExactlyOnceWith(expect.any(Number));
    expect(s.states.at(-1)).toEqual(CONNECTED);
    s.gateway.reach.mockClear();
    vi.advanceTimersByTime(4_500);
    expect(s.states.at(-1)).toMatchObject({ kind: 'reconnecting' });
    expect(s.listener.silent).toHaveBeenLastCalledWith(null);
    expect(s.gateway.reach).toHaveBeenCalledTimes(1);
  });

  it('is tried at once when the user is back, and only while it is away', () => {
    s.session.wake();
    expect(s.gateway.reach).toHaveBeenCalledTimes(1);
    s.lose();
    s.session.wake();
    expect(s.gateway.reach).toHaveBeenCalledTimes(2);
  });

  it('does not keep where the pointer is and whether the page has the focus', () => {
    s.lose();
    s.session.input('\u001b[O');
    s.session.input('\u001b[<0;1;1M');
    s.session.input('k');
    s.join();
    s.attach(TOKENS[1] ?? '', { offset: 2 });
    expect(s.gateway.input.mock.calls).toEqual([['k', 0]]);
  });

  it('says when no more can be kept', () => {
    s.lose();
    s.session.input('x'.repeat(16 * 1024 * 1024));
    expect(s.notice).not.toHaveBeenCalled();
    s.session.input('y');
    expect(s.notice).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('nothing of that was taken'));
  });
});

describe('keys typed long ago', () => {
  let s: Opened;
  beforeEach(() => {
    s = opened();
    s.begun();
  });

  function comeBack(milliseconds: number) {
    vi.setSystemTime(Date.now() + milliseconds);
    s.join();
    s.attach(TOKENS[1] ?? '');
  }

  it('are sent unasked after a short time', () => {
    s.lose();
    s.session.input('ls\r');
    comeBack(STALE);
    expect(s.gateway.input.mock.calls).toEqual([['ls\r', 0]]);
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });

  it('wait for a decision after a long time, and what is typed then waits behind', () => {
    s.lose();
    s.session.input('ls\r');
    comeBack(STALE + 1);
    expect(s.states.at(-1)).toEqual({ ...CONNECTED, held: 3 });
    expect(s.session.heldKeys).toEqual(['l', 's', '⏎']);
    s.session.input('x');
    expect(s.gateway.input).not.toHaveBeenCalled();
    s.session.sendHeld();
    expect(s.gateway.input.mock.calls).toEqual([
      ['ls\r', 0],
      ['x', 3],
    ]);
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });

  it('are dropped when the user says so', () => {
    s.lose();
    s.session.input('rm\r');
    comeBack(STALE + 1);
    s.session.input('x');
    s.session.discardHeld();
    expect(s.gateway.input.mock.calls).toEqual([['x', 0]]);
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });

  it('are held also when the socket was lost only just now: they were sent into nothing', () => {
    s.session.input('x');
    vi.setSystemTime(Date.now() + STALE + 1);
    s.lose();
    comeBack(100);
    expect(s.states.at(-1)).toEqual({ ...CONNECTED, held: 1 });
  });

  it('are none when all had arrived, or when the terminal alone has answered', () => {
    s.session.input('x');
    s.lose();
    s.session.input('\u001b[1;1R');
    vi.setSystemTime(Date.now() + STALE + 1);
    s.join();
    s.attach(TOKENS[1] ?? '', { input_offset: 1 });
    expect(s.states.at(-1)).toEqual(CONNECTED);
    expect(s.gateway.input.mock.calls.slice(1)).toEqual([['\u001b[1;1R', 1]]);
  });

  it('stay held over another break', () => {
    s.lose();
    s.session.input('a');
    comeBack(STALE + 1);
    s.lose();
    s.join();
    s.attach(TOKENS[2] ?? '');
    expect(s.states.at(-1)).toEqual({ ...CONNECTED, held: 1 });
    expect(s.gateway.input).not.toHaveBeenCalled();
  });
});

describe('a session on two pages', () => {
  it('is the other’s until it is taken back, and what was typed here before is dropped', () => {
    const s = opened();
    s.begun();
    s.session.input('ab');
    s.events.takenOver({ token: TOKENS[1] ?? '' });
    expect(s.states.at(-1)).toEqual({ kind: 'taken-over' });
    expect(s.place.token).toBe(TOKENS[1]);
    s.session.input('ignored');
    s.session.takeBack();
    expect(s.gateway.resume).toHaveBeenCalledExactlyOnceWith({ token: TOKENS[1], have: 0 });
    s.attach(TOKENS[2] ?? '', { input_offset: 9 });
    expect(s.states.at(-1)).toEqual(CONNECTED);
    s.session.input('c');
    expect(s.gateway.input.mock.calls).toEqual([
      ['ab', 0],
      ['c', 9],
    ]);
  });

  it('does not come back by itself when its socket goes', () => {
    const s = opened();
    s.begun();
    s.events.takenOver({ token: TOKENS[1] ?? '' });
    s.lose();
    vi.advanceTimersByTime(60_000);
    expect(s.gateway.reach).toHaveBeenCalledTimes(1);
    s.session.takeBack();
    expect(s.gateway.reach).toHaveBeenCalledTimes(2);
    s.join();
    expect(s.gateway.resume).toHaveBeenCalledExactlyOnceWith({ token: TOKENS[1], have: 0 });
  });
});

describe('a page that has just begun', () => {
  it('finds its session, and gets the whole picture', () => {
    const s = opened({ kept: TOKENS[0] ?? '', startable: false });
    expect(s.states.at(-1)).toMatchObject({ kind: 'connecting', resuming: true });
    s.join();
    expect(s.gateway.resume).toHaveBeenCalledExactlyOnceWith({ token: TOKENS[0] });
    s.picture(TOKENS[1] ?? '', { offset: 700, input_offset: 30 });
    s.session.input('x');
    expect(s.written).toEqual(['80x24:SCREEN']);
    expect(s.gateway.input.mock.calls).toEqual([['x', 30]]);
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });

  it('says that the link was used when there is no session', () => {
    const s = opened({ kept: TOKENS[0] ?? '', startable: false });
    s.join();
    s.events.closed(UNKNOWN);
    expect(s.states.at(-1)).toEqual({ kind: 'used' });
    expect(s.place.token).toBeNull();
    expect(s.gateway.dispose).toHaveBeenCalled();
  });

  it('starts a ticket that is free again', () => {
    const s = opened({ kept: TOKENS[0] ?? '' });
    s.join();
    s.events.closed(UNKNOWN);
    expect(s.gateway.start).toHaveBeenCalledTimes(1);
    s.attach(TOKENS[1] ?? '');
    s.events.ready({ ready: true });
    s.session.input('x');
    expect(s.gateway.input.mock.calls).toEqual([['x', 0]]);
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });

  it('is led back by its ticket to a session whose token had not arrived', () => {
    const s = opened();
    s.join();
    s.picture(TOKENS[0] ?? '', { offset: 50 });
    s.events.ready({ ready: true });
    s.events.output({ output: output('x'), offset: 50 });
    expect(s.written).toEqual(['80x24:SCREEN', 'x']);
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });

  it('comes back with the token when the socket goes before the shell is ready', () => {
    const s = opened();
    s.join();
    s.attach(TOKENS[0] ?? '');
    s.lose();
    s.join();
    expect(s.gateway.resume).toHaveBeenCalledExactlyOnceWith({ token: TOKENS[0], have: 0 });
    s.attach(TOKENS[1] ?? '');
    expect(s.states.at(-1)).toEqual(CONNECTED);
  });
});

describe('a session that will end', () => {
  it('tells when, and any key keeps an idle one, also a key that has to wait', () => {
    const s = opened();
    s.begun();
    s.events.warned({ code: 'timed_out', seconds: 60 });
    expect(s.states.at(-1)).toMatchObject({ endings: [{ code: 'timed_out', at: Date.now() + 60_000 }] });
    s.session.input('x');
    expect(s.gateway.stayConnected).toHaveBeenCalledTimes(1);
    expect(s.states.at(-1)).toEqual(CONNECTED);
    s.events.warned({ code: 'shutdown', seconds: 30 });
    s.session.input('y');
    expect(s.gateway.stayConnected).toHaveBeenCalledTimes(1);
    expect(s.states.at(-1)).toMatchObject({ endings: [{ code: 'shutdown' }] });
  });
});
