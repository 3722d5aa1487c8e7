/**
 * Whether the gateway is still heard. Its pings come too seldom to judge by silence alone, so it is
 * asked when that matters: when something was typed, and when the user or the network is back. A
 * gateway that does not answer questions is judged by its pings. Knows no socket.
 */
import type { Disposable } from './lifecycle';

/** Without an answer for so long, in milliseconds, there is no contact. */
export const SILENT_AFTER = 4_000;
/** Without an answer for so long the socket is not waited for any more: coming back loses nothing. */
export const GIVEN_UP_AFTER = 8_000;
/** What was heard so recently needs no question. */
export const FRESH = 1_000;
/** How often the gateway pings. */
export const PING_EVERY = 10_000;
const TICK = 1_000;
/** A tick that comes this late says that the page slept, and nothing about the gateway. */
const LATE = 3_000;

export interface ContactListener {
  /** Asks the gateway for a sign of life. */
  ask(answered: () => void): void;
  /** There is no contact since then, in milliseconds of the wall clock; null: there is again. */
  silent(since: number | null): void;
  /** The socket is dead, though it does not say so. */
  givenUp(): void;
}

export class Contact implements Disposable {
  #ticks: ReturnType<typeof setInterval> | undefined;
  #ticked = 0;
  #heard = 0;
  #asked: number | null = null;
  #answers = false;
  #silent = false;

  constructor(private readonly listener: ContactListener) {}

  /** There is a new socket. */
  begin(): void {
    this.end();
    this.#heard = Date.now();
    this.#ticked = this.#heard;
    this.#answers = false;
    this.#ticks = setInterval(() => this.#tick(Date.now()), TICK);
    this.#ask(this.#heard);
  }

  /** Something came from the gateway. */
  heard(): void {
    this.#heard = Date.now();
    this.#asked = null;
    this.#tell(null);
  }

  /** It matters now whether the gateway is there. */
  question(): void {
    const now = Date.now();
    if (this.#ticks !== undefined && this.#asked === null && now - this.#heard >= FRESH) {
      this.#ask(now);
    }
  }

  /** The socket is gone. */
  end(): void {
    clearInterval(this.#ticks);
    this.#ticks = undefined;
    this.#asked = null;
    this.#tell(null);
  }

  dispose(): void {
    this.end();
  }

  #ask(now: number): void {
    this.#asked = now;
    this.listener.ask(() => {
      this.#answers = true;
    });
  }

  #tick(now: number): void {
    const slept = now - this.#ticked >= LATE;
    this.#ticked = now;
    if (slept) {
      this.#heard = now;
      this.#ask(now);
    }
    const asked = this.#answers ? this.#asked : null;
    if (asked !== null && now - asked >= GIVEN_UP_AFTER) {
      this.listener.givenUp();
    } else if (asked !== null && now - asked >= SILENT_AFTER) {
      this.#tell(asked);
    } else if (now - this.#heard >= PING_EVERY + SILENT_AFTER) {
      this.#tell(this.#heard);
    }
  }

  #tell(since: number | null): void {
    if (this.#silent !== (since !== null)) {
      this.#silent = since !== null;
      this.listener.silent(since);
    }
  }
}
