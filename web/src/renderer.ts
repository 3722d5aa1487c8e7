/** Draws with the GPU where that works; xterm.js draws with the DOM until then, and where it does not. */
import type { Terminal } from '@xterm/xterm';
import { type Disposable, disposable } from './lifecycle';

/** `changed`: the size of a cell may be another now. */
export function useGpu(terminal: Terminal, changed: () => void): Disposable {
  let wanted = true;
  import('@xterm/addon-webgl')
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
