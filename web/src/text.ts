/** Makes text that a host or a server chose fit to stand in the page's own words. */

// Invisible and bidi-steering format characters, and halves of surrogate pairs.
const INVISIBLE = /[\p{Cf}\p{Cs}]+/gu;
// Control characters, line and paragraph separators, and all blanks.
const BLANK = /[\p{Cc}\s]+/gu;

/** One line of printable text, at most `max` characters long. */
export function plainText(text: string, max: number): string {
  const line = text.replace(INVISIBLE, '').replace(BLANK, ' ').trim();
  const characters = Array.from(line.slice(0, 2 * max + 2));
  return characters.length > max ? `${characters.slice(0, max - 1).join('')}…` : line;
}

const TITLE_MAX = 256;

/** The window's title: always begins with our own word, so that a host cannot pose as another page. */
export function windowTitle(fromHost: string): string {
  const title = plainText(fromHost, TITLE_MAX);
  return title === '' ? 'Terminal' : `Terminal · ${title}`;
}
