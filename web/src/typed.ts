/** What was typed, as a person would name it: one word or sign per key. Pure. */
import type { InputPiece } from './input';

const ESC = '\u001b';

// What follows Esc in reports of the pointer and the focus: they are of the moment, and later they are wrong.
const OF_THE_MOMENT = [/^\[[IO]/, /^\[<[\d;]+[Mm]/, /^\[M[\s\S]{3}/];

// And in what the terminal answers to a program, and what a paste is wrapped in. Nobody typed them.
const UNTYPED = [
  ...OF_THE_MOMENT,
  /^\[[?>]?[\d;]*[cn]/,
  /^\[\??\d+;\d+R/,
  /^\[\??[\d;]+\$y/,
  /^\[\?\d+u/,
  /^\[[468];\d+;\d+t/,
  /^[P\]]\P{Cc}*\p{Cc}\\?/u,
  /^\[20[01]~/,
];

const SEQUENCE = /^(\[[0-?]*[ -/]*[@-~]|O[ -~])/;

const NAMED: Record<string, string> = {
  '\r': '⏎',
  '\n': '⏎',
  '\t': '⇥',
  '\b': '⌫',
  '\u007f': '⌫',
  ' ': '␣',
  '[A': '↑',
  '[B': '↓',
  '[C': '→',
  '[D': '←',
  OA: '↑',
  OB: '↓',
  OC: '→',
  OD: '←',
  '[H': 'Home',
  '[F': 'End',
  OH: 'Home',
  OF: 'End',
  '[Z': '⇧⇥',
  '[2~': 'Ins',
  '[3~': 'Del',
  '[5~': 'PgUp',
  '[6~': 'PgDn',
  OP: 'F1',
  OQ: 'F2',
  OR: 'F3',
  OS: 'F4',
};

/** The keys that were typed. What a terminal answers by itself is none. */
export function keysOf(pieces: readonly InputPiece[]): string[] {
  return pieces.flatMap((piece) => (typeof piece === 'string' ? keysOfText(piece) : keysOfBytes(piece)));
}

/** Whether it says only where the pointer is, or whether the terminal has the focus. */
export function isOfTheMoment(piece: InputPiece): boolean {
  const text = typeof piece === 'string' ? piece : String.fromCharCode(...piece.subarray(0, 6));
  return (
    piece.length > 1 && text.startsWith(ESC) && lengthOf(OF_THE_MOMENT, text.slice(1)) === piece.length - 1
  );
}

function keysOfText(text: string): string[] {
  const keys: string[] = [];
  let rest = text;
  while (rest !== '') {
    const begun = rest.startsWith(ESC);
    const untyped = begun ? lengthOf(UNTYPED, rest.slice(1)) : 0;
    const length = begun
      ? 1 + (untyped || lengthOf([SEQUENCE], rest.slice(1)))
      : String.fromCodePoint(rest.codePointAt(0) ?? 0).length;
    if (untyped === 0) {
      keys.push(nameOf(rest.slice(0, length)));
    }
    rest = rest.slice(length);
  }
  return keys;
}

/** How much of the text the first pattern that fits takes. */
function lengthOf(patterns: RegExp[], text: string): number {
  for (const pattern of patterns) {
    const found = pattern.exec(text);
    if (found !== null) {
      return found[0].length;
    }
  }
  return 0;
}

/** Bytes are the rest of a character that was cut, or a report of the pointer in its oldest form. */
function keysOfBytes(bytes: Uint8Array): string[] {
  return isOfTheMoment(bytes) ? [] : keysOfText(new TextDecoder().decode(bytes));
}

function nameOf(key: string): string {
  if (key.startsWith(ESC)) {
    return NAMED[key.slice(1)] ?? `Esc${key.slice(1)}`;
  }
  const named = NAMED[key];
  if (named !== undefined) {
    return named;
  }
  const code = key.charCodeAt(0);
  return code < 0x20 ? `^${String.fromCharCode(code + 0x40)}` : visible(key);
}

/** Signs that cannot be seen, or that would turn what follows around, are named by their number. */
function visible(character: string): string {
  return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/u.test(character)
    ? `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
    : character;
}
