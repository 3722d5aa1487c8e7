/**
 * Keeps the right to come back over a reload: in the tab's own storage, or where the browser refuses
 * that to a frame of another site, in a cookie of this page's address. See docs/adr/0007.
 */
import type { Disposable } from './lifecycle';

/** How long a cookie lasts, in seconds. While the page is there it is written again and again. */
export const COOKIE_AGE = 900;

const PREFIX = 'alfresco-ssh.resume.';
const TOKEN = /^[\w-]{43}$/;

/** The browser's places. */
export interface Places {
  /** Throws where the browser refuses storage. */
  readonly sessionStorage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  readonly document: { cookie: string };
  readonly location: { pathname: string };
}

/** One ticket's token. While it is kept in a cookie, disposing lets the cookie run out. */
export class ResumeToken implements Disposable {
  readonly #name: string;
  #renewal: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly ticket: string,
    private readonly places: Places,
  ) {
    this.#name = PREFIX + ticket.toLowerCase();
  }

  /** The token that was kept, if there is one. */
  read(): string | null {
    const kept = this.#stored() ?? masked(this.#cookie(), this.ticket);
    return kept !== null && TOKEN.test(kept) ? kept : null;
  }

  /** Whether a reload finds the token again. */
  keep(token: string): boolean {
    try {
      this.places.sessionStorage.setItem(this.#name, token);
    } catch {
      this.#keepInCookie(masked(token, this.ticket) ?? '');
    }
    return this.read() === token;
  }

  forget(): void {
    this.dispose();
    try {
      this.places.sessionStorage.removeItem(this.#name);
    } catch {
      this.#setCookie('', 0);
    }
  }

  dispose(): void {
    clearInterval(this.#renewal);
  }

  #keepInCookie(value: string): void {
    this.#setCookie(value, COOKIE_AGE);
    clearInterval(this.#renewal);
    this.#renewal = setInterval(() => this.#setCookie(value, COOKIE_AGE), (COOKIE_AGE / 3) * 1000);
  }

  #stored(): string | null {
    try {
      return this.places.sessionStorage.getItem(this.#name);
    } catch {
      return null;
    }
  }

  #cookie(): string | null {
    const cookies = this.places.document.cookie.split('; ');
    const found = cookies.find((cookie) => cookie.startsWith(`${this.#name}=`));
    return found?.slice(this.#name.length + 1) || null;
  }

  #setCookie(value: string, age: number): void {
    const path = this.places.location.pathname;
    this.places.document.cookie = `${this.#name}=${value}; Path=${path}; Max-Age=${age}; Secure; SameSite=None; Partitioned`;
  }
}

/**
 * Covers a token with the ticket, or uncovers it: what lies in the cookie opens nothing without the
 * page's address. Null: it is no token.
 */
function masked(token: string | null, ticket: string): string | null {
  const bytes = token === null ? null : bytesOf(token);
  const mask = ticket
    .replaceAll('-', '')
    .match(/../g)
    ?.map((hex) => Number.parseInt(hex, 16));
  if (bytes === null || mask === undefined) {
    return null;
  }
  return textOf(bytes.map((byte, at) => byte ^ (mask[at % mask.length] ?? 0)));
}

function bytesOf(base64url: string): Uint8Array | null {
  try {
    const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

function textOf(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
