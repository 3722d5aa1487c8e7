import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FIRST_WAIT, LONGEST_WAIT, Reconnect, STALE_ATTEMPT, waitAfter } from '../src/reconnect';

describe('the wait', () => {
  it('grows from a quarter of a second to five seconds, with a share of chance', () => {
    expect(waitAfter(0, 0)).toBe(FIRST_WAIT);
    expect([0, 1, 2, 3, 4, 5, 50].map((n) => waitAfter(n, 0))).toEqual([
      250, 500, 1000, 2000, 4000, 5000, 5000,
    ]);
    fc.assert(
      fc.property(fc.nat({ max: 2000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const wait = waitAfter(failures, random);
        expect(wait).toBeGreaterThanOrEqual(FIRST_WAIT / 2);
        expect(wait).toBeLessThanOrEqual(LONGEST_WAIT);
        expect(wait).toBeGreaterThanOrEqual(waitAfter(failures, 0) / 2 - 1);
      }),
    );
  });
});

describe('an attempt', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  function made() {
    const attempt = vi.fn();
    const waiting = vi.fn();
    return { attempt, waiting, policy: new Reconnect(attempt, waiting) };
  }

  it('follows each failure later, and says when', () => {
    const { attempt, waiting, policy } = made();
    policy.begin();
    expect(attempt).toHaveBeenCalledTimes(1);
    for (const [n, wait] of [250, 500, 1000, 2000, 4000, 5000, 5000].entries()) {
      policy.failed();
      expect(waiting).toHaveBeenLastCalledWith(Date.now() + wait);
      vi.advanceTimersByTime(wait - 1);
      expect(attempt).toHaveBeenCalledTimes(n + 1);
      vi.advanceTimersByTime(1);
      expect(attempt).toHaveBeenCalledTimes(n + 2);
      expect(waiting).toHaveBeenLastCalledWith(null);
    }
  });

  it('counts one failure once, whoever tells of it', () => {
    const { attempt, policy } = made();
    policy.begin();
    policy.failed();
    policy.failed();
    vi.advanceTimersByTime(250);
    expect(attempt).toHaveBeenCalledTimes(2);
    policy.failed();
    vi.advanceTimersByTime(499);
    expect(attempt).toHaveBeenCalledTimes(2);
  });

  it('is made at once when something tells that it may work', () => {
    const { attempt, policy } = made();
    policy.begin();
    policy.failed();
    policy.now();
    expect(attempt).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(10_000);
    expect(attempt).toHaveBeenCalledTimes(2);
  });

  it('is made anew when the one that is under way seems stuck, and not before', () => {
    const { attempt, policy } = made();
    policy.begin();
    policy.now();
    expect(attempt).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(STALE_ATTEMPT);
    policy.now();
    expect(attempt).toHaveBeenCalledTimes(2);
  });

  it('is not made when nothing is wanted: the gateway is there, or the page is done', () => {
    const { attempt, policy } = made();
    policy.now();
    policy.begin();
    policy.reached();
    vi.advanceTimersByTime(STALE_ATTEMPT * 2);
    policy.now();
    expect(attempt).toHaveBeenCalledTimes(1);
    policy.failed();
    policy.dispose();
    policy.now();
    vi.advanceTimersByTime(10_000);
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('comes soon again only after the session was ours: a gateway that sends us away is not hammered', () => {
    const { waiting, policy } = made();
    policy.begin();
    policy.failed();
    policy.reached();
    policy.failed();
    expect(waiting).toHaveBeenLastCalledWith(Date.now() + 500);
    policy.reached();
    policy.succeeded();
    policy.failed();
    expect(waiting).toHaveBeenLastCalledWith(Date.now() + FIRST_WAIT);
  });
});
