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

const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/u;
const ODD_BLANK = /[\p{Cc}\s]/gu;

/**
 * Printable text that keeps its lines and their indentation, as menus in prompts have them: at most
 * `max` characters long, without blank lines around it, and with one at most in between.
 */
export function plainLines(text: string, max: number): string {
  const lines = text
    .slice(0, 2 * max + 2)
    .split(LINE_END)
    .map((line) => line.replace(INVISIBLE, '').replaceAll('\t', '    ').replace(ODD_BLANK, ' ').trimEnd());
  const whole = lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/^\n+|\n+$/g, '');
  const characters = Array.from(whole);
  return characters.length > max || text.length > 2 * max + 2
    ? `${characters.slice(0, max - 1).join('')}…`
    : whole;
}

const TITLE_MAX = 256;

/** The window's title: always begins with our own word, so that a host cannot pose as another page. */
export function windowTitle(fromHost: string): string {
  const title = plainText(fromHost, TITLE_MAX);
  return title === '' ? 'Terminal' : `Terminal · ${title}`;
}
