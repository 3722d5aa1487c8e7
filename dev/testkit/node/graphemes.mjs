// Prints crates/screen/src/graphemes/runs.rs: what the page's grapheme addon knows of each code point.
//
//   node graphemes.mjs > ../../../crates/screen/src/graphemes/runs.rs
//
// A number is `first code point << 5 | wide << 4 | grapheme break class`. Hangul syllables are left to
// arithmetic and stand here as one run.
import { newTerminal } from './terminal.mjs';

const unicode = newTerminal(80, 24)._core.unicodeService;
const HANGUL = { first: 0xac00, last: 0xd7a3, each: 28, lv: 8, lvt: 9 };
const numbers = [];
let before = -1;
for (let code = 0; code <= 0x10ffff; code += 1) {
  const properties = unicode.charProperties(code, 0);
  const wide = ((properties >> 1) & 3) === 2 ? 1 : 0;
  let known = (wide << 4) | ((properties >> 3) & 15);
  if (code >= HANGUL.first && code <= HANGUL.last) {
    const expected = (code - HANGUL.first) % HANGUL.each === 0 ? HANGUL.lv : HANGUL.lvt;
    if (known !== (16 | expected)) throw new Error(`U+${code.toString(16)} is not as expected`);
    known = 16 | HANGUL.lvt;
  }
  if (known !== before) numbers.push(code * 32 + known);
  before = known;
}
const words = numbers.map((number) => `0x${number.toString(16).padStart(7, '0')},`);
const lines = [];
for (let index = 0; index < words.length; index += 10) lines.push(`    ${words.slice(index, index + 10).join(' ')}`);
process.stdout.write(`//! Widths and grapheme break classes, made by \`dev/testkit/node/graphemes.mjs\`; a test repeats it.

/// \`first code point << 5 | wide << 4 | class\`, in order; each holds up to the next.
#[rustfmt::skip]
pub(super) static RUNS: [u32; ${numbers.length}] = [
${lines.join('\n')}
];
`);
