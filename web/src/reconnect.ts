/**
 * When the gateway is tried again: at once where something tells that it may be there, else after
 * waits that grow. Knows no socket: it calls for an attempt and hears what came of it.
 */
import { type Disposable, Disposables, listen } from './lifecycle';
import type { NextTry } from './state';

export const FIRST_WAIT = 250;
export const LONGEST_WAIT = 5_000;
/** An attempt that has lasted so long is given up for a new one, when something tells that it would be quicker. */
export const STALE_ATTEMPT = 1_000;

/**
 * The wait after so many failures in a row, in milliseconds. `random`: 0 to 1. Half of it is left to
 * chance, so that a thousand pages do not come back to a gateway in one moment.
 */
export function waitAfter(failures: number, random: number): number {
  const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures);
  return Math.round(longest * (1 - random / 2));
}

export class Reconnect implements Disposable {
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #wanted = false;

  /** `attempt` drops an attempt that is under way. `waiting` tells when the next one is due. */
  constructor(
    private readonly attempt: () => void,
    private readonly waiting: (next: NextTry) => void,
  ) {}

  /** The gateway is wanted: tries at once. */
  begin(): void {
    this.#wanted = true;
    this.#try();
  }

  /** The attempt failed, or what it had reached is gone again. */
  failed(): void {
    if (this.#timer !== undefined) {
      return;
    }
    this.#wanted = true;
    const wait = waitAfter(this.#failures, Math.random());
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#try(), wait);
    this.waiting(Date.now() + wait);
  }

  /** Something tells that the gateway may be there: does not wait for the time that was set. */
  now(): void {
    const waits = this.#timer !== undefined;
    if (this.#wanted && (waits || Date.now() - this.#triedAt >= STALE_ATTEMPT)) {
      this.#try();
    }
  }

  /** The gateway is there. Whether that was of use shows later. */
  reached(): void {
    this.#wanted = false;
    this.#stop();
  }

  /** The session is ours: the next failure is the first again. */
  succeeded(): void {
    this.#failures = 0;
  }

  dispose(): void {
    this.#wanted = false;
    this.#stop();
  }

  #try(): void {
    this.#stop();
    this.#triedAt = Date.now();
    this.waiting(null);
    this.attempt();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Calls back when the browser tells that the network or the user is back. */
export function onReturn(returned: () => void): Disposable {
  const all = new Disposables();
  all.add(listen(window, 'online', returned));
  all.add(
    listen(document, 'visibilitychange', () => {
      if (document.visibilityState === 'visible') {
        returned();
      }
    }),
  );
  all.add(
    listen(window, 'pageshow', (event) => {
      if ((event as PageTransitionEvent).persisted) {
        returned();
      }
    }),
  );
  return all;
}
