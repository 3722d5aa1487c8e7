import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { INPUT_PIECE, INPUT_WAITING_MAX, InputFlow, type InputPiece } from '../src/input';
import { INPUT_WINDOW } from '../src/protocol.gen';

describe('input', () => {
  const bytesOf = (piece: InputPiece) =>
    typeof piece === 'string' ? Buffer.from(piece, 'utf8') : Buffer.from(piece);

  function recorded() {
    const sent: InputPiece[] = [];
    return { sent, flow: new InputFlow((piece) => sent.push(piece), 0, true) };
  }

  const text = fc.string({
    unit: fc.constantFrom('a', 'é', '日', '🚀', '👩‍👩‍👧', '\r'),
    maxLength: 30_000,
    size: 'max',
  });
  const bytes = fc.uint8Array({ maxLength: 40_000, size: 'max' });

  it('arrives whole, in order, in small pieces and within the window, however it is acknowledged', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(text, bytes), { maxLength: 8, size: 'max' }),
        fc.infiniteStream(fc.integer({ min: 1, max: INPUT_WINDOW })),
        (inputs, steps) => {
          const { sent, flow } = recorded();
          const sentBytes = () => sent.reduce((sum, piece) => sum + bytesOf(piece).length, 0);
          let acknowledged = 0;
          for (const input of inputs) {
            expect(flow.push(input)).toBe(true);
            expect(sentBytes() - acknowledged).toBeLessThanOrEqual(INPUT_WINDOW);
          }
          const all = Buffer.concat(inputs.map(bytesOf));
          while (acknowledged < all.length) {
            expect(sentBytes()).toBeGreaterThan(acknowledged);
            acknowledged = Math.min(acknowledged + (steps.next().value ?? 1), sentBytes());
            flow.acknowledged(acknowledged);
            expect(sentBytes() - acknowledged).toBeLessThanOrEqual(INPUT_WINDOW);
          }
          expect(Buffer.concat(sent.map(bytesOf)).equals(all)).toBe(true);
          expect(sent.every((piece) => bytesOf(piece).length <= INPUT_PIECE)).toBe(true);
          expect(sent.some((piece) => typeof piece === 'string' && /\p{Cs}/u.test(piece))).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('sends a key at once, and behind a waiting paste only after it', () => {
    const { sent, flow } = recorded();
    flow.push('k');
    expect(sent).toEqual(['k']);
    flow.push('x'.repeat(INPUT_WINDOW));
    flow.push('\u0003');
    expect(sent.at(-1)).not.toContain('\u0003');
    flow.acknowledged(INPUT_PIECE);
    expect(sent.at(-1)).toBe('\u0003');
  });

  it('ignores acknowledgements that are old or of what was never sent', () => {
    const { sent, flow } = recorded();
    flow.push('x'.repeat(INPUT_WINDOW + 10));
    const before = sent.length;
    flow.acknowledged(INPUT_WINDOW + 1);
    flow.acknowledged(0);
    expect(sent).toHaveLength(before);
  });

  it('replaces half a surrogate pair, which has no UTF-8 form', () => {
    const { sent, flow } = recorded();
    flow.push('a\ud83db');
    expect(sent).toEqual(['a\ufffdb']);
  });

  it('refuses what would wait beyond its bound, and takes none of it', () => {
    const { sent, flow } = recorded();
    expect(flow.push('x'.repeat(INPUT_WAITING_MAX))).toBe(true);
    expect(flow.push('y'.repeat(INPUT_WINDOW + 1))).toBe(false);
    expect(sent.some((piece) => piece.includes('y' as never))).toBe(false);
    expect(flow.push('z')).toBe(true);
  });
});

/** What the gateway does with input: drops what it had, takes what follows, refuses a gap. */
class Taker {
  bytes = Buffer.alloc(0);

  take(piece: InputPiece, offset: number): void {
    const bytes = Buffer.from(piece as string);
    expect(offset, 'no gap').toBeLessThanOrEqual(this.bytes.length);
    this.bytes = Buffer.concat([this.bytes, bytes.subarray(this.bytes.length - offset)]);
  }
}

describe('input over breaks', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'é', '日', '🚀', '\r'),
    maxLength: 9_000,
    size: 'max',
  });
  const bytes = fc.uint8Array({ maxLength: 9_000, size: 'max' });
  /** How much of what is on its way arrives, and whether that is acknowledged before the cut. */
  const cut = fc.record({ arrives: fc.double({ min: 0, max: 1, noNaN: true }), told: fc.boolean() });
  const step = fc.oneof(
    fc.record({ type: fc.constant('push' as const), input: fc.oneof(text, bytes) }),
    fc.record({ type: fc.constant('cut' as const), cut }),
    fc.record({ type: fc.constant('ack' as const) }),
  );

  it('arrives exactly once and in order, wherever the way is cut, also within a character', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 24, size: 'max' }), (steps) => {
        const taker = new Taker();
        const all: Buffer[] = [];
        let onItsWay: { piece: InputPiece; offset: number }[] = [];
        const flow = new InputFlow((piece, offset) => onItsWay.push({ piece, offset }), 0, true);
        const arrive = (share: number) => {
          const whole = onItsWay.map(({ piece, offset }) => ({
            bytes: Buffer.from(piece as string),
            offset,
          }));
          let budget = Math.floor(whole.reduce((sum, { bytes }) => sum + bytes.length, 0) * share);
          for (const { bytes, offset } of whole) {
            if (budget > 0) {
              taker.take(bytes.subarray(0, budget), offset);
            }
            budget -= bytes.length;
          }
          onItsWay = [];
        };
        const resume = () => {
          expect(flow.resumes(taker.bytes.length)).toBe(true);
          flow.attached();
        };
        for (const step of steps) {
          if (step.type === 'push') {
            all.push(Buffer.from(step.input as string));
            expect(flow.push(step.input)).toBe(true);
          } else if (step.type === 'ack') {
            arrive(1);
            flow.acknowledged(taker.bytes.length);
          } else {
            arrive(step.cut.arrives);
            if (step.cut.told) {
              flow.acknowledged(taker.bytes.length);
            }
            flow.detached();
            onItsWay = [];
            resume();
          }
        }
        const due = Buffer.concat(all);
        while (taker.bytes.length < due.length) {
          const before = taker.bytes.length;
          arrive(1);
          expect(taker.bytes.length).toBeGreaterThan(before);
          flow.acknowledged(taker.bytes.length);
        }
        expect(taker.bytes.equals(due)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  function away() {
    const sent: [InputPiece, number][] = [];
    const flow = new InputFlow((piece, offset) => sent.push([piece, offset]), 100, true);
    return { sent, flow };
  }

  it('goes on at the offset of the session, and names it with every piece', () => {
    const { sent, flow } = away();
    flow.push('é');
    flow.push('x');
    expect(sent).toEqual([
      ['é', 100],
      ['x', 102],
    ]);
  });

  it('sends again only the bytes that did not arrive, also from within a character', () => {
    const { sent, flow } = away();
    flow.push('日本');
    flow.detached();
    flow.push('x');
    expect(flow.resumes(101)).toBe(true);
    expect(sent).toHaveLength(1);
    flow.attached();
    expect(sent.slice(1)).toEqual([
      [new TextEncoder().encode('日本').subarray(1), 101],
      ['x', 106],
    ]);
  });

  it('keeps what is typed while nobody is there, within its bound', () => {
    const { sent, flow } = away();
    flow.detached();
    expect(flow.push('x'.repeat(INPUT_WAITING_MAX))).toBe(true);
    expect(flow.push('y')).toBe(false);
    expect(sent).toEqual([]);
  });

  it('cannot go on where input is missing that was acknowledged', () => {
    const { flow } = away();
    flow.push('abc');
    flow.acknowledged(103);
    flow.detached();
    expect(flow.resumes(102)).toBe(false);
  });

  it('goes on behind what another page has typed', () => {
    const { sent, flow } = away();
    flow.push('abc');
    flow.drop();
    flow.detached();
    expect(flow.resumes(250)).toBe(true);
    flow.attached();
    flow.push('d');
    expect(sent.at(-1)).toEqual(['d', 250]);
    expect(sent).toHaveLength(2);
  });

  it('goes on where nobody has typed since, though what was sent last never arrived', () => {
    const { sent, flow } = away();
    flow.push('lost');
    flow.drop();
    flow.detached();
    expect(flow.resumes(100)).toBe(true);
    flow.attached();
    flow.push('d');
    expect(sent.at(-1)).toEqual(['d', 100]);
  });

  describe('that is held', () => {
    beforeEach(() => {
      vi.useFakeTimers({ now: 1_000 });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    function holding() {
      const { sent, flow } = away();
      flow.push('sent');
      flow.detached();
      vi.setSystemTime(5_000);
      flow.push('away');
      flow.resumes(102);
      expect(flow.oldest).toBe(1_000);
      flow.hold();
      flow.attached();
      sent.length = 0;
      flow.push('later');
      expect(sent).toEqual([]);
      expect(flow.held).toEqual([new TextEncoder().encode('nt'), 'away']);
      return { sent, flow };
    }

    it('is sent when somebody agrees, before what came later', () => {
      const { sent, flow } = holding();
      flow.release();
      expect(sent).toEqual([
        [new TextEncoder().encode('nt'), 102],
        ['away', 104],
        ['later', 108],
      ]);
      expect(flow.held).toEqual([]);
      expect(flow.oldest).toBeNull();
    });

    it('is dropped when somebody says so, and what came later is sent in its place', () => {
      const { sent, flow } = holding();
      flow.discard();
      expect(sent).toEqual([['later', 102]]);
    });

    it('stays held over another break, and takes what waits then with it', () => {
      const { sent, flow } = holding();
      flow.detached();
      flow.resumes(102);
      flow.hold();
      flow.attached();
      expect(flow.held).toHaveLength(3);
      flow.discard();
      flow.push('new');
      expect(sent).toEqual([['new', 102]]);
    });
  });
});
