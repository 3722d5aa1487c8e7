/** Draws with the GPU where that works; xterm.js draws with the DOM until then, and where it does not. */
import type { Terminal } from '@xterm/xterm';
import { type Disposable, disposable } from './lifecycle';

/** A link on which the terminal's own code took longer has no room for more before the shell is shown. */
const SLOW_MS = 300;

/** `changed`: the size of a cell may be another now. */
export function useGpu(terminal: Terminal, changed: () => void): Disposable {
  let wanted = true;
  whenThereIsRoom(terminal)
    .then(() => import('@xterm/addon-webgl'))
    .then(({ WebglAddon }) => {
      if (!wanted) {
        return;
      }
      const addon = new WebglAddon();
      addon.onContextLoss(() => {
        addon.dispose();
        changed();
      });
      terminal.loadAddon(addon);
      changed();
    })
    .catch(() => {
      // No WebGL here, or its code did not arrive: the DOM renderer goes on.
    });
  return disposable(() => {
    wanted = false;
  });
}

/** At once, unless the link is slow: then behind the first output. */
async function whenThereIsRoom(terminal: Terminal): Promise<void> {
  const [loaded] = performance.getEntriesByName(import.meta.url, 'resource');
  if (loaded !== undefined && loaded.duration > SLOW_MS) {
    await new Promise<void>((resolve) => {
      const first = terminal.onWriteParsed(() => {
        first.dispose();
        resolve();
      });
    });
  }
}
