/** Bars over an open session: it will end, keys wait for a decision, the gateway is not heard. */
import { type Disposable, Disposables, listen } from '../lifecycle';
import type { Ending } from '../state';
import { Clock, duration, secondsUntil } from './clock';
import { part, write } from './parts';
import { endingWords, heldWords, keysShown, leftWords } from './view';

/** Counts down to the end of the session. */
export class EndingBar implements Disposable {
  readonly #all = new Disposables();
  #shown: Ending | null = null;
  readonly #clock = this.#all.add(new Clock());

  constructor(
    private readonly root: HTMLElement,
    stay: () => void,
  ) {
    this.#all.add(listen(part(root, 'stay'), 'click', stay));
  }

  show(ending: Ending | null): void {
    this.root.hidden = ending === null;
    if (ending === null) {
      this.#shown = null;
      this.#clock.stop();
      this.#say('', '');
      return;
    }
    const { title, stays } = endingWords(ending.code);
    const left = () => leftWords(secondsUntil(ending.at));
    if (this.#shown !== ending) {
      this.#say(title, left());
    }
    this.#shown = ending;
    part(this.root, 'stay').hidden = !stays;
    this.#clock.run(() => write(part(this.root, 'left'), left()));
  }

  /** What a screen reader says by itself: the time as it is now, and not again each second. */
  #say(title: string, left: string): void {
    write(part(this.root, 'title'), title);
    write(part(this.root, 'first'), left);
  }

  dispose(): void {
    this.#all.dispose();
  }
}

export interface HeldChoice {
  /** The keys by their names, to be shown when the user asks. */
  keys(): string[];
  send(): void;
  discard(): void;
}

/** Asks what becomes of keys that were typed too long ago. They may be a password: they are shown only on demand. */
export class HeldBar implements Disposable {
  readonly #all = new Disposables();
  #shown = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly choice: HeldChoice,
  ) {
    this.#all.add(listen(part(root, 'send'), 'click', () => choice.send()));
    this.#all.add(listen(part(root, 'discard'), 'click', () => choice.discard()));
    this.#all.add(listen(part(root, 'show'), 'click', () => this.#reveal(!this.#shown)));
    this.#reveal(false);
  }

  show(keys: number): void {
    const appears = keys > 0;
    if (appears === this.root.hidden) {
      this.#reveal(false);
    }
    this.root.hidden = !appears;
    write(part(this.root, 'title'), appears ? heldWords(keys) : '');
  }

  dispose(): void {
    this.#all.dispose();
  }

  #reveal(shown: boolean): void {
    this.#shown = shown;
    const keys = part(this.root, 'keys');
    keys.hidden = !shown;
    write(keys, shown ? keysShown(this.choice.keys()) : '');
    const button = part(this.root, 'show');
    write(button, shown ? 'Hide' : 'Show');
    button.ariaExpanded = String(shown);
  }
}

/** Says for how long nothing was heard. */
export class ContactBar implements Disposable {
  readonly #clock = new Clock();

  constructor(private readonly root: HTMLElement) {}

  show(silentSince: number | null): void {
    this.root.hidden = silentSince === null;
    if (silentSince === null) {
      this.#clock.stop();
    } else {
      this.#clock.run(() => {
        const seconds = Math.floor((Date.now() - silentSince) / 1000);
        write(part(this.root, 'time'), `for ${duration(seconds)}`);
      });
    }
  }

  dispose(): void {
    this.#clock.dispose();
  }
}
