/** The one place on the page that says how the session stands. */
import { type Disposable, Disposables, listen } from '../lifecycle';
import type { NextTry, State } from '../state';
import { Clock, duration, secondsUntil } from './clock';
import { part, write, writePart } from './parts';
import { type Act, view } from './view';

export class Overlay implements Disposable {
  readonly #all = new Disposables();
  readonly #clock = this.#all.add(new Clock());
  #act: Act | null = null;

  constructor(
    private readonly root: HTMLElement,
    act: (act: Act) => void,
  ) {
    // It is longer than the card, and scrolls by keys too.
    part(root, 'more-lines').tabIndex = 0;
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
    writePart(this.root, 'title', shown.title);
    writePart(this.root, 'message', shown.message);
    writePart(this.root, 'advice', shown.advice);
    part(this.root, 'more').hidden = !shown.more;
    write(part(this.root, 'more-lines'), shown.more ?? '');
    writePart(this.root, 'code', shown.code);
    this.#due(shown.due, shown.until);
    this.#act = shown.action?.act ?? null;
    writePart(this.root, 'action', shown.action?.label ?? '');
    part(this.root, 'action').ariaLabel = shown.action?.name ?? null;
  }

  dispose(): void {
    this.#all.dispose();
  }

  /** Not among the words that a screen reader says by itself: it changes all the time. */
  #due(due: NextTry | undefined, until: number | undefined): void {
    if (until !== undefined) {
      this.#clock.run(() =>
        writePart(this.root, 'due', `You have ${duration(secondsUntil(until))} to answer.`),
      );
    } else if (due === undefined || due === null) {
      this.#clock.stop();
      writePart(this.root, 'due', due === null ? 'trying now' : '');
    } else {
      this.#clock.run(() => writePart(this.root, 'due', `next try in ${secondsUntil(due)} s`));
    }
  }
}
