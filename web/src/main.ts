/** Puts the page together. The only module that knows the elements of `index.html`. */
import { connect } from './connection';
import { allowTerminalStyles, pageNonce } from './csp';
import { Disposables, listen } from './lifecycle';
import type { Resize } from './protocol.gen';
import { Session } from './session';
import type { State } from './state';
import { TerminalView } from './terminal';
import { plainText, windowTitle } from './text';
import { ticketOf } from './ticket';
import { Badge } from './ui/badge';
import { Overlay } from './ui/overlay';

const SIZE_SHOWN = 300;
const NOTICE_SHOWN = 4_000;
const LINK_SHOWN = 60_000;
const NOTICE_MAX = 200;

function run(): void {
  const page = new Disposables();
  page.add(allowTerminalStyles(pageNonce()));
  const size = page.add(new Badge(element('size'), SIZE_SHOWN));
  const notice = page.add(new Badge(element('notice'), NOTICE_SHOWN));
  const link = page.add(new Badge(element('link'), LINK_SHOWN));
  const overlay = page.add(new Overlay(element('overlay'), () => session?.retry()));
  let session: Session | undefined;

  const terminal = page.add(
    new TerminalView(
      element('terminal'),
      {
        input: (piece) => session?.input(piece),
        resizing: (to) => {
          if (session?.state.kind === 'connected') {
            size.show(`${to.cols} × ${to.rows}`);
          }
        },
        resized: (to: Resize) => session?.resize(to),
        title: (title) => {
          document.title = windowTitle(title);
        },
        copied: (done) => notice.show(done ? 'Copied' : 'The browser did not allow copying'),
      },
      link,
    ),
  );
  terminal.describeBy('terminal-help');

  const show = (state: State) => {
    terminal.typing = state.kind === 'connected';
    overlay.show(state);
    if (state.kind === 'connected' && focusIsAdrift()) {
      terminal.focus();
    }
  };
  const ticket = ticketOf(new URL(location.href));
  if (ticket === null) {
    show({
      kind: 'failed',
      code: 'no_ticket',
      message: 'The link is not complete.',
      retry: false,
      begun: false,
    });
    return;
  }
  session = page.add(
    new Session(
      ticket,
      terminal,
      { state: show, notice: (message) => notice.show(plainText(message, NOTICE_MAX)) },
      connect,
    ),
  );
  const standsAlone = window.top === window;
  if (standsAlone) {
    terminal.focus();
    page.add(
      listen(window, 'beforeunload', (event) => {
        if (session?.state.kind === 'connected') {
          event.preventDefault();
        }
      }),
    );
  }
}

/** The page has the keyboard, but nothing on it does: a click on the overlay leaves it so. A portal loses nothing. */
function focusIsAdrift(): boolean {
  const focused = document.activeElement;
  return document.hasFocus() && (focused === document.body || element('overlay').contains(focused));
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`The page has no element ${id}.`);
  }
  return found;
}

run();
