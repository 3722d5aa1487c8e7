/** Links in the terminal: what may be opened, and how. What a link says is the host's word: it is shown first. */

import { WebLinksAddon } from '@xterm/addon-web-links';
import type { ILinkHandler, Terminal } from '@xterm/xterm';
import { plainText } from './text';

const OPENABLE = new Set(['http:', 'https:', 'mailto:']);
const SHOWN_MAX = 300;

/** Shows where a link leads while the pointer is on it. */
export interface LinkPreview {
  show(text: string): void;
  hide(): void;
}

/** The address, if it is one that may be opened. */
export function openable(uri: string): string | null {
  try {
    const url = new URL(uri);
    return OPENABLE.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** For links that a program wrote with OSC 8: their text may differ from where they lead. */
export function linkHandler(preview: LinkPreview): ILinkHandler {
  return {
    allowNonHttpProtocols: true,
    activate: open,
    hover: (_event, uri) => hover(preview, uri),
    leave: () => preview.hide(),
  };
}

/** For addresses that stand in the output as text. */
export function addTextLinks(terminal: Terminal, preview: LinkPreview): void {
  terminal.loadAddon(
    new WebLinksAddon(open, { hover: (_event, uri) => hover(preview, uri), leave: () => preview.hide() }),
  );
}

function open(event: MouseEvent, uri: string): void {
  const address = openable(uri);
  if (address !== null && (event.ctrlKey || event.metaKey)) {
    window.open(address, '_blank', 'noopener,noreferrer');
  }
}

function hover(preview: LinkPreview, uri: string): void {
  const address = openable(uri);
  const shown = plainText(address ?? uri, SHOWN_MAX);
  preview.show(
    address === null ? `${shown} (cannot be opened here)` : `${shown} (Ctrl or ⌘ and click to open)`,
  );
}
