import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openEarly, takeEarly } from '../src/early';

class FakeSocket {
  static readonly OPEN = 1;
  static made: FakeSocket[] = [];
  readyState = 0;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((message: MessageEvent) => void) | null = null;

  constructor(readonly address: URL) {
    FakeSocket.made.push(this);
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.(new Event('open'));
  }

  say(data: string): void {
    this.onmessage?.(new MessageEvent('message', { data }));
  }
}

/** The socket of a page at this address, as its first script opens it. */
function opened(href = 'https://gateway.example/8d2'): FakeSocket {
  vi.stubGlobal('location', new URL(href));
  openEarly();
  const [socket] = FakeSocket.made;
  if (socket === undefined) {
    throw new Error('no socket');
  }
  return socket;
}

/** All that whoever takes it hears from now on. */
function taken(): string[] {
  const heard: string[] = [];
  const socket = takeEarly();
  if (socket !== null) {
    socket.onopen = () => heard.push('open');
    socket.onmessage = ({ data }) => heard.push(String(data));
  }
  return heard;
}

describe('early', () => {
  beforeEach(() => {
    FakeSocket.made = [];
    vi.stubGlobal('window', {});
    vi.stubGlobal('WebSocket', FakeSocket);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('goes where Socket.IO would go', () => {
    const path = '/socket.io/?EIO=4&transport=websocket';
    expect(opened().address.href).toBe(`wss://gateway.example${path}`);
    FakeSocket.made = [];
    expect(opened('http://127.0.0.1:5000/?connection=8d2').address.href).toBe(`ws://127.0.0.1:5000${path}`);
  });

  it('is heard from its beginning, whenever it is taken', async () => {
    const socket = opened();
    socket.open();
    socket.say('0');
    socket.say('2');
    const heard = taken();
    expect(heard).toEqual([]);
    await Promise.resolve();
    socket.say('40');
    expect(heard).toEqual(['open', '0', '2', '40']);
  });

  it('is heard by itself if it is taken before it is open', async () => {
    const socket = opened();
    const heard = taken();
    await Promise.resolve();
    socket.open();
    socket.say('0');
    expect(heard).toEqual(['open', '0']);
  });

  it('is taken once, and not when it is closed', () => {
    opened().open();
    expect(takeEarly()).not.toBeNull();
    expect(takeEarly()).toBeNull();
    FakeSocket.made = [];
    opened().readyState = 3;
    expect(takeEarly()).toBeNull();
    expect(takeEarly()).toBeNull();
  });
});
