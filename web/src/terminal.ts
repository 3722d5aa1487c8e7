/**
 * The terminal emulator, set up for untrusted hosts. Owns xterm.js and its addons; nobody else
 * touches them. Knows no session: what is typed goes to a listener.
 */
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { Terminal } from '@xterm/xterm';
import type { Picture, Screen } from './around';
import { copyText } from './clipboard';
import { FONT, fontSize, isTouch } from './font';
import type { InputPiece } from './input';
import { Keys } from './keys';
import { type Disposable, Disposables } from './lifecycle';
import { addTextLinks, type LinkPreview, linkHandler } from './links';
import type { Resize } from './protocol.gen';
import { useGpu } from './renderer';
import { Sizing } from './sizing';
import { appearance, onAppearanceChange } from './theme';

/** Resets the terminal, its history as well. */
const RESET = '\u001bc';

export interface TerminalListener {
  input(piece: InputPiece): void;
  resizing(size: Resize): void;
  resized(size: Resize): void;
  title(title: string): void;
  copied(done: boolean): void;
  /** Enter was pressed while nobody takes keys. */
  enter(): void;
}

export class TerminalView implements Screen, Disposable {
  readonly #terminal: Terminal;
  readonly #sizing: Sizing;
  readonly #keys = new Keys();
  readonly #all = new Disposables();
  #tabLeaves = false;
  /** A picture is next to be read, and its first words reset the terminal. */
  #pictures = 0;
  /** A picture is being read: what the terminal says meanwhile answers nobody. */
  #mute = false;

  constructor(
    private readonly place: HTMLElement,
    private readonly listener: TerminalListener,
    preview: LinkPreview,
  ) {
    this.#terminal = this.#all.add(new Terminal(options(place, preview)));
    this.#sizing = this.#all.add(
      new Sizing(this.#terminal, {
        changing: (size) => listener.resizing(size),
        settled: (size) => listener.resized(size),
      }),
    );
    this.#terminal.loadAddon(new UnicodeGraphemesAddon());
    addTextLinks(this.#terminal, preview);
    this.#subscribe();

    this.#terminal.open(place);
    this.#sizing.follow(place);
    if (!isTouch()) {
      this.#all.add(useGpu(this.#terminal, () => this.#sizing.refit()));
    }
  }

  get size(): Resize {
    return { cols: this.#terminal.cols, rows: this.#terminal.rows };
  }

  write(bytes: Uint8Array, processed: () => void): void {
    this.#terminal.write(bytes, processed);
  }

  /** In one step, so that nothing half-made is ever seen and no key falls in between. */
  restore({ cols, rows, snapshot }: Picture): void {
    this.#sizing.quietly(() => {
      this.#terminal.resize(cols, rows);
      this.#terminal.write('', () => {
        this.#pictures += 1;
      });
      this.#terminal.write(joined(new TextEncoder().encode(RESET), snapshot), () => {
        this.#pictures -= 1;
        this.#mute = false;
      });
      this.#sizing.fit();
    });
  }

  /** Whether keys and pastes are taken. Selecting, scrolling and copying always work. */
  set typing(typing: boolean) {
    this.#terminal.options.disableStdin = !typing;
  }

  /** Whether Tab goes on to what the page asks, instead of to the shell. */
  set tabLeaves(leaves: boolean) {
    this.#tabLeaves = leaves;
  }

  /** The text that a screen reader says on entering the terminal. */
  describeBy(id: string): void {
    this.#terminal.textarea?.setAttribute('aria-describedby', id);
  }

  focus(): void {
    this.#terminal.focus();
  }

  dispose(): void {
    this.#all.dispose();
  }

  #subscribe(): void {
    const terminal = this.#terminal;
    this.#all.add(terminal.onData((text) => this.#input(text)));
    this.#all.add(terminal.onBinary((latin1) => this.#input(bytesOf(latin1))));
    this.#all.add(
      terminal.parser.registerEscHandler({ final: 'c' }, () => {
        this.#mute = this.#pictures > 0;
        return false;
      }),
    );
    this.#all.add(terminal.onTitleChange((title) => this.listener.title(title)));
    this.#all.add(onAppearanceChange(() => Object.assign(terminal.options, appearance(this.place))));
    terminal.attachCustomKeyEventHandler((event) => this.#onKey(event));
  }

  #input(piece: InputPiece): void {
    if (!this.#mute) {
      this.listener.input(piece);
    }
  }

  /** False: xterm.js leaves the key alone. */
  #onKey(event: KeyboardEvent): boolean {
    const typing = this.#terminal.options.disableStdin !== true;
    if (!typing && isEnter(event)) {
      this.listener.enter();
    }
    const use = this.#keys.use(
      event,
      typing && !this.#tabLeaves,
      this.#terminal.hasSelection(),
      event.timeStamp,
    );
    if (use === 'copy') {
      event.preventDefault();
      if (event.type === 'keydown') {
        void this.#copy();
      }
    }
    return use === 'terminal';
  }

  async #copy(): Promise<void> {
    if (this.#terminal.hasSelection()) {
      this.listener.copied(await copyText(this.#terminal.getSelection()));
    }
  }
}

/** No window operation is allowed, nothing is logged, and links open only through `linkHandler`. */
function options(place: HTMLElement, preview: LinkPreview) {
  return {
    ...appearance(place),
    allowProposedApi: true,
    cursorBlink: false,
    disableStdin: true,
    fontFamily: FONT,
    fontSize: fontSize(),
    linkHandler: linkHandler(preview),
    logLevel: 'off' as const,
    rescaleOverlappingGlyphs: true,
    scrollback: 10_000,
    vtExtensions: { kittyKeyboard: true },
    windowOptions: {},
  };
}

/** Pressed on purpose: not held down from before, and no part of a composed word. */
function isEnter(event: KeyboardEvent): boolean {
  const plain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey;
  return event.type === 'keydown' && event.key === 'Enter' && plain && !event.repeat && !event.isComposing;
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}

/** xterm.js gives legacy mouse reports as text of which every character is one byte. */
function bytesOf(latin1: string): Uint8Array {
  return Uint8Array.from(latin1, (character) => character.charCodeAt(0));
}
