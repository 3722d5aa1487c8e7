/**
 * One ticket's life on this page: starts it when the gateway is there, carries bytes both ways
 * under flow control, and tells how it stands. Knows no DOM, and terminals only as a `Screen`.
 */
import type { Gateway, GatewayListener } from './connection';
import { InputFlow, type InputPiece, OutputFlow } from './flow';
import type { Disposable } from './lifecycle';
import type { OutputBytes, Resize } from './protocol.gen';
import { canRetry, type Event, isOpen, next, type State } from './state';

/** Where output goes, and whose size the shell gets. */
export interface Screen {
  readonly size: Resize;
  write(bytes: Uint8Array, processed: () => void): void;
}

export interface SessionListener {
  state(state: State): void;
  /** Something to tell in passing; nothing ended. */
  notice(message: string): void;
}

export class Session implements Disposable {
  #state: State = { kind: 'loading' };
  #output: OutputFlow;
  #input: InputFlow;
  readonly #gateway: Gateway;

  constructor(
    private readonly ticket: string,
    private readonly screen: Screen,
    private readonly listener: SessionListener,
    connect: (listener: GatewayListener) => Gateway,
  ) {
    this.#output = this.#newOutput();
    this.#input = this.#newInput();
    this.#on({ type: 'begin' });
    this.#gateway = connect(this.#gatewayListener());
  }

  get state(): State {
    return this.#state;
  }

  /** Starts the same ticket again after a failure that allows it. */
  retry(): void {
    if (canRetry(this.#state)) {
      this.#on({ type: 'begin' });
      if (this.#gateway.joined) {
        this.#start();
      }
    }
  }

  /** What was typed or pasted. Without a session it goes nowhere. */
  input(piece: InputPiece): void {
    if (this.#state.kind === 'connected' && !this.#input.push(piece)) {
      this.listener.notice('That is too much at once: nothing of it was sent. Send it as a file instead.');
    }
  }

  resize(size: Resize): void {
    if (isOpen(this.#state) && this.#gateway.joined) {
      this.#gateway.resize(size);
    }
  }

  dispose(): void {
    this.#output.dispose();
    this.#gateway.dispose();
  }

  #gatewayListener(): GatewayListener {
    return {
      joined: () => {
        if (this.#state.kind === 'connecting') {
          this.#start();
        }
      },
      unreachable: (answer) => this.#on({ type: 'unreachable', obstacle: answer?.code ?? 'no_answer' }),
      lost: () => this.#on({ type: 'lost' }),
      progress: ({ step }) => this.#on({ type: 'progress', step }),
      ready: () => this.#on({ type: 'ready' }),
      output: (output) => this.#take(output),
      inputAck: ({ offset }) => this.#input.acknowledged(offset),
      refused: (error) => {
        if (this.#state.kind === 'connected') {
          this.listener.notice(error.message);
        }
        this.#on({ type: 'refused', error });
      },
      closed: (closed) => this.#on({ type: 'closed', closed }),
    };
  }

  #start(): void {
    this.#output.dispose();
    this.#output = this.#newOutput();
    this.#input = this.#newInput();
    this.#gateway.start({ create_session_id: this.ticket, ...this.screen.size });
    this.#on({ type: 'started' });
  }

  #newOutput(): OutputFlow {
    return new OutputFlow((offset) => this.#gateway.outputAck({ offset }));
  }

  #newInput(): InputFlow {
    return new InputFlow((piece) => this.#gateway.input(piece));
  }

  #take({ output, offset }: OutputBytes): void {
    const flow = this.#output;
    const bytes = new Uint8Array(output);
    if (flow.accept(offset, bytes.length)) {
      this.screen.write(bytes, () => flow.processed(bytes.length));
    } else {
      const message = `Output came at offset ${offset} where ${flow.expected} was due, so the session was closed.`;
      this.#on({ type: 'fault', code: 'output_gap', message });
    }
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
