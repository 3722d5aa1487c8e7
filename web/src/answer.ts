/** What the gateway says when it refuses a connection over HTTP. Knows no socket and no page. */
import type { Code } from './protocol.gen';

/** The two refusals that tell more than that the gateway was not reached. */
export type Refusal = Extract<Code, 'forbidden_origin' | 'too_many_sockets'>;

export interface Answer {
  code: Refusal;
  message: string;
}

/**
 * Finds the gateway's answer in an error of Socket.IO's polling transport, which carries its request
 * as `context`. WebSocket hides answers from pages, and proxies answer in their own ways: both give null.
 */
export function answerOf(error: Error): Answer | null {
  const request: unknown = Reflect.get(error, 'context');
  const body = field(request, 'responseText');
  if (typeof body !== 'string') {
    return null;
  }
  const answer = parsed(body);
  const code = field(answer, 'code');
  const message = field(answer, 'error');
  const known = code === 'forbidden_origin' || code === 'too_many_sockets';
  return known && typeof message === 'string' ? { code, message } : null;
}

function field(from: unknown, name: string): unknown {
  return typeof from === 'object' && from !== null ? Reflect.get(from, name) : undefined;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
