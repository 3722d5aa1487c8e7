import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OUTPUT_ACK_DELAY, OutputFlow } from '../src/output';
import { OUTPUT_ACK_EVERY } from '../src/protocol.gen';

describe('output', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function recorded(start = 0) {
    const acks: number[] = [];
    return { acks, flow: new OutputFlow((offset) => acks.push(offset), start) };
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

  it('begins where it is told to, and acknowledges nothing of what came before', () => {
    const { acks, flow } = recorded(5000);
    expect(flow.accept(0, 10)).toBe(false);
    expect(flow.accept(5000, 10)).toBe(true);
    vi.runAllTimers();
    expect(acks).toEqual([]);
    flow.processed(10);
    vi.runAllTimers();
    expect(acks).toEqual([5010]);
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
