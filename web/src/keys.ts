/** Which keys are the terminal's, which the browser's, and which the page's own. Knows no DOM. */

/** What a key event is for. */
export type KeyUse = 'terminal' | 'browser' | 'copy';

export type Key = Pick<
  KeyboardEvent,
  'type' | 'key' | 'code' | 'ctrlKey' | 'shiftKey' | 'altKey' | 'metaKey' | 'isComposing'
>;

/** How long after Esc a Tab leaves the terminal, in milliseconds. */
const LEAVE_WITHIN = 2_000;

export class Keys {
  #escapeAt = Number.NEGATIVE_INFINITY;

  /**
   * `typing`: there is a shell that gets the keys. `selected`: text is selected.
   * `now`: milliseconds of any monotonic clock.
   */
  use(key: Key, typing: boolean, selected: boolean, now: number): KeyUse {
    if (key.isComposing) {
      return 'terminal';
    }
    if (isCopy(key)) {
      return key.metaKey && !selected ? 'browser' : 'copy';
    }
    if (isPaste(key) || isZoom(key) || key.key === 'F11') {
      return 'browser';
    }
    return this.#leaves(key, typing, now) ? 'browser' : 'terminal';
  }

  /** Tab moves on when nobody is there to take it, and after Esc: the way out for the keyboard. */
  #leaves(key: Key, typing: boolean, now: number): boolean {
    if (key.key === 'Tab' && !key.ctrlKey && !key.altKey && !key.metaKey) {
      return !typing || now - this.#escapeAt <= LEAVE_WITHIN;
    }
    if (key.type === 'keydown' && key.key !== 'Shift') {
      this.#escapeAt = key.key === 'Escape' ? now : Number.NEGATIVE_INFINITY;
    }
    return false;
  }
}

function isCopy(key: Key): boolean {
  if (key.altKey) {
    return false;
  }
  const { ctrlKey, shiftKey, metaKey } = key;
  return (
    (ctrlKey && shiftKey && !metaKey && isLetter(key, 'c', 'x')) ||
    (metaKey && !ctrlKey && !shiftKey && isLetter(key, 'c')) ||
    (ctrlKey && !shiftKey && !metaKey && key.key === 'Insert')
  );
}

function isPaste(key: Key): boolean {
  if (key.altKey) {
    return false;
  }
  const { ctrlKey, shiftKey, metaKey } = key;
  return (
    (ctrlKey && shiftKey && !metaKey && isLetter(key, 'v')) ||
    (metaKey && !ctrlKey && isLetter(key, 'v')) ||
    (shiftKey && !ctrlKey && !metaKey && key.key === 'Insert')
  );
}

function isZoom(key: Key): boolean {
  return (key.ctrlKey || key.metaKey) && !key.altKey && !key.shiftKey && /^[-=+0]$/.test(key.key);
}

/** By what is printed on the key, or by its place where the layout has no such letter. */
function isLetter(key: Key, ...letters: string[]): boolean {
  const printed = key.key.toLowerCase();
  return (
    letters.includes(printed) ||
    (!/^[a-z]$/.test(printed) && letters.some((l) => key.code === `Key${l.toUpperCase()}`))
  );
}
