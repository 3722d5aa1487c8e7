import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  INPUT_PIECE,
  INPUT_WAITING_MAX,
  InputFlow,
  type InputPiece,
  OUTPUT_ACK_DELAY,
  OutputFlow,
} from '../src/flow';
import { INPUT_WINDOW, OUTPUT_ACK_EVERY } from '../src/protocol.gen';

describe('output', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function recorded() {
    const acks: number[] = [];
    return { acks, flow: new OutputFlow((offset) => acks.push(offset)) };
  }

  it('accepts only what continues it', () => {
    const { flow } = recorded();
    expect(flow.accept(0, 10)).toBe(true);
    expect(flow.accept(10, 5)).toBe(true);
    expect(flow.accept(10, 5)).toBe(false);
    expect(flow.accept(16, 5)).toBe(false);
    expect(flow.expected).toBe(15);
    expect(flow.accept(15, 0)).toBe(true);
  });

  it('acknowledges a small rest soon, however steadily more of it comes', () => {
    const { acks, flow } = recorded();
    flow.processed(100);
    vi.advanceTimersByTime(OUTPUT_ACK_DELAY - 1);
    flow.processed(1);
    expect(acks).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(acks).toEqual([101]);
    flow.processed(1);
    vi.advanceTimersByTime(OUTPUT_ACK_DELAY);
    expect(acks).toEqual([101, 102]);
    vi.advanceTimersByTime(1000);
    expect(acks).toEqual([101, 102]);
  });

  it('acknowledges nothing more once it is disposed', () => {
    const { acks, flow } = recorded();
    flow.processed(100);
    flow.dispose();
    flow.processed(OUTPUT_ACK_EVERY);
    vi.runAllTimers();
    expect(acks).toEqual([]);
  });

  it('never leaves more than the interval unacknowledged, and in the end nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 70_000 })), (writes) => {
        const { acks, flow } = recorded();
        let processed = 0;
        for (const length of writes) {
          flow.processed(length);
          processed += length;
          expect(processed - (acks.at(-1) ?? 0)).toBeLessThan(OUTPUT_ACK_EVERY);
        }
        vi.runAllTimers();
        expect(acks.at(-1) ?? 0).toBe(processed);
        expect(acks).toEqual([...new Set(acks)].sort((a, b) => a - b));
      }),
    );
  });
});

describe('input', () => {
  const bytesOf = (piece: InputPiece) =>
    typeof piece === 'string' ? Buffer.from(piece, 'utf8') : Buffer.from(piece);

  function recorded() {
    const sent: InputPiece[] = [];
    return { sent, flow: new InputFlow((piece) => sent.push(piece)) };
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
