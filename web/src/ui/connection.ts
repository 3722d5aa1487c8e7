/** The button in the corner that shows how the connection is protected, and the bar that warns where it is not. */
import { type Disposable, Disposables, listen } from '../lifecycle';
import type { Details, SessionDetails } from '../protocol.gen';
import { caution, hopTitle, isWeakAnywhere, type Row, rows } from './details';
import { part, write } from './parts';

export class ConnectionPanel implements Disposable {
  readonly #all = new Disposables();
  readonly #toggle: HTMLElement;
  readonly #panel: HTMLElement;
  #isKnown = false;
  #isConnected = false;

  constructor(private readonly root: HTMLElement) {
    this.#toggle = part(root, 'toggle');
    this.#panel = part(root, 'panel');
    // On a small screen it scrolls, by keys too.
    this.#panel.tabIndex = 0;
    this.#all.add(listen(this.#toggle, 'click', () => this.#open(this.#isClosed)));
    this.#all.add(
      listen(root, 'keydown', (event) => {
        if (event instanceof KeyboardEvent && event.key === 'Escape' && !this.#isClosed) {
          this.#open(false);
          this.#toggle.focus();
        }
      }),
    );
    this.#all.add(
      listen(document, 'pointerdown', (event) => {
        if (event.target instanceof Node && !root.contains(event.target)) {
          this.#open(false);
        }
      }),
    );
  }

  /** What is known now. */
  tell(details: SessionDetails): void {
    this.#isKnown = true;
    this.root.dataset['tone'] = isWeakAnywhere(details) ? 'trouble' : 'calm';
    part(this.root, 'rows').replaceChildren(...rows(details).flatMap(shown));
    const hops = part(this.root, 'hops');
    hops.hidden = details.hops.length === 0;
    hops.replaceChildren(...details.hops.map(folded));
    this.show(this.#isConnected);
  }

  /** Whether there is a connection to look at. */
  show(connected: boolean): void {
    this.#isConnected = connected;
    this.root.hidden = !(connected && this.#isKnown);
    if (this.root.hidden) {
      this.#open(false);
    }
  }

  dispose(): void {
    this.#all.dispose();
    this.root.hidden = true;
  }

  get #isClosed(): boolean {
    return this.#panel.hidden !== false;
  }

  #open(open: boolean): void {
    this.#panel.hidden = !open;
    this.#toggle.ariaExpanded = String(open);
  }
}

function shown({ term, words }: Row): HTMLElement[] {
  const name = document.createElement('dt');
  const value = document.createElement('dd');
  name.textContent = term;
  value.textContent = words;
  return [name, value];
}

/** A jump host, as an item of the list of them. */
function folded(hop: Details): HTMLElement {
  const [item, details] = [document.createElement('li'), document.createElement('details')];
  const [title, list] = [document.createElement('summary'), document.createElement('dl')];
  title.textContent = hopTitle(hop);
  list.replaceChildren(...rows(hop).flatMap(shown));
  details.append(title, list);
  item.append(details);
  return item;
}

/** Warns until somebody has read it, once for each page. */
export class CautionBar implements Disposable {
  readonly #all = new Disposables();
  #isRead = false;
  #warns = false;
  #isConnected = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly read: () => void,
  ) {
    this.#all.add(
      listen(part(root, 'read'), 'click', () => {
        this.#isRead = true;
        this.root.hidden = true;
        this.read();
      }),
    );
  }

  tell(details: SessionDetails): void {
    const words = caution(details);
    this.#warns = words !== null;
    write(part(this.root, 'title'), words?.title ?? '');
    write(part(this.root, 'hint'), words?.hint ?? '');
    this.show(this.#isConnected);
  }

  show(connected: boolean): void {
    this.#isConnected = connected;
    this.root.hidden = !connected || !this.#warns || this.#isRead;
  }

  dispose(): void {
    this.#all.dispose();
    this.root.hidden = true;
  }
}
