/** What a page that shows a terminal asks for before its own script is there. */
import { openEarly } from '../early';

/** The address of the terminal's code, which the build knows. */
declare const TERMINAL: string;

/** The socket first: on a slow link what answers it would wait behind all of the terminal's code. */
export function goAhead(): void {
  openEarly();
  preload(TERMINAL);
}

export function preload(address: string): void {
  const link = document.createElement('link');
  link.rel = 'modulepreload';
  link.href = address;
  document.head.append(link);
}
