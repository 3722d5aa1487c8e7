/** The form in which a password, or whatever the server asks, is typed. What was typed leaves it at once. */
import { type Disposable, Disposables, listen } from '../lifecycle';
import type { Question } from '../protocol.gen';
import type { Given } from '../questions';
import { type FieldView, fieldViews, serverWords, submitLabel } from './asking';
import { part, SETTLES_AFTER, write, writePart } from './parts';

export class FieldsPart implements Disposable {
  readonly #all = new Disposables();
  #inputs: HTMLInputElement[] = [];
  #shownAt = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly answer: (given: Given) => void,
  ) {
    this.#all.add(
      listen(part(root, 'form'), 'submit', (event) => {
        event.preventDefault();
        this.#submit();
      }),
    );
    this.#all.add(listen(part(root, 'cancel'), 'click', () => answer({ cancel: true })));
    for (const type of ['keydown', 'keyup']) {
      this.#all.add(listen(part(root, 'form'), type, (event) => this.#watchCaps(event as KeyboardEvent)));
    }
  }

  show(question: Question): void {
    this.clear();
    this.#shownAt = performance.now();
    const byServer = question.kind === 'keyboard_interactive';
    const { name, instruction } = serverWords(question);
    part(this.root, 'server').dataset['says'] = String(byServer);
    writePart(this.root, 'says', byServer ? 'The server says:' : '');
    writePart(this.root, 'name', byServer ? name : '');
    writePart(this.root, 'instruction', byServer ? instruction : '');
    writePart(this.root, 'again', question.again ? 'That was not right. Try again.' : '');
    writePart(this.root, 'caps', '');
    write(part(this.root, 'submit'), submitLabel(question.kind));
    const fields = fieldViews(question).map(newField);
    this.#inputs = fields.map(({ input }) => input);
    part(this.root, 'fields').replaceChildren(userName(question.target), ...fields.map(({ field }) => field));
    const says = part(this.root, 'instruction');
    // What has to be scrolled can be reached with the keyboard.
    says.tabIndex = says.scrollHeight > says.clientHeight ? 0 : -1;
    this.#controls.disabled = false;
  }

  focus(): void {
    (this.#inputs[0] ?? part(this.root, 'submit')).focus();
  }

  /** It is answered. */
  close(): void {
    for (const input of this.#inputs) {
      input.value = '';
    }
    this.#controls.disabled = true;
  }

  /** Nothing of it is left. */
  clear(): void {
    this.close();
    this.#inputs = [];
    part(this.root, 'fields').replaceChildren();
  }

  dispose(): void {
    this.clear();
    this.#all.dispose();
  }

  get #controls(): HTMLFieldSetElement {
    return part(this.root, 'controls', HTMLFieldSetElement);
  }

  #submit(): void {
    const answers = this.#inputs.map(({ value }) => value);
    const settles = performance.now() - this.#shownAt < SETTLES_AFTER;
    if (settles && answers.every((answer) => answer === '')) {
      return;
    }
    this.answer({ answers });
  }

  #watchCaps(event: KeyboardEvent): void {
    // A browser that fills a field in sends events of keys that are none.
    if (event.target instanceof HTMLInputElement && typeof event.getModifierState === 'function') {
      const hidden = event.target.type === 'password';
      writePart(this.root, 'caps', hidden && event.getModifierState('CapsLock') ? 'Caps Lock is on.' : '');
    }
  }
}

/** Never seen: tells a password manager whose the password is. */
function userName(target: string): HTMLInputElement {
  const input = document.createElement('input');
  Object.assign(input, {
    type: 'text',
    name: 'username',
    autocomplete: 'username',
    value: target,
    hidden: true,
  });
  return input;
}

function newField(view: FieldView, at: number): { field: HTMLElement; input: HTMLInputElement } {
  const label = document.createElement('label');
  label.htmlFor = `answer-${at}`;
  const lines = view.label.split('\n');
  const asks = document.createElement('b');
  asks.textContent = lines.pop() ?? '';
  label.append(...lines.map((line) => `${line}\n`), asks);
  const input = document.createElement('input');
  Object.assign(input, {
    id: label.htmlFor,
    name: view.autocomplete === 'current-password' ? 'password' : label.htmlFor,
    type: view.type,
    autocomplete: view.autocomplete,
    required: view.required,
    autocapitalize: 'none',
    spellcheck: false,
    enterKeyHint: 'go',
  });
  input.setAttribute('autocorrect', 'off');
  const field = document.createElement('div');
  field.className = 'field';
  field.append(label, input);
  return { field, input };
}
