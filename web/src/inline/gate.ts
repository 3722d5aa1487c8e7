/**
 * Stands in the page for links that open nothing and runs before anything is painted: if this tab had
 * opened the link, and its session may still be there, the page becomes the terminal's.
 */
import { ResumeToken } from '../resume';
import { ticketOf } from '../ticket';
import { goAhead, preload } from './ahead';

/** The address of `main.ts`, which the build knows. */
declare const MAIN: string;

const ticket = ticketOf(new URL(location.href));
if (ticket !== null && new ResumeToken(ticket, window).read() !== null) {
  document.documentElement.dataset['page'] = 'terminal';
  preload(MAIN);
  goAhead();
  // It looks for the page's elements.
  addEventListener('DOMContentLoaded', () => import(/* @vite-ignore */ MAIN));
}
