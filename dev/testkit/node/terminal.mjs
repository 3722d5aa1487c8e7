// The page's terminal without a browser: xterm.js set up as web/src/terminal.ts does.
import addon from '@xterm/addon-unicode-graphemes';
import headless from '@xterm/headless';

export function newTerminal(cols, rows) {
  const terminal = new headless.Terminal({
    allowProposedApi: true,
    cols,
    logLevel: 'off',
    rows,
    scrollback: 10_000,
    vtExtensions: { kittyKeyboard: true },
    windowOptions: {},
  });
  terminal.loadAddon(new addon.UnicodeGraphemesAddon());
  return terminal;
}
