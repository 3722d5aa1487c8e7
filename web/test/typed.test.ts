import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOfTheMoment, keysOf } from '../src/typed';

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe('keys', () => {
  it.each([
    ['ls -l\r', ['l', 's', '␣', '-', 'l', '⏎']],
    ['é日🚀', ['é', '日', '🚀']],
    ['\u0003\u0004\u001a', ['^C', '^D', '^Z']],
    ['\t\u007f\b', ['⇥', '⌫', '⌫']],
    ['\u001b', ['Esc']],
    ['\u001b[A\u001bOB\u001b[3~\u001bOP\u001b[Z', ['↑', '↓', 'Del', 'F1', '⇧⇥']],
    ['\u001b[1;5C\u001b[97;5u', ['Esc[1;5C', 'Esc[97;5u']],
    ['\u001bx', ['Esc', 'x']],
    ['\u001b[200~a\rb\u001b[201~', ['a', '⏎', 'b']],
    ['a\u202eb\u200b', ['a', 'U+202E', 'b', 'U+200B']],
  ])('of %j are named', (text, keys) => {
    expect(keysOf([text])).toEqual(keys);
  });

  it.each([
    '\u001b[I',
    '\u001b[O',
    '\u001b[<0;12;7M',
    '\u001b[M #$',
    '\u001b[?1;2c',
    '\u001b[>0;276;0c',
    '\u001b[0n',
    '\u001b[12;5R',
    '\u001b[?12;5R',
    '\u001b[?2026;2$y',
    '\u001b[?1u',
    '\u001b[8;24;80t',
    '\u001bP>|xterm.js(6.1)\u001b\\',
    '\u001b]11;rgb:0f0f/1313/1818\u001b\\',
    '\u001b]10;rgb:ff/ff/ff\u0007',
  ])('are not what the terminal says by itself: %j', (report) => {
    expect(keysOf([report])).toEqual([]);
    expect(keysOf(['a', report + report, 'b'])).toEqual(['a', 'b']);
  });

  it('are counted over bytes as well, but not the pointer in them', () => {
    expect(keysOf([bytes('\u001b[M #$'), new TextEncoder().encode('é')])).toEqual(['é']);
  });

  it('are found in any text, and never look like an escape sequence', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const keys = keysOf([text]);
        expect(keys.join('')).not.toMatch(/\p{Cc}/u);
        expect(keys.length).toBeLessThanOrEqual(text.length);
      }),
    );
  });
});

it('the pointer and the focus are of the moment, answers and keys are not', () => {
  for (const text of ['\u001b[I', '\u001b[O', '\u001b[<35;1;1M']) {
    expect(isOfTheMoment(text)).toBe(true);
  }
  expect(isOfTheMoment(bytes('\u001b[M #\u00f0'))).toBe(true);
  for (const text of ['a', '\u001b', '\u001b[A', '\u001b[1;1R', '\u001b[Ix', 'x\u001b[I', '\u001b[?1;2c']) {
    expect(isOfTheMoment(text)).toBe(false);
  }
});
