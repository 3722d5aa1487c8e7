/** What a session needs around it, and whom it tells. Types only. */
import type { Resize, SessionDetails } from './protocol.gen';
import type { State } from './state';

/** A screen with its history, for a terminal of this size that was just reset. */
export interface Picture extends Resize {
  snapshot: Uint8Array;
}

/** Where output goes, and whose size the shell gets. */
export interface Screen {
  readonly size: Resize;
  write(bytes: Uint8Array, processed: () => void): void;
  /** Shows the picture in place of all that was there, at a size of its own. */
  restore(picture: Picture): void;
}

/** Where the right to come back is kept over a reload. */
export interface TokenPlace {
  read(): string | null;
  /** Whether it can be read after a reload. */
  keep(token: string): boolean;
  forget(): void;
}

export interface Ticket {
  id: string;
  /** False: it is used, and only a token helps. */
  startable: boolean;
}

export interface SessionListener {
  state(state: State): void;
  /** Something to tell in passing; nothing ended. */
  notice(message: string): void;
  /** What was on the screen is lost, and the session goes on. */
  screenLost(message: string): void;
  /** The session is ours again. */
  resumed(): void;
  /** How the connection to the host is protected. */
  details(details: SessionDetails): void;
  /** Nothing is heard from the gateway since then, in milliseconds of the wall clock; null: something is. */
  silent(since: number | null): void;
}
