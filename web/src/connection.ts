/**
 * The Socket.IO connection to the gateway: our protocol's events, typed. WebSocket first, polling
 * where WebSocket cannot get through. Knows nothing of terminals and of the page, nor when to try again.
 */
import { Manager, type Socket, WebSocket, XHR } from 'socket.io-client';
import { answerOf } from './answer';
import { takeEarly } from './early';
import type { InputPiece } from './input';
import type { Disposable } from './lifecycle';
import {
  type Attached,
  type Closed,
  type ConnectAuth,
  type FromGateway,
  type InputAck,
  NAMESPACE,
  type OutputAck,
  type OutputBytes,
  PROTOCOL,
  type Progress,
  type Question,
  type QuestionAnswer,
  type Ready,
  type Resize,
  type ResumeSession,
  type ScreenAck,
  type ScreenPiece,
  type SessionDetails,
  type SocketError,
  type StartSession,
  type TakenOver,
  type ToGateway,
  type Warning,
} from './protocol.gen';
import type { Obstacle } from './state';

type GatewaySocket = Socket<FromGateway, ToGateway>;

const CLOSED_BY_GATEWAY: SocketError = {
  code: 'internal',
  message: 'The gateway closed the connection without a reason.',
  peer: 'gateway',
  retry: false,
};

/** What a page asks for when it is let in: a session of its ticket, or the one that it had. */
export type Opening = { start: StartSession } | { resume: ResumeSession };

/** What comes from the gateway, and what becomes of the connection. */
export interface GatewayListener {
  /** The gateway can be asked for something together with being let in, which saves a round trip. */
  opening(): Opening | null;
  /** The gateway is there, for the first time or again. */
  joined(): void;
  /** An attempt to reach the gateway failed. It may have said why. */
  unreachable(obstacle: Obstacle): void;
  /** The connection is gone. */
  lost(obstacle: Obstacle): void;
  /** The gateway ended the connection, without a word about the session. */
  sentAway(error: SocketError): void;
  /** Something came, whatever it was. */
  heard(): void;
  progress(progress: Progress): void;
  /** Something is to be answered before the session can go on. */
  asked(question: Question): void;
  attached(attached: Attached): void;
  /** How the connection to the host is protected. */
  details(details: SessionDetails): void;
  screen(piece: ScreenPiece): void;
  takenOver(takenOver: TakenOver): void;
  warned(warning: Warning): void;
  ready(ready: Ready): void;
  output(output: OutputBytes): void;
  inputAck(ack: InputAck): void;
  refused(error: SocketError): void;
  closed(closed: Closed): void;
}

/** What goes to the gateway; what is said while nobody is there is not said later. Disposing ends it for good. */
export interface Gateway extends Disposable {
  readonly joined: boolean;
  /** Tries to reach the gateway, anew if that is under way or done. */
  reach(): void;
  start(start: StartSession): void;
  resume(resume: ResumeSession): void;
  attachedAck(): void;
  /** May hold a secret: it is handed on, and kept nowhere. */
  answer(answer: QuestionAnswer): void;
  screenAck(ack: ScreenAck): void;
  closedAck(): void;
  input(input: InputPiece, offset: number): void;
  resize(size: Resize): void;
  outputAck(ack: OutputAck): void;
  stayConnected(): void;
  /** Asks for a sign of life. */
  ping(answered: () => void): void;
}

/** Begins with the socket that the page opened before this script was there. */
class EarlyWebSocket extends WebSocket {
  override createSocket(...address: Parameters<WebSocket['createSocket']>): globalThis.WebSocket {
    return takeEarly() ?? super.createSocket(...address);
  }
}

/** Goes to the gateway before there is anything to say: who connects over it finds the way open. */
export function openWay(): Manager {
  return new Manager({
    autoConnect: false,
    reconnection: false,
    transports: [EarlyWebSocket, XHR],
    tryAllTransports: true,
    timeout: 6_000,
  }).open();
}

export function connect(way: Manager, listener: GatewayListener): Gateway {
  const auth = (): ConnectAuth => ({ protocol: PROTOCOL, ...listener.opening() });
  const socket: GatewaySocket = way.socket(NAMESPACE, { auth: (send) => send(auth()) });
  const forget = () => {
    // Socket.IO keeps what is said while it is away, and would say it before the session is ours again.
    socket.sendBuffer.length = 0;
  };

  socket.on('connect', () => listener.joined());
  socket.on('disconnect', (reason) => {
    forget();
    if (reason === 'io server disconnect') {
      listener.sentAway(CLOSED_BY_GATEWAY);
    } else if (reason !== 'io client disconnect') {
      listener.lost(obstacle());
    }
  });
  socket.on('connect_error', (error) => {
    const answer = answerOf(error);
    if (answer?.code === 'forbidden_origin') {
      listener.refused({ ...answer, peer: 'browser', retry: false });
    } else if (socket.active) {
      if (answer === null) {
        // A proxy may swallow one transport without an answer: begin with the other next time.
        socket.io.opts.transports?.reverse();
      }
      listener.unreachable(answer?.code ?? obstacle());
    } else {
      listener.refused(refusal(error));
    }
  });
  hear(socket, listener);

  return {
    get joined() {
      return socket.connected;
    },
    reach: () => {
      if (socket.active) {
        socket.disconnect();
        forget();
      }
      socket.connect();
    },
    ...speech(socket),
    dispose: () => {
      socket.off();
      socket.io.off();
      socket.disconnect();
    },
  };
}

function hear(socket: GatewaySocket, listener: GatewayListener): void {
  socket.io.on('ping', () => listener.heard());
  socket.io.on('packet', () => listener.heard());
  socket.on('session-progress', (progress) => listener.progress(progress));
  socket.on('session-question', (question) => listener.asked(question));
  socket.on('session-attached', (attached) => listener.attached(attached));
  socket.on('session-details', (details) => listener.details(details));
  socket.on('session-screen', (piece) => listener.screen(piece));
  socket.on('session-taken-over', (takenOver) => listener.takenOver(takenOver));
  socket.on('session-warning', (warning) => listener.warned(warning));
  socket.on('connection-ready', (ready) => listener.ready(ready));
  socket.on('ssh-output', (output) => listener.output(output));
  socket.on('ssh-input-ack', (ack) => listener.inputAck(ack));
  socket.on('session-error', (error) => listener.refused(error));
  socket.on('session-closed', (closed) => listener.closed(closed));
}

function speech(socket: GatewaySocket): Omit<Gateway, 'joined' | 'reach' | 'dispose'> {
  const say: typeof socket.emit = (event, ...payload) => {
    if (socket.connected) {
      socket.emit(event, ...payload);
    }
    return socket;
  };
  return {
    start: (start) => say('start-session', start),
    resume: (resume) => say('resume-session', resume),
    attachedAck: () => say('session-attached-ack'),
    answer: (answer) => say('session-answer', answer),
    screenAck: (ack) => say('session-screen-ack', ack),
    closedAck: () => say('session-closed-ack'),
    input: (input, offset) => say('ssh-input', { input, offset }),
    resize: (size) => say('resize', size),
    outputAck: (ack) => say('ssh-output-ack', ack),
    stayConnected: () => say('stay-connected'),
    ping: (answered) => say('session-ping', answered),
  };
}

function obstacle(): Obstacle {
  return navigator.onLine ? 'no_answer' : 'offline';
}

/** The gateway refuses a CONNECT with the fields of a `SocketError`, in `data` or as the error itself. */
function refusal(error: Error & { data?: Partial<SocketError> }): SocketError {
  return {
    code: error.data?.code ?? 'unsupported_protocol',
    message: error.data?.message ?? error.message,
    peer: error.data?.peer ?? 'gateway',
    retry: false,
  };
}
