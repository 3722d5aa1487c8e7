/** The one place on the page that says how the session stands. */
import { type Disposable, Disposables, listen } from '../lifecycle';
import type { NextTry, State } from '../state';
import { Clock, duration, secondsUntil } from './clock';
import { part, write } from './parts';
import { type Act, view } from './view';

export class Overlay implements Disposable {
  readonly #all = new Disposables();
  readonly #clock = this.#all.add(new Clock());
  #act: Act | null = null;

  constructor(
    private readonly root: HTMLElement,
    act: (act: Act) => void,
  ) {
    this.#all.add(
      listen(part(root, 'action'), 'click', () => {
        if (this.#act !== null) {
          act(this.#act);
        }
      }),
    );
  }

  show(state: State): void {
    const shown = view(state);
    this.root.dataset['layout'] = shown.layout;
    this.root.dataset['tone'] = shown.tone;
    this.root.dataset['step'] = shown.step ?? '';
    // Whoever gets the focus moved to the question hears these words with it, and not a second time.
    const heard = shown.until !== undefined && document.hasFocus();
    part(this.root, 'text').ariaLive = heard ? 'off' : 'polite';
    this.#text('title', shown.title);
    this.#text('message', shown.message);
    this.#text('advice', shown.advice);
    this.#text('code', shown.code);
    this.#due(shown.due, shown.until);
    this.#act = shown.action?.act ?? null;
    this.#text('action', shown.action?.label ?? '');
    part(this.root, 'action').ariaLabel = shown.action?.name ?? null;
  }

  dispose(): void {
    this.#all.dispose();
  }

  /** Not among the words that a screen reader says by itself: it changes all the time. */
  #due(due: NextTry | undefined, until: number | undefined): void {
    if (until !== undefined) {
      this.#clock.run(() => this.#text('due', `You have ${duration(secondsUntil(until))} to answer.`));
    } else if (due === undefined || due === null) {
      this.#clock.stop();
      this.#text('due', due === null ? 'trying now' : '');
    } else {
      this.#clock.run(() => this.#text('due', `next try in ${secondsUntil(due)} s`));
    }
  }

  #text(name: string, text: string): void {
    const element = part(this.root, name);
    element.hidden = text === '';
    write(element, text);
  }
}
