// Judges snapshots of a screen: is a terminal that was given one like the terminal that was given all?
//
//   node referee.mjs
//
// In, one line of JSON for each case: {cols, rows, steps}, with the steps
//   ["write", base64] | ["resize", cols, rows] | ["check", base64 of a snapshot]
// The terminal of the case takes all of them. A check gives the snapshot to another one, which was used and
// reset before, compares both, and lets the other one take all steps that follow; at the end they are
// compared again. Out, one line for each case: the differences, as many as fit.
import { createInterface } from 'node:readline';
import { FORGOTTEN, stateOf } from './state.mjs';
import { newTerminal } from './terminal.mjs';

const HISTORY = 1000;
const MOST_DIFFERENCES = 8;
// What a terminal is left with when its connection breaks at a bad moment.
const USED =
  'left over\r\n\x1b[?25l\x1b[20h\x1b]2;old\x07\x1b]4;1;#123456\x07\x1b]11;#654321\x07\x1b[4h\x1b[5;7r\x1b[?6h' +
  '\x1b[?7l\x1b(0\x1b[1;4;31m\x1b]8;;x:y\x07\x1b7\x1b[?1003h\x1b[?1006h\x1b[>5u\x1b[3 q\x1b[3g\x1b[?1049h\x1b]2;unfini';

/** A terminal, and what it told the page. */
class Watched {
  constructor(cols, rows) {
    this.terminal = newTerminal(cols, rows);
    this.title = undefined;
    this.colours = new Map();
    this.answers = '';
    this.terminal.onTitleChange((title) => {
      this.title = title;
    });
    this.terminal.onData((data) => {
      this.answers += data;
    });
    this.terminal._core._inputHandler.onColor((event) => this.#recolour(event));
  }

  #recolour(event) {
    for (const { type, index, color } of event) {
      if (type === 1) this.colours.set(index, color.join());
      else if (type === 2 && index !== undefined) this.colours.delete(index);
      else if (type === 2) for (let slot = 0; slot < 256; slot += 1) this.colours.delete(slot);
    }
  }

  write(bytes) {
    this.terminal._core.writeSync(bytes);
  }

  state() {
    const state = stateOf(this.terminal, HISTORY);
    state.title = this.title ?? 'old';
    state.colours = [...this.colours].sort().join(' ');
    return state;
  }
}

function restored(cols, rows, snapshot) {
  const watched = new Watched(30, 12);
  watched.write(USED);
  watched.terminal.reset();
  watched.terminal.resize(cols, rows);
  watched.answers = '';
  watched.write(snapshot);
  return watched;
}

/** xterm.js forgets links of lines that were erased, and not that cells have them. */
function isSame(expected, actual) {
  if (expected === actual) return true;
  if (typeof expected !== 'string' || typeof actual !== 'string') return false;
  const known = (text) => text.replace(FORGOTTEN, '');
  const isForgotten = [expected, actual].some((text) => text.endsWith(FORGOTTEN));
  return isForgotten && (expected.startsWith(known(actual)) || actual.startsWith(known(expected)));
}

function compare(where, expected, actual, differences, path = '') {
  if (differences.length >= MOST_DIFFERENCES || isSame(expected, actual)) return;
  const isTree = (value) => typeof value === 'object' && value !== null;
  if (!isTree(expected) || !isTree(actual)) {
    differences.push(`${where}${path}: ${JSON.stringify(expected)} became ${JSON.stringify(actual)}`);
    return;
  }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    compare(where, expected[key], actual[key], differences, `${path}.${key}`);
  }
}

function judge({ cols, rows, steps }) {
  const whole = new Watched(cols, rows);
  const others = [];
  const differences = [];
  for (const [what, ...words] of steps) {
    if (what === 'resize') {
      for (const { terminal } of [whole, ...others]) terminal.resize(...words);
    } else if (what === 'write') {
      const bytes = Buffer.from(words[0], 'base64');
      for (const watched of [whole, ...others]) watched.write(bytes);
    } else {
      const { cols: now, rows: high } = whole.terminal;
      const other = restored(now, high, Buffer.from(words[0], 'base64'));
      const where = `check ${others.length}`;
      if (other.answers !== '') differences.push(`${where} answers ${JSON.stringify(other.answers)}`);
      compare(where, whole.state(), other.state(), differences);
      others.push(other);
    }
  }
  const end = whole.state();
  others.forEach((other, index) => {
    compare(`the end after check ${index}`, end, other.state(), differences);
  });
  for (const { terminal } of [whole, ...others]) terminal.dispose();
  return differences;
}

createInterface({ input: process.stdin }).on('line', (line) => {
  let differences;
  try {
    differences = judge(JSON.parse(line));
  } catch (error) {
    differences = [error.stack];
  }
  process.stdout.write(`${JSON.stringify(differences)}\n`);
});
