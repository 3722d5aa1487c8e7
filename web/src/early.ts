/**
 * A WebSocket to the gateway that the page opens before its own script has come, which then takes it.
 * Part of both; knows nothing of Socket.IO but the address.
 */
interface Early {
  readonly socket: WebSocket;
  /** What came before it was taken. */
  readonly heard: MessageEvent[];
}

declare global {
  interface Window {
    early?: Early;
  }
}

export function openEarly(): void {
  const address = new URL('/socket.io/?EIO=4&transport=websocket', location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(address);
  const heard: MessageEvent[] = [];
  socket.onmessage = (message) => heard.push(message);
  window.early = { socket, heard };
}

/**
 * The socket, once, unless it is closed by now. Whoever sets its handlers at once hears all that it did
 * from the beginning.
 */
export function takeEarly(): WebSocket | null {
  const { early } = window;
  delete window.early;
  if (early === undefined || early.socket.readyState > WebSocket.OPEN) {
    return null;
  }
  const { socket, heard } = early;
  if (socket.readyState === WebSocket.OPEN) {
    queueMicrotask(() => {
      socket.onopen?.(new Event('open'));
      for (const message of heard) {
        socket.onmessage?.(message);
      }
    });
  }
  return socket;
}
