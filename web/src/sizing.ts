/** Keeps the terminal as large as its place on the page, and tells the size when it has settled. */
import { FitAddon } from '@xterm/addon-fit';
import type { Terminal } from '@xterm/xterm';
import { type Disposable, Disposables, disposable, listen } from './lifecycle';
import { MAX_COLS, MAX_ROWS, type Resize } from './protocol.gen';

/** A size is told when it has not changed for so long, in milliseconds. */
const SETTLE = 50;

export interface SizeListener {
  /** The terminal has this size from now on. */
  changing(size: Resize): void;
  /** The size stays. */
  settled(size: Resize): void;
}

export class Sizing implements Disposable {
  readonly #fitAddon = new FitAddon();
  readonly #all = new Disposables();
  #frame = 0;
  #settle: ReturnType<typeof setTimeout> | undefined;
  #quiet = false;

  constructor(
    private readonly terminal: Terminal,
    private readonly listener: SizeListener,
  ) {
    terminal.loadAddon(this.#fitAddon);
  }

  /** Takes the size of `place`, and follows it, the fonts and the screen's resolution from then on. */
  follow(place: Element): void {
    this.fit();
    const observer = new ResizeObserver(() => this.request());
    observer.observe(place);
    this.#all.add(disposable(() => observer.disconnect()));
    this.#all.add(this.terminal.onResize((size) => this.#resized(size)));
    this.#followResolution();
    void document.fonts.ready.then(() => this.request());
  }

  /** Fits in the next frame, however often it is asked for until then. */
  request(): void {
    if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.fit();
      });
    }
  }

  /** Fits now. A place that is hidden has no size, and changes nothing. */
  fit(): void {
    const size = this.#fitAddon.proposeDimensions();
    if (size !== undefined && Number.isFinite(size.cols) && Number.isFinite(size.rows)) {
      this.terminal.resize(Math.min(size.cols, MAX_COLS), Math.min(size.rows, MAX_ROWS));
    }
  }

  /** The cells have another size, which nobody did: fits, and tells only what has come of it. */
  refit(): void {
    this.quietly(() => this.fit());
    this.listener.settled({ cols: this.terminal.cols, rows: this.terminal.rows });
  }

  /** Lets `step` change the size as it needs to. Nobody is told. */
  quietly(step: () => void): void {
    this.#quiet = true;
    clearTimeout(this.#settle);
    step();
    this.#quiet = false;
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#settle);
    this.#all.dispose();
  }

  #resized({ cols, rows }: Resize): void {
    if (this.#quiet) {
      return;
    }
    const size = { cols, rows };
    this.listener.changing(size);
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.listener.settled(size), SETTLE);
  }

  /** A media query names one resolution: after each change a new one is needed. */
  #followResolution(): void {
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    this.#all.add(
      listen(
        query,
        'change',
        () => {
          this.request();
          this.#followResolution();
        },
        { once: true },
      ),
    );
  }
}
