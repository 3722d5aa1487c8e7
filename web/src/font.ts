/** The terminal's font, and how much of a terminal fits into a place with it. */
import { MAX_COLS, MAX_ROWS, type Resize } from './protocol.gen';

export const FONT =
  '"Cascadia Mono", "JetBrains Mono", ui-monospace, SFMono-Regular, Menlo, Consolas, ' +
  '"DejaVu Sans Mono", "Noto Sans Mono", monospace';
const TOUCH = '(pointer: coarse)';
/** What xterm.js keeps free for its scrollbar, in CSS pixels. */
const SCROLLBAR = 14;
/** Of a terminal that nobody sees, and of any when xterm.js begins. */
const FIRST: Resize = { cols: 80, rows: 24 };

export function isTouch(): boolean {
  return matchMedia(TOUCH).matches;
}

/** In CSS pixels. */
export function fontSize(): number {
  return isTouch() ? 13 : 14;
}

/** The size of a terminal in this place, measured and rounded as xterm.js does it, but without its code. */
export function guessSize(place: HTMLElement): Resize {
  const { width, height } = place.getBoundingClientRect();
  const context = document.createElement('canvas').getContext('2d');
  if (context === null || width === 0) {
    return FIRST;
  }
  context.font = `${fontSize()}px ${FONT}`;
  const glyph = context.measureText('W');
  const glyphHeight = glyph.fontBoundingBoxAscent + glyph.fontBoundingBoxDescent;
  const cellWidth = ofWholePixels(glyph.width, FIRST.cols);
  const cellHeight = ofWholePixels(Math.ceil(glyphHeight * devicePixelRatio) / devicePixelRatio, FIRST.rows);
  return {
    cols: clamp((Math.floor(width) - SCROLLBAR) / cellWidth, 2, MAX_COLS),
    rows: clamp(Math.floor(height) / cellHeight, 1, MAX_ROWS),
  };
}

/** So large that this many take whole pixels. */
function ofWholePixels(cell: number, count: number): number {
  return Math.round(cell * count) / count;
}

function clamp(size: number, least: number, most: number): number {
  return Math.min(Math.max(Math.floor(size), least), most);
}
