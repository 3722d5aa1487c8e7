/**
 * One session's life on this page: starts it or comes back to it when the gateway is there, carries
 * bytes both ways under flow control, and tells how it stands. Knows no DOM, and terminals only as a
 * `Screen`.
 */
import type { Picture, Screen, SessionListener, Ticket, TokenPlace } from './around';
import { Arrival } from './arrival';
import type { Gateway, GatewayListener, Opening } from './connection';
import { Contact } from './contact';
import { InputFlow, type InputPiece } from './input';
import { type Disposable, Disposables } from './lifecycle';
import { OutputFlow } from './output';
import type { Attached, Closed, OutputBytes, Resize, ScreenPiece, SocketError } from './protocol.gen';
import { type Given, Questions } from './questions';
import { Reconnect } from './reconnect';
import {
  canRetry,
  type Event,
  type Instead,
  isOpen,
  next,
  type Obstacle,
  reaches,
  type State,
  takesKeys,
} from './state';
import { isOfTheMoment, keysOf } from './typed';

/** Keys that were typed longer ago than this, in milliseconds, or while we were away for longer, are not sent unasked. */
export const STALE = 10_000;

export class Session implements Disposable {
  #state: State = { kind: 'loading' };
  /** Both are there from the moment that a session is asked for, or found. */
  #output: OutputFlow | null = null;
  #input: InputFlow | null = null;
  /** The screen that comes before the session goes on, and what becomes of it. */
  #arrival: { screen: Arrival; complete: (picture: Picture) => void } | null = null;
  #token: string | null;
  #survivesReload = false;
  #lostAt = 0;
  /** What was asked for together with being let in. */
  #asked: Opening | null = null;
  readonly #gateway: Gateway;
  readonly #reconnect: Reconnect;
  readonly #contact: Contact;
  readonly #questions: Questions;
  readonly #all = new Disposables();

  constructor(
    private readonly ticket: Ticket,
    private readonly place: TokenPlace,
    private readonly screen: Screen,
    private readonly listener: SessionListener,
    connect: (listener: GatewayListener) => Gateway,
  ) {
    this.#token = place.read();
    this.#gateway = this.#all.add(connect(this.#gatewayListener()));
    this.#reconnect = this.#all.add(
      new Reconnect(
        () => this.#gateway.reach(),
        (next) => this.#on({ type: 'waiting', next }),
      ),
    );
    this.#contact = this.#all.add(
      new Contact({
        ask: (answered) => this.#gateway.ping(answered),
        silent: (since) => listener.silent(since),
        givenUp: () => this.#lost('no_answer'),
      }),
    );
    this.#questions = this.#all.add(
      new Questions(
        (event) => this.#on(event),
        (answer) => this.#gateway.answer(answer),
      ),
    );
    this.#on({ type: 'begin', resuming: this.#token !== null });
    this.#reconnect.begin();
  }

  get state(): State {
    return this.#state;
  }

  /** Whether leaving the page would end what runs. */
  get endsWithPage(): boolean {
    return this.#state.kind === 'connected' && !this.#survivesReload;
  }

  /** Starts the same ticket again where that may work. */
  retry(): void {
    if (canRetry(this.#state)) {
      this.#on({ type: 'begin', resuming: false });
      this.#openOrReach();
    }
  }

  /** Answers the question that stands, once. */
  answer(given: Given): void {
    this.#questions.answer(this.#state, given);
  }

  /** Takes the session back from the page that has it. */
  takeBack(): void {
    if (this.#state.kind === 'taken-over') {
      this.#on({ type: 'take-back' });
      this.#openOrReach();
    }
  }

  /** Something tells that the gateway may be there, or that the user is. */
  wake(): void {
    this.#reconnect.now();
    this.#contact.question();
  }

  /** What was typed or pasted, or what the terminal answers. Without a session it goes nowhere. */
  input(piece: InputPiece): void {
    if (!takesKeys(this.#state) || this.#input === null) {
      return;
    }
    const away = this.#state.kind === 'reconnecting';
    if (away && isOfTheMoment(piece)) {
      return;
    }
    if (!this.#input.push(piece)) {
      this.listener.notice(
        away
          ? 'No more can be kept until the gateway is back: nothing of that was taken.'
          : 'That is too much at once: nothing of it was sent. Send it as a file instead.',
      );
      return;
    }
    this.#contact.question();
    if (this.#state.kind === 'connected' && this.#state.endings.some(({ code }) => code === 'timed_out')) {
      this.stay();
    }
  }

  /** The user is there: an idle session does not end. */
  stay(): void {
    this.#gateway.stayConnected();
    this.#on({ type: 'stays' });
  }

  /** What was typed too long ago to be sent unasked, by the names of its keys. */
  get heldKeys(): string[] {
    return keysOf(this.#input?.held ?? []);
  }

  sendHeld(): void {
    this.#input?.release();
    this.#on({ type: 'held', keys: 0 });
  }

  discardHeld(): void {
    this.#input?.discard();
    this.#on({ type: 'held', keys: 0 });
  }

  resize(size: Resize): void {
    const { kind } = this.#state;
    if (kind === 'connecting' || kind === 'connected') {
      this.#gateway.resize(size);
    }
  }

  dispose(): void {
    this.#output?.dispose();
    this.#all.dispose();
  }

  #gatewayListener(): GatewayListener {
    return {
      opening: () => {
        this.#asked = reaches(this.#state) ? this.#opening() : null;
        return this.#asked;
      },
      joined: () => this.#joined(),
      unreachable: (obstacle) => {
        this.#on({ type: 'unreachable', obstacle });
        this.#tryAgain();
      },
      lost: (obstacle) => this.#lost(obstacle),
      sentAway: (error) => {
        if (this.#state.kind === 'connecting') {
          this.#refused(error);
        }
        this.#lost('no_answer');
      },
      heard: () => this.#contact.heard(),
      progress: ({ step, hop }) => this.#on({ type: 'progress', step, hop: hop ?? null }),
      asked: (question) => this.#questions.ask(question),
      attached: (attached) => this.#attached(attached),
      details: (details) => this.listener.details(details),
      screen: (piece) => this.#takeScreen(piece),
      takenOver: ({ token }) => this.#takenOver(token),
      warned: ({ code, seconds }) =>
        this.#on({ type: 'ending', ending: { code, at: Date.now() + seconds * 1000 } }),
      ready: () => {
        this.#reconnect.succeeded();
        this.#input?.attached();
        this.#on({ type: 'ready' });
      },
      output: (output) => this.#take(output),
      inputAck: ({ offset }) => this.#input?.acknowledged(offset),
      refused: (error) => this.#refused(error),
      closed: (closed) => this.#closed(closed),
    };
  }

  #openOrReach(): void {
    if (this.#gateway.joined) {
      this.#open();
    } else {
      this.#reconnect.begin();
    }
  }

  /** The gateway is there, and may know already what this page is here for. */
  #joined(): void {
    this.#reconnect.reached();
    this.#contact.begin();
    const asked = this.#asked;
    this.#asked = null;
    if (!reaches(this.#state)) {
      return;
    }
    if (asked === null) {
      this.#open();
    } else if ('start' in asked) {
      this.#started();
      const { cols, rows } = this.screen.size;
      if (cols !== asked.start.cols || rows !== asked.start.rows) {
        this.#gateway.resize({ cols, rows });
      }
    }
  }

  /** Comes back to the session if there is one, else starts it. */
  #opening(): Opening {
    if (this.#token === null) {
      return { start: { create_session_id: this.ticket.id, ...this.screen.size } };
    }
    const have = this.#output === null ? {} : { have: this.#output.expected };
    return { resume: { token: this.#token, ...have } };
  }

  #open(): void {
    const opening = this.#opening();
    if ('start' in opening) {
      this.#gateway.start(opening.start);
      this.#started();
    } else {
      this.#gateway.resume(opening.resume);
    }
  }

  /** The gateway has the ticket. */
  #started(): void {
    this.#output?.dispose();
    this.#output = this.#newOutput(0);
    this.#input = this.#newInput(0, false);
    this.#on({ type: 'started' });
  }

  #newOutput(offset: number): OutputFlow {
    return new OutputFlow((processed) => this.#gateway.outputAck({ offset: processed }), offset);
  }

  #newInput(offset: number, attached: boolean): InputFlow {
    return new InputFlow((piece, at) => this.#gateway.input(piece, at), offset, attached);
  }

  /** The socket has the session: one that we came back to, or what a ticket led to, which is complete with `ready`. */
  #attached(attached: Attached): void {
    const resumes = this.#token !== null;
    this.#token = attached.token;
    this.#survivesReload = this.place.keep(attached.token);
    this.#gateway.attachedAck();
    if (!this.#inputGoesOn(attached)) {
      return;
    }
    // The gateway may have lost the picture: what is here is better than nothing.
    if (attached.screen !== undefined && attached.screen.length > 0) {
      const screen = new Arrival(attached.screen);
      this.#arrival = { screen, complete: (picture) => this.#goOn(attached, resumes, picture) };
    } else {
      this.#goOn(attached, resumes, null);
    }
  }

  #takeScreen(piece: ScreenPiece): void {
    const arrival = this.#arrival;
    if (!arrival?.screen.accept(piece)) {
      const message = `A piece of the screen came at offset ${piece.offset}, so this page cannot go on.`;
      this.#on({ type: 'fault', code: 'output_gap', message });
      return;
    }
    this.#gateway.screenAck({ offset: arrival.screen.received });
    const { picture } = arrival.screen;
    if (picture !== null) {
      this.#arrival = null;
      arrival.complete(picture);
    }
  }

  /** Output follows from here on. */
  #goOn(attached: Attached, resumes: boolean, picture: Picture | null): void {
    if (!this.#outputGoesOn(attached, picture) || !resumes) {
      return;
    }
    this.#reconnect.succeeded();
    this.#on({ type: 'attached' });
    this.#holdStale();
    this.#input?.attached();
    this.listener.resumed();
  }

  #outputGoesOn({ offset, screen }: Attached, picture: Picture | null): boolean {
    if (this.#output !== null && screen === undefined && offset !== this.#output.expected) {
      this.#outputGap(offset, this.#output.expected);
      return false;
    }
    if (this.#output === null || screen !== undefined) {
      this.#output?.dispose();
      this.#output = this.#newOutput(offset);
    }
    if (picture !== null) {
      this.screen.restore(picture);
    }
    this.#gateway.resize(this.screen.size);
    return true;
  }

  #inputGoesOn({ input_offset: offset }: Attached): boolean {
    if (this.#input === null) {
      this.#input = this.#newInput(offset, false);
    } else if (!this.#input.resumes(offset)) {
      const message = `The gateway has input up to ${offset}, though it had taken more.`;
      this.#on({ type: 'fault', code: 'input_gap', message });
      return false;
    }
    return true;
  }

  /** What was typed long ago was meant for a screen that may be another now. */
  #holdStale(): void {
    const input = this.#input;
    const now = Date.now();
    if (input === null || input.oldest === null) {
      return;
    }
    if (now - this.#lostAt > STALE || now - input.oldest > STALE) {
      input.hold();
    }
    const keys = this.heldKeys.length;
    if (keys === 0) {
      input.release();
    }
    this.#on({ type: 'held', keys });
  }

  #takenOver(token: string): void {
    this.#token = token;
    this.#survivesReload = this.place.keep(token);
    this.#arrival = null;
    this.#input?.drop();
    this.#input?.detached();
    this.#on({ type: 'taken-over' });
  }

  /** The socket is gone, or as good as gone. */
  #lost(obstacle: Obstacle): void {
    this.#contact.end();
    this.#arrival = null;
    this.#input?.detached();
    if (this.#state.kind === 'connected') {
      this.#lostAt = Date.now();
    }
    this.#on({ type: 'lost', obstacle, resumable: this.#token !== null });
    this.#tryAgain();
  }

  #tryAgain(): void {
    if (reaches(this.#state)) {
      this.#reconnect.failed();
    }
  }

  #refused(error: SocketError): void {
    switch (error.code) {
      case 'screen_lost':
        this.listener.screenLost(error.message);
        return;
      case 'input_gap':
        this.#on({ type: 'fault', code: error.code, message: error.message });
        return;
      default:
        if (this.#state.kind === 'connected') {
          this.listener.notice(error.message);
        }
        this.#on({ type: 'refused', error });
    }
  }

  #closed(closed: Closed): void {
    this.#gateway.closedAck();
    this.#token = null;
    this.#survivesReload = false;
    this.place.forget();
    if (closed.code !== 'session_unknown' || !reaches(this.#state)) {
      this.#on({ type: 'closed', closed });
      return;
    }
    const instead = this.#insteadOfSession();
    this.#on({ type: 'unknown', instead });
    if (instead === 'ticket') {
      this.#open();
    }
  }

  #insteadOfSession(): Instead {
    if (this.ticket.startable && this.#state.kind === 'connecting') {
      return 'ticket';
    }
    return this.#output === null ? 'used' : 'failure';
  }

  #take({ output, offset }: OutputBytes): void {
    const flow = this.#output;
    const bytes = new Uint8Array(output);
    if (flow?.accept(offset, bytes.length)) {
      this.screen.write(bytes, () => flow.processed(bytes.length));
    } else if (flow !== null) {
      this.#outputGap(offset, flow.expected);
    }
  }

  #outputGap(offset: number, due: number): void {
    const message = `Output came at offset ${offset} where ${due} was due, so this page cannot go on.`;
    this.#on({ type: 'fault', code: 'output_gap', message });
  }

  #on(event: Event): void {
    const before = this.#state;
    this.#state = next(before, event);
    if (this.#state === before) {
      return;
    }
    if (!isOpen(this.#state) && !canRetry(this.#state)) {
      this.dispose();
    }
    this.listener.state(this.#state);
  }
}
