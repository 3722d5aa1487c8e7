/** The terminal's colours. The page's own colours stand in `styles/`; the backgrounds agree. */
import type { ITheme } from '@xterm/xterm';
import { type Disposable, Disposables, listen } from './lifecycle';

/** What xterm.js makes of text that a program gave too little contrast. */
export interface Appearance {
  theme: ITheme;
  minimumContrastRatio: number;
}

export const DARK = {
  background: '#0f1318',
  foreground: '#dde3ea',
  cursor: '#6ee0b8',
  cursorAccent: '#0f1318',
  selectionBackground: '#2b4a5e',
  selectionInactiveBackground: '#26333f',
  scrollbarSliderBackground: '#8896a640',
  scrollbarSliderHoverBackground: '#8896a666',
  scrollbarSliderActiveBackground: '#8896a699',
  black: '#20262e',
  red: '#f27f83',
  green: '#7bcf8e',
  yellow: '#e0be6d',
  blue: '#78aef5',
  magenta: '#cf9bea',
  cyan: '#66c8d4',
  white: '#c5ced8',
  brightBlack: '#8290a0',
  brightRed: '#ffa3a5',
  brightGreen: '#9be8ac',
  brightYellow: '#f5d98f',
  brightBlue: '#a3cbff',
  brightMagenta: '#e3bdf7',
  brightCyan: '#94e2ec',
  brightWhite: '#f6f9fc',
} satisfies ITheme;

export const LIGHT = {
  background: '#fbfbfa',
  foreground: '#23292f',
  cursor: '#0b6b50',
  cursorAccent: '#fbfbfa',
  selectionBackground: '#bcdcf5',
  selectionInactiveBackground: '#dfe6ec',
  scrollbarSliderBackground: '#5a667240',
  scrollbarSliderHoverBackground: '#5a667266',
  scrollbarSliderActiveBackground: '#5a667299',
  black: '#23292f',
  red: '#b4232c',
  green: '#1c6b33',
  yellow: '#7d5500',
  blue: '#1259b3',
  magenta: '#7d3bb8',
  cyan: '#0c6774',
  white: '#59636e',
  brightBlack: '#545f6a',
  brightRed: '#cc2f38',
  brightGreen: '#237a3d',
  brightYellow: '#8a6000',
  brightBlue: '#1a68cc',
  brightMagenta: '#9149cf',
  brightCyan: '#12737f',
  brightWhite: '#66707b',
} satisfies ITheme;

const QUERIES = {
  dark: '(prefers-color-scheme: dark)',
  moreContrast: '(prefers-contrast: more)',
  forced: '(forced-colors: active)',
};

/** The user's choice as it is now. `page` has the colours of forced-colors mode, where they apply. */
export function appearance(page: Element): Appearance {
  const theme = matches(QUERIES.dark) ? DARK : LIGHT;
  if (matches(QUERIES.forced)) {
    const { backgroundColor, color } = getComputedStyle(page);
    return {
      theme: {
        ...theme,
        background: backgroundColor,
        foreground: color,
        cursor: color,
        cursorAccent: backgroundColor,
      },
      minimumContrastRatio: 7,
    };
  }
  return { theme, minimumContrastRatio: matches(QUERIES.moreContrast) ? 7 : 4.5 };
}

/** Calls back when the user's choice changes. */
export function onAppearanceChange(changed: () => void): Disposable {
  const all = new Disposables();
  for (const query of Object.values(QUERIES)) {
    all.add(listen(matchMedia(query), 'change', changed));
  }
  return all;
}

function matches(query: string): boolean {
  return matchMedia(query).matches;
}
