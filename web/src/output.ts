/**
 * Follows output by its offsets and acknowledges what the terminal has processed. Knows no socket
 * and no terminal.
 */
import type { Disposable } from './lifecycle';
import { OUTPUT_ACK_EVERY } from './protocol.gen';

/**
 * Output that is less than `OUTPUT_ACK_EVERY` is acknowledged this long after the first of it, in
 * milliseconds. Not after the last: the gateway lets only so many small pieces be on their way, and
 * keys held down would stop at them.
 */
export const OUTPUT_ACK_DELAY = 50;

/** Follows one session's output by its absolute offsets. */
export class OutputFlow implements Disposable {
  #received: number;
  #processed: number;
  #acknowledged: number;
  #delayed: ReturnType<typeof setTimeout> | undefined;
  readonly #acknowledge: (offset: number) => void;

  /** All output before `offset` is on the screen, or came with it. */
  constructor(acknowledge: (offset: number) => void, offset: number) {
    this.#acknowledge = acknowledge;
    this.#received = offset;
    this.#processed = offset;
    this.#acknowledged = offset;
  }

  /** The offset that the next chunk must have. */
  get expected(): number {
    return this.#received;
  }

  /** Whether the chunk continues the output without a gap and without a repetition. */
  accept(offset: number, length: number): boolean {
    if (offset !== this.#received) {
      return false;
    }
    this.#received += length;
    return true;
  }

  /** The terminal has processed the next `length` bytes. */
  processed(length: number): void {
    this.#processed += length;
    if (this.#processed - this.#acknowledged >= OUTPUT_ACK_EVERY) {
      this.#send();
    } else {
      this.#delayed ??= setTimeout(() => this.#send(), OUTPUT_ACK_DELAY);
    }
  }

  dispose(): void {
    clearTimeout(this.#delayed);
    this.#acknowledged = Number.POSITIVE_INFINITY;
  }

  #send(): void {
    clearTimeout(this.#delayed);
    this.#delayed = undefined;
    if (this.#processed > this.#acknowledged) {
      this.#acknowledged = this.#processed;
      this.#acknowledge(this.#processed);
    }
  }
}
