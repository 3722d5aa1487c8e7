// All that output can change in a terminal, as a tree that can be compared.

/** In place of a link that the terminal has forgotten. */
export const FORGOTTEN = '<forgotten>';

const EXTENDED = 0x10000000;
const COLOUR = 0x03ffffff;
// States of the parser.
const CSI_ENTRY = 3;
const CSI_PARAM = 4;
const CSI_INTERMEDIATE = 5;

/** Both screens, the last lines of history, cursors, modes, and where the parser is. */
export function stateOf(terminal, history) {
  const core = terminal._core;
  const { buffers } = core._bufferService;
  const { _inputHandler: input, _charsetService: charsets, coreService, mouseStateService: mouse } = core;
  const parser = input._parser;
  const onAlternate = buffers.active === buffers.alt;
  return {
    size: [core.cols, core.rows],
    onAlternate,
    primary: screen(core, buffers.normal, history, !onAlternate),
    alternate: onAlternate ? screen(core, buffers.alt, 0, true) : { saved: saved(core, buffers.alt) },
    pen: pen(core, input._curAttrData),
    charsets: { sets: names(charsets.charsets), level: charsets.glevel },
    modes: { ...coreService.modes, ...coreService.decPrivateModes },
    newline: core.optionsService.rawOptions.convertEol,
    hidden: coreService.isCursorHidden,
    keyboard: structuredClone(coreService.kittyKeyboard),
    mouse: [mouse.activeProtocol, mouse.activeEncoding],
    parser: parser.currentState === CSI_ENTRY ? CSI_PARAM : parser.currentState,
    sequence: sequence(parser),
    join: join(parser.precedingJoinState),
    decoder: [...input._utf8Decoder.interim],
  };
}

/** What a control sequence has said. Where it has not said anything, how it was cut makes a difference. */
function sequence(parser) {
  const isControl = parser.currentState >= CSI_ENTRY && parser.currentState <= CSI_INTERMEDIATE;
  return isControl ? { collected: parser._collect, params: parser._params.toArray() } : undefined;
}

function screen(core, buffer, history, isShown) {
  const { cols, rows } = core;
  const above = Math.min(buffer.ybase, history);
  const first = buffer.ybase - above;
  const lines = [];
  for (let y = first; y < buffer.ybase + rows; y += 1) lines.push(line(core, buffer.lines.get(y), cols));
  // What the first line of the history goes on from may be gone.
  if (history > 0 && above === history) lines[0].wrapped = undefined;
  const tabs = Object.keys(buffer.tabs).filter((column) => buffer.tabs[column] && column < cols);
  return {
    above,
    lines,
    cursor: isShown ? [buffer.x, buffer.y] : buffer.y,
    margins: [buffer.scrollTop, buffer.scrollBottom],
    tabs: tabs.join(),
    saved: saved(core, buffer),
  };
}

function saved(core, buffer) {
  const y = Math.min(Math.max(buffer.savedY - buffer.ybase, 0), core.rows - 1);
  return {
    position: [Math.min(buffer.savedX, core.cols - 1), y],
    fg: buffer.savedCurAttrData.fg,
    bg: buffer.savedCurAttrData.bg,
    sets: names(buffer.savedCharsets),
    level: buffer.savedGlevel,
    origin: buffer.savedOriginMode,
    wraparound: buffer.savedWraparoundMode,
  };
}

function names(sets) {
  return [0, 1, 2, 3].map((level) => JSON.stringify(sets[level] ?? {})).join();
}

function line(core, of, cols) {
  if (of === undefined) return { missing: true };
  const cells = [];
  for (let x = 0; x < cols; x += 1) {
    const cell = of.loadCell(x, { content: 0 });
    const text = of.getString(x);
    const kind = `${text || (of.getWidth(x) === 1 ? '∅' : '…')}/${of.getWidth(x)}`;
    const extended = (cell.bg & EXTENDED) === 0 ? '' : ext(core, cell.extended);
    cells.push(`${kind} ${(cell.fg >>> 0).toString(16)} ${(cell.bg >>> 0).toString(16)} ${extended}`);
  }
  return { wrapped: of.isWrapped, cells };
}

function pen(core, attributes) {
  const { fg, bg, extended } = attributes;
  return `${(fg >>> 0).toString(16)} ${(bg >>> 0).toString(16)} ${ext(core, extended)}`;
}

function ext(core, extended) {
  if (!extended) return 'none';
  const link = extended.urlId === 0 ? '' : core._oscLinkService.getLinkData(extended.urlId);
  const text = link === undefined ? FORGOTTEN : link && `${link.id ?? ''};${link.uri}`;
  return `${(extended._ext >> 26) & 7} ${(extended._ext & COLOUR).toString(16)} ${text}`;
}

/** Class and width of what the next code point may join, without the rest that nobody looks at. */
function join(state) {
  return state === 0 ? undefined : [(state >> 3) & 15, (state >> 1) & 3];
}
