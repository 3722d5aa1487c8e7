/** Puts the page together. The only module that knows the elements of `src/page/terminal.html`. */
import { connect, openWay } from './connection';
import { allowTerminalStyles, pageNonce } from './csp';
import { Disposables, listen } from './lifecycle';
import { onReturn } from './reconnect';
import { ResumeToken } from './resume';
import { Session } from './session';
import { StandIn } from './standin';
import { type State, takesKeys } from './state';
import { plainText, windowTitle } from './text';
import { ticketOf } from './ticket';
import { Badge } from './ui/badge';
import { ContactBar, EndingBar, HeldBar } from './ui/bars';
import { CautionBar, ConnectionPanel } from './ui/connection';
import { Overlay } from './ui/overlay';
import { QuestionForm } from './ui/question';
import type { Act } from './ui/view';

const SIZE_SHOWN = 300;
const RESUMED_SHOWN = 300;
const NOTICE_SHOWN = 4_000;
const LINK_SHOWN = 60_000;
const NOTICE_MAX = 200;
/** Keys that were on their way to the shell when it ended are no answer to what the page says then. */
const ENTER_COUNTS_AFTER = 500;

/** The page of a used link, which the gate has let through. */
const { dataset } = document.documentElement;
const linkIsUsed = dataset['page'] === 'terminal';
const ticket = ticketOf(new URL(location.href));
const way = ticket === null ? null : openWay();

function run(): void {
  const titleBefore = document.title;
  document.title = windowTitle('');
  const page = new Disposables();
  page.add(allowTerminalStyles(pageNonce()));
  const size = page.add(new Badge(element('size'), SIZE_SHOWN));
  const resumed = page.add(new Badge(element('resumed'), RESUMED_SHOWN));
  const notice = page.add(new Badge(element('notice'), NOTICE_SHOWN));
  const link = page.add(new Badge(element('link'), LINK_SHOWN));
  const overlay = page.add(new Overlay(element('overlay'), (act) => perform(act)));
  const question = page.add(
    new QuestionForm(element('question'), {
      answer: (given) => session?.answer(given),
      copied: (done) => notice.show(copiedWords(done)),
    }),
  );
  const ending = page.add(new EndingBar(element('ending'), () => session?.stay()));
  const contact = page.add(new ContactBar(element('contact')));
  const connection = page.add(new ConnectionPanel(element('connection')));
  const caution = page.add(new CautionBar(element('caution'), () => terminal.focus()));
  const held = page.add(
    new HeldBar(element('held'), {
      keys: () => session?.heldKeys ?? [],
      send: () => session?.sendHeld(),
      discard: () => session?.discardHeld(),
    }),
  );
  let session: Session | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  let asks = false;

  const terminal = page.add(
    new StandIn(
      element('terminal'),
      {
        input: (piece) => session?.input(piece),
        resizing: (to) => {
          if (session?.state.kind === 'connected') {
            size.show(`${to.cols} × ${to.rows}`);
          }
        },
        resized: (to) => session?.resize(to),
        title: (title) => {
          document.title = windowTitle(title);
        },
        copied: (done) => notice.show(copiedWords(done)),
        enter: () => {
          if (performance.now() - shownAt >= ENTER_COUNTS_AFTER) {
            perform('retry');
          }
        },
        came: () => {
          if (session !== undefined) {
            show(session.state);
          }
        },
        missing: () => {
          session?.dispose();
          show({
            kind: 'failed',
            code: 'page_incomplete',
            message: 'The terminal itself could not be loaded.',
            retry: false,
            begun: false,
          });
        },
      },
      link,
    ),
  );
  terminal.describeBy('terminal-help');

  const perform = (act: Act) => {
    switch (act) {
      case 'retry':
        session?.retry();
        break;
      case 'take-back':
        session?.takeBack();
        break;
      case 'reach-now':
        session?.wake();
        break;
    }
  };

  const show = (state: State) => {
    const connected = state.kind === 'connected';
    shownAt = hadShell(state) ? performance.now() : Number.NEGATIVE_INFINITY;
    if (state.kind === 'used') {
      page.dispose();
      document.title = titleBefore;
      delete dataset['page'];
      return;
    }
    terminal.typing = takesKeys(state);
    terminal.tabLeaves = connected && state.held > 0;
    overlay.show(connected && !terminal.here ? { kind: 'loading' } : state);
    const asked = state.kind === 'connecting' ? state.asked : null;
    // What is typed now is the question's.
    element('terminal').inert = asked !== null;
    question.show(asked);
    const goesOn = asks && asked === null;
    asks = asked !== null;
    ending.show((connected && state.endings[0]) || null);
    held.show(connected ? state.held : 0);
    connection.show(connected);
    caution.show(connected);
    if ((connected || goesOn) && focusIsAdrift()) {
      terminal.focus();
    }
  };
  if (ticket === null || way === null) {
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
      { id: ticket, startable: !linkIsUsed },
      page.add(new ResumeToken(ticket, window)),
      terminal,
      {
        state: show,
        notice: (message) => notice.show(plainText(message, NOTICE_MAX)),
        screenLost: (message) => {
          notice.keep(plainText(message, NOTICE_MAX));
          // An empty screen needs its words until somebody goes on.
          element('terminal').addEventListener('keydown', () => notice.hide(), { once: true, capture: true });
        },
        details: (details) => {
          connection.tell(details);
          caution.tell(details);
        },
        resumed: () => resumed.show('Resumed'),
        silent: (since) => contact.show(since),
      },
      (told) => connect(way, told),
    ),
  );
  page.add(onReturn(() => session?.wake()));
  const standsAlone = window.top === window;
  if (standsAlone) {
    terminal.focus();
    page.add(
      listen(window, 'beforeunload', (event) => {
        if (session?.endsWithPage) {
          event.preventDefault();
        }
      }),
    );
  }
}

/** There was a shell, which may have been typed at to the last moment. */
function hadShell(state: State): boolean {
  return state.kind === 'ended' || (state.kind === 'failed' && state.begun);
}

function copiedWords(done: boolean): string {
  return done ? 'Copied' : 'The browser did not allow copying';
}

/** The page has the keyboard, but nothing on it that is seen does. A portal loses nothing. */
function focusIsAdrift(): boolean {
  const focused = document.activeElement;
  return document.hasFocus() && (focused === document.body || focused?.checkVisibility() === false);
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`The page has no element ${id}.`);
  }
  return found;
}

run();
