/**
 * A screen on its way: put together from its pieces, and shown by nobody before it is whole. Knows no
 * socket and no terminal.
 */
import type { Picture } from './around';
import type { Screen, ScreenPiece } from './protocol.gen';

export class Arrival {
  readonly #snapshot: Uint8Array;
  #received = 0;

  constructor(private readonly screen: Screen) {
    this.#snapshot = new Uint8Array(screen.length);
  }

  /** Everything before this offset has arrived. */
  get received(): number {
    return this.#received;
  }

  /** Whether the piece is the next one. */
  accept({ screen, offset }: ScreenPiece): boolean {
    if (offset !== this.#received || offset + screen.byteLength > this.#snapshot.length) {
      return false;
    }
    this.#snapshot.set(new Uint8Array(screen), offset);
    this.#received += screen.byteLength;
    return true;
  }

  /** Null: something is still missing. */
  get picture(): Picture | null {
    const { cols, rows, length } = this.screen;
    return this.#received === length ? { cols, rows, snapshot: this.#snapshot } : null;
  }
}
