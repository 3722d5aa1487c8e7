/**
 * Runs before anything is painted, on a page whose link opens nothing: if this tab had opened the
 * link, and its session may still be there, the page becomes the terminal's.
 */
import { ResumeToken } from './resume';
import { ticketOf } from './ticket';

const ticket = ticketOf(new URL(location.href));
if (ticket !== null && new ResumeToken(ticket, window).read() !== null) {
  document.documentElement.dataset['page'] = 'terminal';
}
