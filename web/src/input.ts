/**
 * Input on its way: sends it in order and within the gateway's window, keeps it until it is
 * acknowledged, and after a break sends again what did not arrive. Knows no socket and no terminal.
 */
import { INPUT_WINDOW } from './protocol.gen';

/** The largest piece of input, in bytes. */
export const INPUT_PIECE = 16 * 1024;
/** Input that may wait here, in UTF-16 units or bytes. */
export const INPUT_WAITING_MAX = 16 * 1024 * 1024;

/** Text for the target as UTF-8, or bytes as they are. */
export type InputPiece = string | Uint8Array;

/** Input, and when it was typed, in milliseconds of the wall clock. */
interface Typed {
  piece: InputPiece;
  at: number;
}

/** Input that was sent. `end`: the offset behind it, in bytes. */
interface Sent extends Typed {
  end: number;
}

const encoder = new TextEncoder();

export class InputFlow {
  #waiting: Typed[] = [];
  #waitingLength = 0;
  /** Waits until somebody agrees, in front of all that waits. */
  #held: Typed[] = [];
  #unacknowledged: Sent[] = [];
  #end: number;
  #acknowledged: number;
  #attached: boolean;
  readonly #send: (piece: InputPiece, offset: number) => void;
  readonly #scratch = new Uint8Array(INPUT_PIECE);

  /** Input goes on at `offset`, at once if `attached`. */
  constructor(send: (piece: InputPiece, offset: number) => void, offset: number, attached: boolean) {
    this.#send = send;
    this.#end = offset;
    this.#acknowledged = offset;
    this.#attached = attached;
  }

  /** Takes input, behind all that waits. False: too much waits already and nothing was taken. */
  push(input: InputPiece): boolean {
    if (this.#waitingLength + input.length > INPUT_WAITING_MAX) {
      return false;
    }
    if (input.length > 0) {
      const piece = typeof input === 'string' ? wellFormed(input) : input;
      this.#waiting.push({ piece, at: Date.now() });
      this.#waitingLength += piece.length;
      this.#pump();
    }
    return true;
  }

  /** The gateway has handed on all input before this offset, in bytes. */
  acknowledged(offset: number): void {
    if (offset > this.#acknowledged && offset <= this.#end) {
      this.#acknowledged = offset;
      const firstKept = this.#unacknowledged.findIndex((sent) => sent.end > offset);
      this.#unacknowledged.splice(0, firstKept < 0 ? this.#unacknowledged.length : firstKept);
      this.#pump();
    }
  }

  /** Nobody is there to send to. */
  detached(): void {
    this.#attached = false;
  }

  /**
   * The gateway has all input before `offset`: what was sent beyond it waits again, in front.
   * False: input is missing that was acknowledged, and so is not here any more. Sends nothing yet.
   */
  resumes(offset: number): boolean {
    if (offset < this.#acknowledged) {
      return false;
    }
    const again = this.#unacknowledged.flatMap((sent) => behind(sent, offset));
    this.#unacknowledged = [];
    this.#waiting = [...again, ...this.#waiting];
    this.#waitingLength = lengthOf(this.#waiting) + lengthOf(this.#held);
    this.#end = offset;
    this.#acknowledged = offset;
    return true;
  }

  /** Sends what waits, and what comes from now on. */
  attached(): void {
    this.#attached = true;
    this.#pump();
  }

  /** When the oldest input that waits was typed; null if none waits. */
  get oldest(): number | null {
    return (this.#held[0] ?? this.#waiting[0])?.at ?? null;
  }

  /** What waits until somebody agrees. */
  get held(): readonly InputPiece[] {
    return this.#held.map(({ piece }) => piece);
  }

  /** Nothing that waits now is sent before `release`, and nothing that comes before that. */
  hold(): void {
    this.#held.push(...this.#waiting.splice(0));
  }

  release(): void {
    this.#waiting.unshift(...this.#held.splice(0));
    this.#pump();
  }

  /** Drops what is held; what came after it is sent. */
  discard(): void {
    this.#waitingLength -= lengthOf(this.#held.splice(0));
    this.#pump();
  }

  /** Drops all that was not sent, or not acknowledged. */
  drop(): void {
    this.#waiting = [];
    this.#held = [];
    this.#unacknowledged = [];
    this.#waitingLength = 0;
    this.#end = this.#acknowledged;
  }

  #pump(): void {
    if (!this.#attached || this.#held.length > 0) {
      return;
    }
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const room = Math.min(INPUT_PIECE, INPUT_WINDOW - (this.#end - this.#acknowledged));
      const { piece, bytes } = this.#cut(next.piece, room);
      if (bytes === 0) {
        return;
      }
      this.#advance(next, piece.length);
      const offset = this.#end;
      this.#end += bytes;
      this.#unacknowledged.push({ piece, at: next.at, end: this.#end });
      this.#send(piece, offset);
    }
  }

  /** The longest beginning that encodes to at most `room` bytes and splits no character. */
  #cut(input: InputPiece, room: number): { piece: InputPiece; bytes: number } {
    if (typeof input !== 'string') {
      const piece = input.subarray(0, room);
      return { piece, bytes: piece.length };
    }
    const { read, written } = encoder.encodeInto(input, this.#scratch.subarray(0, room));
    return { piece: input.slice(0, read), bytes: written };
  }

  /** The first that waits loses so much of its beginning. */
  #advance(first: Typed, length: number): void {
    this.#waitingLength -= length;
    if (length === first.piece.length) {
      this.#waiting.shift();
    } else {
      const { piece, at } = first;
      this.#waiting[0] = {
        piece: typeof piece === 'string' ? piece.slice(length) : piece.subarray(length),
        at,
      };
    }
  }
}

/** What of it lies behind the offset: as it was, or as bytes where a cut may split a character. */
function behind({ piece, at, end }: Sent, offset: number): Typed[] {
  if (end <= offset) {
    return [];
  }
  const bytes = typeof piece === 'string' ? encoder.encode(piece) : piece;
  const begin = end - bytes.length;
  return [{ piece: begin >= offset ? piece : bytes.subarray(offset - begin), at }];
}

function lengthOf(typed: readonly Typed[]): number {
  return typed.reduce((sum, { piece }) => sum + piece.length, 0);
}

/** Half a surrogate pair has no UTF-8 form: it becomes U+FFFD, as an encoder would make it. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\uFFFD');
}
