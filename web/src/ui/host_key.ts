/** Asks whether a host is the right one. Nothing here accepts by an Enter that was meant for something else. */
import { copyText } from '../clipboard';
import { type Disposable, Disposables, listen } from '../lifecycle';
import type { Question } from '../protocol.gen';
import type { Given } from '../questions';
import { keyWords } from './asking';
import { part, SETTLES_AFTER, write } from './parts';

export class HostKeyPart implements Disposable {
  readonly #all = new Disposables();
  #settles: ReturnType<typeof setTimeout> | undefined;
  #settled = false;

  constructor(
    private readonly root: HTMLElement,
    answer: (given: Given) => void,
    copied: (done: boolean) => void,
  ) {
    this.#on('refuse', ({ detail }) => {
      const byKey = detail === 0;
      if (!byKey || this.#settled) {
        answer({ cancel: true });
      }
    });
    this.#on('accept', () => answer({ accept: this.#remember.checked ? 'remember' : 'once' }));
    this.#on('copy', async () => copied(await copyText(part(root, 'fingerprint').textContent ?? '')));
  }

  show(question: Question): void {
    for (const [name, text] of Object.entries(keyWords(question))) {
      write(part(this.root, name), text);
    }
    this.#remember.checked = false;
    part(this.root, 'choice').hidden = question.host_key?.can_remember !== true;
    part(this.root, 'randomart').hidden = !question.host_key?.randomart;
    this.#disable(false);
    this.#accept.disabled = true;
    this.#settled = false;
    this.#settles = setTimeout(() => {
      this.#settled = true;
      this.#accept.disabled = false;
    }, SETTLES_AFTER);
  }

  /** On a small screen what is asked stays in sight: it is to be read before anything is pressed. */
  focus(): void {
    this.#refuse.focus({ preventScroll: true });
  }

  /** It is answered. */
  close(): void {
    this.#disable(true);
  }

  dispose(): void {
    this.close();
    this.#all.dispose();
  }

  get #refuse(): HTMLButtonElement {
    return part(this.root, 'refuse', HTMLButtonElement);
  }

  get #accept(): HTMLButtonElement {
    return part(this.root, 'accept', HTMLButtonElement);
  }

  get #remember(): HTMLInputElement {
    return part(this.root, 'remember', HTMLInputElement);
  }

  #disable(disabled: boolean): void {
    clearTimeout(this.#settles);
    for (const control of [this.#refuse, this.#accept, this.#remember]) {
      control.disabled = disabled;
    }
  }

  #on(name: string, click: (event: MouseEvent) => void): void {
    this.#all.add(listen(part(this.root, name), 'click', (event) => click(event as MouseEvent)));
  }
}
