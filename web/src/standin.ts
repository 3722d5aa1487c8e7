/**
 * Stands in for the terminal until its code has come, which is most of the page: the session begins
 * meanwhile, and the terminal does what it was told to when it is there. Its size is a guess until then.
 */
import type { Picture, Screen } from './around';
import { guessSize } from './font';
import type { Disposable } from './lifecycle';
import type { LinkPreview } from './links';
import type { Resize } from './protocol.gen';
import type { TerminalListener, TerminalView } from './terminal';

export interface StandInListener extends TerminalListener {
  /** The terminal is there. */
  came(): void;
  /** Its code cannot be had. */
  missing(): void;
}

export class StandIn implements Screen, Disposable {
  readonly #guess: Resize;
  #terminal: TerminalView | null = null;
  #told: ((terminal: TerminalView) => void)[] = [];
  #disposed = false;

  constructor(place: HTMLElement, listener: StandInListener, preview: LinkPreview) {
    this.#guess = guessSize(place);
    import('./terminal').then(
      (code) => {
        if (!this.#disposed) {
          this.#come(new code.TerminalView(place, listener, preview), listener);
        }
      },
      () => {
        if (!this.#disposed) {
          listener.missing();
        }
      },
    );
  }

  get here(): boolean {
    return this.#terminal !== null;
  }

  get size(): Resize {
    return this.#terminal?.size ?? this.#guess;
  }

  write(bytes: Uint8Array, processed: () => void): void {
    this.#tell((terminal) => terminal.write(bytes, processed));
  }

  restore(picture: Picture): void {
    this.#tell((terminal) => terminal.restore(picture));
  }

  set typing(typing: boolean) {
    this.#tell((terminal) => {
      terminal.typing = typing;
    });
  }

  set tabLeaves(leaves: boolean) {
    this.#tell((terminal) => {
      terminal.tabLeaves = leaves;
    });
  }

  describeBy(id: string): void {
    this.#tell((terminal) => terminal.describeBy(id));
  }

  /** A terminal that comes late takes the focus from nobody. */
  focus(): void {
    const isLate = !this.here;
    this.#tell((terminal) => {
      if (!isLate || document.activeElement === document.body) {
        terminal.focus();
      }
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#terminal?.dispose();
  }

  #tell(step: (terminal: TerminalView) => void): void {
    if (this.#terminal !== null) {
      step(this.#terminal);
    } else {
      this.#told.push(step);
    }
  }

  #come(terminal: TerminalView, listener: StandInListener): void {
    this.#terminal = terminal;
    const { size } = terminal;
    if (size.cols !== this.#guess.cols || size.rows !== this.#guess.rows) {
      listener.resized(size);
    }
    for (const step of this.#told.splice(0)) {
      step(terminal);
    }
    listener.came();
  }
}
