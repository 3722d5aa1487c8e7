import { describe, expect, it } from 'vitest';
import { ADVICE } from '../src/advice';
import type { State } from '../src/state';
import { view } from '../src/ui/view';

describe('the overlay', () => {
  const ended = {
    kind: 'ended',
    code: 'exited',
    message: 'From the gateway.',
    exitStatus: null,
    exitSignal: null,
  } as const;

  it('gives every failure a title and something to do', () => {
    for (const [code, { title, advice }] of Object.entries(ADVICE)) {
      expect(title, code).toMatch(/^[A-Z].*[^.]$/);
      expect(advice, code).toMatch(/^[A-Z].*\.$/s);
    }
  });

  it('shows the exit status, zero as well, or the signal, or else the gateway’s sentence', () => {
    expect(view({ ...ended, exitStatus: 0 }).message).toBe('The shell exited with status 0.');
    expect(view({ ...ended, exitStatus: 7 }).message).toBe('The shell exited with status 7.');
    expect(view({ ...ended, exitSignal: 'KILL' }).message).toBe('The shell was ended by the signal KILL.');
    expect(view(ended).message).toBe('From the gateway.');
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
