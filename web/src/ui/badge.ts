/** A few words at the edge of the page that go away by themselves. */
import type { Disposable } from '../lifecycle';

export class Badge implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly element: HTMLElement,
    private readonly milliseconds: number,
  ) {}

  show(text: string): void {
    clearTimeout(this.#timer);
    this.element.textContent = text;
    this.element.hidden = false;
    this.#timer = setTimeout(() => this.hide(), this.milliseconds);
  }

  /** Shows it for as long as nobody hides it. */
  keep(text: string): void {
    this.show(text);
    clearTimeout(this.#timer);
  }

  hide(): void {
    clearTimeout(this.#timer);
    this.element.hidden = true;
    this.element.textContent = '';
  }

  dispose(): void {
    this.hide();
  }
}
