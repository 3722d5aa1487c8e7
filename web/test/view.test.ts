import { describe, expect, it } from 'vitest';
import { ADVICE, NEW_LINK } from '../src/advice';
import type { FailureCode, State } from '../src/state';
import { view } from '../src/ui/view';

describe('the overlay', () => {
  const ended = {
    kind: 'ended',
    code: 'exited',
    message: 'From the gateway.',
    exitStatus: null,
    exitSignal: null,
  } as const;

  const codes = Object.keys(ADVICE) as FailureCode[];
  const failure = (code: FailureCode, retry: boolean, message = 'A sentence.') =>
    view({ kind: 'failed', code, message, retry, begun: false });

  it.each(codes)('names one way on, with the button and without it: %s', (code) => {
    const withButton = failure(code, true);
    expect(withButton.title).toMatch(/^[A-Z].*[^.]$/);
    expect(withButton.retry).toBe(true);
    expect(withButton.advice).not.toMatch(/new link/i);
    expect(withButton.advice).toMatch(/^([A-Z].*\.)?$/);

    const without = failure(code, false);
    expect(without.retry).toBe(false);
    expect(without.advice).not.toMatch(/try again/i);
    expect(without.advice).toMatch(/^[A-Z].*\.$/);
    expect(without.advice.includes(NEW_LINK)).toBe(ADVICE[code].linkIsNoHelp !== true);
  });

  it('says nothing twice', () => {
    const { title } = ADVICE.ticket_unknown;
    expect(failure('ticket_unknown', false, `${title}.`)).toMatchObject({ title, message: '' });
    expect(failure('ticket_unknown', false, title).message).toBe('');
    expect(failure('ticket_unknown', false, `${title}!`).message).toBe(`${title}!`);
  });

  it('shows the exit status, zero as well, or the signal, or else the gateway’s sentence', () => {
    expect(view({ ...ended, exitStatus: 0 }).message).toBe('The shell exited with status 0.');
    expect(view({ ...ended, exitStatus: 7 }).message).toBe('The shell exited with status 7.');
    expect(view({ ...ended, exitSignal: 'KILL' }).message).toBe('The shell was ended by the signal KILL.');
    expect(view(ended).message).toBe('From the gateway.');
  });

  it('says why the gateway is not reached, and that the page goes on by itself', () => {
    const connecting = { kind: 'connecting', step: 'gateway', interrupted: false } as const;
    expect(view({ ...connecting, obstacle: null }).title).toBe('Connecting');
    expect(view({ ...connecting, obstacle: 'no_answer' }).title).toBe('The gateway does not answer');
    const busy = view({ ...connecting, obstacle: 'too_many_sockets' });
    expect(busy.title).toBe('Too many terminals are open');
    expect(busy.message).toContain('keeps trying');
  });

  it('stands over nothing that can be read', () => {
    const failed: State = {
      kind: 'failed',
      code: 'link_lost',
      message: 'Broken.',
      retry: false,
      begun: true,
    };
    expect(view(failed).layout).toBe('bar');
    expect(view({ ...failed, begun: false }).layout).toBe('card');
    expect(view(ended).layout).toBe('bar');
    expect(view({ kind: 'disconnected' }).layout).toBe('bar');
    expect(view({ kind: 'connected' }).layout).toBe('hidden');
  });

  it('offers another try only where it may work', () => {
    const failed: State = {
      kind: 'failed',
      code: 'connect_refused',
      message: 'Refused.',
      retry: true,
      begun: false,
    };
    expect(view(failed)).toMatchObject({ retry: true, code: 'Code: connect_refused', message: 'Refused.' });
    expect(view({ ...failed, retry: false }).retry).toBe(false);
  });

  it('shows what the gateway and the host say as one bounded line', () => {
    const message = `A\u001b[2J\n${'x'.repeat(5000)}`;
    const shown = view({ kind: 'failed', code: 'internal', message, retry: false, begun: false }).message;
    expect(shown).toMatch(/^A \[2J x+…$/);
    expect(shown.length).toBeLessThanOrEqual(400);
  });
});
