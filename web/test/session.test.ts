import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Gateway, GatewayListener } from '../src/connection';
import { Session } from '../src/session';
import type { State } from '../src/state';

const TICKET = '6d3f7a52-3b53-4c36-9f0f-0c9f4f3f8f61';

/** A session with a gateway that records, and a terminal that processes when it is told to. */
function opened() {
  const states: State[] = [];
  const written: Uint8Array[] = [];
  const processed: (() => void)[] = [];
  const gateway = {
    joined: false as boolean,
    start: vi.fn(),
    input: vi.fn(),
    resize: vi.fn(),
    outputAck: vi.fn(),
    dispose: vi.fn(),
  } satisfies Gateway;
  const notice = vi.fn();
  let events!: GatewayListener;
  const session = new Session(
    TICKET,
    {
      size: { cols: 120, rows: 40 },
      write: (bytes, done) => {
        written.push(bytes);
        processed.push(done);
      },
    },
    { state: (state) => states.push(state), notice },
    (listener) => {
      events = listener;
      return gateway;
    },
  );
  const join = () => {
    gateway.joined = true;
    events.joined();
  };
  const ready = () => {
    join();
    events.ready({ ready: true });
  };
  return { session, gateway, events, states, written, processed, notice, join, ready };
}

type Opened = ReturnType<typeof opened>;
const output = (text: string) => new TextEncoder().encode(text).buffer;
const failure = { code: 'connect_refused', message: 'Refused.', peer: 'target', retry: true } as const;

describe('a session', () => {
  let s: Opened;
  beforeEach(() => {
    s = opened();
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
    s.events.lost();
    s.join();
    expect(s.gateway.start).toHaveBeenCalledTimes(2);
  });

  it('keeps its socket for another try when its own broken attempt still holds the ticket', () => {
    s.join();
    s.events.lost();
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
    expect(s.gateway.input.mock.calls).toEqual([['key']]);
  });

  it('acknowledges what the terminal has processed, not what has come', () => {
    vi.useFakeTimers();
    s.ready();
    s.events.output({ output: output('x'.repeat(40_000)), offset: 0 });
    vi.runAllTimers();
    expect(s.gateway.outputAck).not.toHaveBeenCalled();
    s.processed[0]?.();
    expect(s.gateway.outputAck).toHaveBeenCalledExactlyOnceWith({ offset: 40_000 });
    vi.useRealTimers();
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
    expect(s.states.at(-1)).toEqual({ kind: 'connected' });
  });

  it('waits for the gateway when another try finds it away', () => {
    s.join();
    s.events.closed(failure);
    s.gateway.joined = false;
    s.session.retry();
    expect(s.gateway.start).toHaveBeenCalledTimes(1);
    s.join();
    expect(s.gateway.start).toHaveBeenCalledTimes(2);
  });

  it('closes its socket at the end', () => {
    s.ready();
    s.events.closed({ code: 'exited', message: '', peer: 'target', retry: false, exit_status: 3 });
    expect(s.states.at(-1)).toMatchObject({ kind: 'ended', exitStatus: 3 });
    expect(s.gateway.dispose).toHaveBeenCalled();
  });

  it('is over when the socket goes', () => {
    s.ready();
    s.events.lost();
    expect(s.states.at(-1)).toEqual({ kind: 'disconnected' });
    expect(s.gateway.dispose).toHaveBeenCalled();
  });

  it('tells a refused event in passing and goes on', () => {
    s.ready();
    s.events.refused({ code: 'invalid_payload', message: 'Bad size.', peer: 'browser', retry: false });
    expect(s.notice).toHaveBeenCalledWith('Bad size.');
    expect(s.states.at(-1)).toEqual({ kind: 'connected' });
  });

  it('tells a new size only while there is somebody to tell', () => {
    s.session.resize({ cols: 1, rows: 1 });
    s.ready();
    s.session.resize({ cols: 80, rows: 24 });
    s.events.lost();
    s.session.resize({ cols: 2, rows: 2 });
    expect(s.gateway.resize.mock.calls).toEqual([[{ cols: 80, rows: 24 }]]);
  });
});
