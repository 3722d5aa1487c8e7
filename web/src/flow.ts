/**
 * Flow control, both ways: acknowledges output that the terminal has processed, and keeps input
 * that the gateway has not acknowledged within its window. Knows no socket and no terminal.
 */
import type { Disposable } from './lifecycle';
import { INPUT_WINDOW, OUTPUT_ACK_EVERY } from './protocol.gen';

/**
 * Output that is less than `OUTPUT_ACK_EVERY` is acknowledged this long after the first of it, in
 * milliseconds. Not after the last: the gateway lets only so many small pieces be on their way, and
 * keys held down would stop at them.
 */
export const OUTPUT_ACK_DELAY = 50;
/** The largest piece of input, in bytes. */
export const INPUT_PIECE = 16 * 1024;
/** Input that may wait here for the window, in UTF-16 units or bytes. */
export const INPUT_WAITING_MAX = 16 * 1024 * 1024;

/** Follows one session's output by its absolute offsets. */
export class OutputFlow implements Disposable {
  #received = 0;
  #processed = 0;
  #acknowledged = 0;
  #delayed: ReturnType<typeof setTimeout> | undefined;
  readonly #acknowledge: (offset: number) => void;

  constructor(acknowledge: (offset: number) => void) {
    this.#acknowledge = acknowledge;
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

/** Text for the target as UTF-8, or bytes as they are. */
export type InputPiece = string | Uint8Array;

/** Sends input in order, in pieces, never more than the window ahead of the gateway. */
export class InputFlow {
  #waiting: InputPiece[] = [];
  #waitingLength = 0;
  #sent = 0;
  #acknowledged = 0;
  readonly #send: (piece: InputPiece) => void;
  readonly #encoder = new TextEncoder();
  readonly #scratch = new Uint8Array(INPUT_PIECE);

  constructor(send: (piece: InputPiece) => void) {
    this.#send = send;
  }

  /** Takes input, behind all that waits. False: too much waits already and nothing was taken. */
  push(input: InputPiece): boolean {
    if (this.#waitingLength + input.length > INPUT_WAITING_MAX) {
      return false;
    }
    if (input.length > 0) {
      this.#waiting.push(typeof input === 'string' ? wellFormed(input) : input);
      this.#waitingLength += input.length;
      this.#pump();
    }
    return true;
  }

  /** The gateway has handed on all input before this offset, in bytes. */
  acknowledged(offset: number): void {
    if (offset > this.#acknowledged && offset <= this.#sent) {
      this.#acknowledged = offset;
      this.#pump();
    }
  }

  #pump(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const room = Math.min(INPUT_PIECE, INPUT_WINDOW - (this.#sent - this.#acknowledged));
      const { piece, bytes } = this.#cut(next, room);
      if (bytes === 0) {
        return;
      }
      this.#drop(next, piece.length);
      this.#sent += bytes;
      this.#send(piece);
    }
  }

  /** The longest beginning that encodes to at most `room` bytes and splits no character. */
  #cut(input: InputPiece, room: number): { piece: InputPiece; bytes: number } {
    if (typeof input !== 'string') {
      const piece = input.subarray(0, room);
      return { piece, bytes: piece.length };
    }
    const { read, written } = this.#encoder.encodeInto(input, this.#scratch.subarray(0, room));
    return { piece: input.slice(0, read), bytes: written };
  }

  #drop(first: InputPiece, length: number): void {
    this.#waitingLength -= length;
    if (length === first.length) {
      this.#waiting.shift();
    } else {
      this.#waiting[0] = typeof first === 'string' ? first.slice(length) : first.subarray(length);
    }
  }
}

/** Half a surrogate pair has no UTF-8 form: it becomes U+FFFD, as an encoder would make it. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\uFFFD');
}
