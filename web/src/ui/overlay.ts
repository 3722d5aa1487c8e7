/** The one place on the page that says how the session stands. */
import { type Disposable, listen } from '../lifecycle';
import type { State } from '../state';
import { view } from './view';

export class Overlay implements Disposable {
  readonly #action: HTMLButtonElement;
  readonly #onAction: Disposable;

  constructor(
    private readonly root: HTMLElement,
    retry: () => void,
  ) {
    this.#action = this.#part('action') as HTMLButtonElement;
    this.#onAction = listen(this.#action, 'click', retry);
  }

  show(state: State): void {
    const shown = view(state);
    this.root.dataset['layout'] = shown.layout;
    this.root.dataset['tone'] = shown.tone;
    this.root.dataset['step'] = shown.step ?? '';
    this.#text('title', shown.title);
    this.#text('message', shown.message);
    this.#text('advice', shown.advice);
    this.#text('code', shown.code);
    this.#action.hidden = !shown.retry;
  }

  dispose(): void {
    this.#onAction.dispose();
  }

  #text(name: string, text: string): void {
    const part = this.#part(name);
    part.hidden = text === '';
    if (part.textContent !== text) {
      part.textContent = text;
    }
  }

  #part(name: string): HTMLElement {
    const part = this.root.querySelector<HTMLElement>(`[data-part=${name}]`);
    if (part === null) {
      throw new Error(`The page has no part named ${name}.`);
    }
    return part;
  }
}
