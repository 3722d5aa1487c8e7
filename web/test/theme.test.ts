import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DARK, LIGHT } from '../src/theme';

/** Relative luminance and contrast, as WCAG 2.2 defines them. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
const BRIGHT = NAMES.map(
  (name) => `bright${name[0]?.toUpperCase()}${name.slice(1)}` as `bright${Capitalize<typeof name>}`,
);

describe.each([
  ['dark', DARK],
  ['light', LIGHT],
])('the %s palette', (which, palette) => {
  // Black on a dark ground is a ground itself; text in it gets its contrast from xterm.js.
  const readable = [...NAMES, ...BRIGHT, 'foreground' as const].filter(
    (name) => which === 'light' || name !== 'black',
  );

  it.each(readable)('can be read: %s', (name) => {
    expect(contrast(palette[name], palette.background)).toBeGreaterThanOrEqual(4.5);
  });

  it('shows its cursor, and text that is selected', () => {
    expect(contrast(palette.cursor, palette.background)).toBeGreaterThanOrEqual(3);
    expect(contrast(palette.foreground, palette.selectionBackground)).toBeGreaterThanOrEqual(4.5);
  });

  it('has the page’s ground', () => {
    const css = readFileSync(new URL('../src/styles/base.css', import.meta.url), 'utf8');
    const [dark, light] = [...css.matchAll(/--ground: (#\w+);/g)].map(([, ground]) => ground);
    expect(palette.background).toBe(which === 'dark' ? dark : light);
  });
});
