/**
 * The Socket.IO connection to the gateway: our protocol's events, typed. WebSocket first, polling
 * where WebSocket cannot get through. Knows nothing of terminals and of the page.
 */
import { io, type Socket } from 'socket.io-client';
import { type Answer, answerOf } from './answer';
import type { InputPiece } from './flow';
import type { Disposable } from './lifecycle';
import {
  type Closed,
  type ConnectAuth,
  type FromGateway,
  type InputAck,
  NAMESPACE,
  type OutputAck,
  type OutputBytes,
  PROTOCOL,
  type Progress,
  type Ready,
  type Resize,
  type SocketError,
  type StartSession,
  type ToGateway,
} from './protocol.gen';

/** Socket.IO does not come back by itself from a disconnect that the server asked for. */
const CLOSED_BY_GATEWAY: SocketError = {
  code: 'internal',
  message: 'The gateway closed the connection without a reason.',
  peer: 'gateway',
  retry: false,
};

/** What comes from the gateway, and what becomes of the connection. */
export interface GatewayListener {
  /** The gateway is there, for the first time or again. */
  joined(): void;
  /** An attempt to reach the gateway failed; the next one follows by itself. The gateway may have said why. */
  unreachable(answer: Answer | null): void;
  /** The connection is gone; attempts to reach the gateway follow by themselves. */
  lost(): void;
  progress(progress: Progress): void;
  ready(ready: Ready): void;
  output(output: OutputBytes): void;
  inputAck(ack: InputAck): void;
  refused(error: SocketError): void;
  closed(closed: Closed): void;
}

/** What goes to the gateway. Disposing ends the connection for good. */
export interface Gateway extends Disposable {
  readonly joined: boolean;
  start(start: StartSession): void;
  input(piece: InputPiece): void;
  resize(size: Resize): void;
  outputAck(ack: OutputAck): void;
}

export function connect(listener: GatewayListener): Gateway {
  const auth: ConnectAuth = { protocol: PROTOCOL };
  const socket: Socket<FromGateway, ToGateway> = io(NAMESPACE, {
    auth,
    forceNew: true,
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    timeout: 6_000,
    reconnectionDelay: 250,
    reconnectionDelayMax: 5_000,
  });

  socket.on('connect', () => listener.joined());
  socket.on('disconnect', () => {
    const willReturn = socket.active;
    listener.lost();
    if (!willReturn) {
      listener.refused(CLOSED_BY_GATEWAY);
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
      listener.unreachable(answer);
    } else {
      listener.refused(refusal(error));
    }
  });
  socket.on('session-progress', (progress) => listener.progress(progress));
  socket.on('connection-ready', (ready) => listener.ready(ready));
  socket.on('ssh-output', (output) => listener.output(output));
  socket.on('ssh-input-ack', (ack) => listener.inputAck(ack));
  socket.on('session-error', (error) => listener.refused(error));
  socket.on('session-closed', (closed) => listener.closed(closed));

  return {
    get joined() {
      return socket.connected;
    },
    start: (start) => socket.emit('start-session', start),
    input: (piece) => socket.emit('ssh-input', { input: piece }),
    resize: (size) => socket.emit('resize', size),
    outputAck: (ack) => socket.emit('ssh-output-ack', ack),
    dispose: () => {
      socket.off();
      socket.disconnect();
    },
  };
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
