/** Finds and fills the named parts of a piece of the page. What is said goes in as text, never as markup. */
export function part(root: ParentNode, name: string): HTMLElement;
export function part<E extends HTMLElement>(root: ParentNode, name: string, kind: new () => E): E;
export function part(root: ParentNode, name: string, kind = HTMLElement): HTMLElement {
  const found = root.querySelector(`[data-part=${name}]`);
  if (!(found instanceof kind)) {
    throw new Error(`The page has no part named ${name}.`);
  }
  return found;
}

/**
 * A press so soon after something appeared, in milliseconds, was meant for what was there before.
 */
export const SETTLES_AFTER = 500;

/** Writes only what is new, so that a screen reader says nothing twice. */
export function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** Shows the part with these words, or not at all without any. */
export function writePart(root: ParentNode, name: string, text: string): void {
  const element = part(root, name);
  element.hidden = text === '';
  write(element, text);
}
