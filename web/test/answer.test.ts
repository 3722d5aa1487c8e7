import { describe, expect, it } from 'vitest';
import { answerOf } from '../src/answer';

const refusedWith = (responseText: unknown) =>
  Object.assign(new Error('xhr poll error'), { context: { status: 503, responseText } });

describe('the answer of a gateway that refuses a connection', () => {
  it.each(['forbidden_origin', 'too_many_sockets'])('is read: %s', (code) => {
    const body = JSON.stringify({ success: false, error: 'Because.', code });
    expect(answerOf(refusedWith(body))).toEqual({ code, message: 'Because.' });
  });

  it.each([
    '',
    'null',
    '[]',
    '<h1>503</h1>',
    '{"code":"too_many_sockets"}',
    '{"code":"too_many_sockets","error":{}}',
    '{"code":"exited","error":"Because."}',
    undefined,
  ])('is not made up from %j', (body) => {
    expect(answerOf(refusedWith(body))).toBeNull();
  });

  it('is not there when nothing answered', () => {
    expect(answerOf(new Error('timeout'))).toBeNull();
    expect(answerOf(Object.assign(new Error('websocket error'), { context: undefined }))).toBeNull();
  });
});
