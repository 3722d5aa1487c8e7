/** The form that stands on the card while the gateway waits for an answer. */
import { type Disposable, Disposables, listen } from '../lifecycle';
import type { Given } from '../questions';
import type { Asked } from '../state';
import { FieldsPart } from './fields';
import { HostKeyPart } from './host_key';

export interface QuestionListener {
  answer(given: Given): void;
  /** The fingerprint is on the clipboard, or could not be put there. */
  copied(done: boolean): void;
}

export class QuestionForm implements Disposable {
  readonly #all = new Disposables();
  readonly #hostKey: HostKeyPart;
  readonly #fields: FieldsPart;
  #shown: Asked['question'] | null = null;

  constructor(
    private readonly root: HTMLElement,
    private readonly listener: QuestionListener,
  ) {
    const answer = (given: Given) => listener.answer(given);
    this.#hostKey = this.#all.add(new HostKeyPart(root, answer, (done) => listener.copied(done)));
    this.#fields = this.#all.add(new FieldsPart(root, answer));
    this.#all.add(listen(root, 'keydown', (event) => this.#onKey(event as KeyboardEvent)));
  }

  show(asked: Asked | null): void {
    const question = asked?.question ?? null;
    if (question !== this.#shown) {
      this.#shown = question;
      this.#replace(question);
    }
    if (asked?.answered) {
      this.#hostKey.close();
      this.#fields.close();
    }
  }

  dispose(): void {
    this.#all.dispose();
  }

  #replace(question: Asked['question'] | null): void {
    this.root.hidden = question === null;
    this.#hostKey.close();
    this.#fields.clear();
    if (question === null) {
      return;
    }
    const isHostKey = question.host_key !== undefined;
    this.root.dataset['asks'] = isHostKey ? 'host-key' : 'fields';
    this.root.role = isHostKey ? 'alertdialog' : 'dialog';
    const shown = isHostKey ? this.#hostKey : this.#fields;
    shown.show(question);
    // In a frame that does not have the keyboard it stays with whoever has.
    if (window.top === window || document.hasFocus()) {
      shown.focus();
    }
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape' && !event.isComposing && !event.repeat) {
      event.preventDefault();
      this.listener.answer({ cancel: true });
    }
  }
}
