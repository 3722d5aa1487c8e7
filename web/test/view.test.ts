import { describe, expect, it } from 'vitest';
import { ADVICE, NEW_LINK } from '../src/advice';
import type { FailureCode, State } from '../src/state';
import { duration } from '../src/ui/clock';
import { endingWords, heldWords, keysShown, leftWords, view } from '../src/ui/view';

describe('the overlay', () => {
  const ended = {
    kind: 'ended',
    code: 'exited',
    message: 'From the gateway.',
    exitStatus: null,
    exitSignal: null,
    seconds: null,
    retry: false,
  } as const;

  const codes = Object.keys(ADVICE) as FailureCode[];
  const failure = (code: FailureCode, retry: boolean, message = 'A sentence.') =>
    view({ kind: 'failed', code, message, retry, begun: false });

  it.each(codes)('names one way on, with the button and without it: %s', (code) => {
    const withButton = failure(code, true);
    expect(withButton.title).toMatch(/^[A-Z].*[^.]$/);
    expect(withButton.action).toEqual({ act: 'retry', label: 'Try again' });
    expect(withButton.advice).not.toMatch(/new link/i);
    expect(withButton.advice).toMatch(/^([A-Z].*\.)?$/);

    const without = failure(code, false);
    expect(without.action).toBeNull();
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
    const connecting = {
      kind: 'connecting',
      step: 'gateway',
      hop: null,
      next: null,
      resuming: false,
      before: null,
      asked: null,
    } as const;
    expect(view({ ...connecting, obstacle: null }).title).toBe('Connecting');
    expect(view({ ...connecting, obstacle: 'no_answer' }).title).toBe('The gateway does not answer');
    const busy = view({ ...connecting, obstacle: 'too_many_sockets' });
    expect(busy.title).toBe('Too many terminals are open');
    expect(busy.message).toContain('keeps trying');
    expect(busy).toMatchObject({ due: null, action: { act: 'reach-now', label: 'Try now' } });
    expect(view({ ...connecting, obstacle: 'offline', next: 7 })).toMatchObject({
      title: 'You are offline',
      due: 7,
    });
    expect(view({ ...connecting, obstacle: null, resuming: true }).title).toBe('Coming back to your session');
  });

  it('names the jump host that a step leads to', () => {
    const connecting = {
      kind: 'connecting',
      step: 'auth',
      hop: 'bastion\u202e:22',
      obstacle: null,
      next: null,
      resuming: false,
      before: null,
      asked: null,
    } as const;
    expect(view(connecting).message).toBe('Logging in at the jump host bastion:22…');
    expect(view({ ...connecting, step: 'dial' }).message).toBe('Looking for the jump host bastion:22…');
    expect(view({ ...connecting, hop: null }).message).toBe('Logging in…');
    expect(view({ ...connecting, step: 'shell', hop: null }).message).toBe('Opening the shell…');
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
    expect(view({ kind: 'connected', held: 0, endings: [] }).layout).toBe('hidden');
  });

  it('offers another try only where it may work', () => {
    const failed: State = {
      kind: 'failed',
      code: 'connect_refused',
      message: 'Refused.',
      retry: true,
      begun: false,
    };
    expect(view(failed)).toMatchObject({
      action: { label: 'Try again' },
      code: 'Code: connect_refused',
      message: 'Refused.',
    });
    expect(view({ ...failed, retry: false }).action).toBeNull();
  });

  it('shows what the gateway and the host say as one bounded line', () => {
    const message = `A\u001b[2J\n${'x'.repeat(5000)}`;
    const shown = view({ kind: 'failed', code: 'internal', message, retry: false, begun: false }).message;
    expect(shown).toMatch(/^A \[2J x+…$/);
    expect(shown.length).toBeLessThanOrEqual(400);
  });
});

describe('an end', () => {
  const ended = { kind: 'ended', code: 'exited', message: '', exitStatus: 0, exitSignal: null } as const;

  it('says how long it lasted', () => {
    const after = { ...ended, seconds: 192, retry: false };
    expect(view(after).message).toBe('The shell exited with status 0 after 3 min 12 s.');
    expect(view({ ...after, seconds: 0 }).message).toBe('The shell exited with status 0.');
    expect(view({ ...after, exitStatus: null, exitSignal: 'HUP' }).message).toBe(
      'The shell was ended by the signal HUP after 3 min 12 s.',
    );
    const idle = { ...after, code: 'timed_out', exitStatus: null, message: 'Nothing was typed.' } as const;
    expect(view(idle).message).toBe('Nothing was typed. The shell was open for 3 min 12 s.');
  });

  it('can be begun again with Enter where the ticket allows it, and only there', () => {
    expect(view({ ...ended, seconds: 1, retry: true })).toMatchObject({
      advice: 'Press Enter to start again.',
      action: { act: 'retry', label: 'Start again' },
    });
    expect(view({ ...ended, seconds: 1, retry: false })).toMatchObject({ advice: NEW_LINK, action: null });
  });
});

describe('a session that goes on without the page', () => {
  const away = { kind: 'reconnecting', obstacle: 'no_answer', next: 1_000, taking: false } as const;

  it('says that it is the gateway that is away, and that nothing is lost', () => {
    const shown = view(away);
    expect(shown.title).toBe('Reconnecting to the gateway…');
    expect(shown.message).toBe('The session goes on. What you type is kept, and sent later.');
    expect(shown).toMatchObject({
      layout: 'top',
      due: 1_000,
      action: { label: 'Now', name: 'Reconnect now' },
    });
    expect(view({ ...away, obstacle: 'offline' }).title).toBe('You are offline');
    expect(view({ ...away, obstacle: 'too_many_sockets' }).title).toBe('Too many terminals are open');
  });

  it('says that it is the host that is gone', () => {
    const lost = { kind: 'failed', code: 'link_lost', message: '', retry: false, begun: true } as const;
    expect(view(lost).title).toBe('The connection to the host broke');
  });

  it('can be taken back', () => {
    expect(view({ kind: 'taken-over' })).toMatchObject({
      layout: 'top',
      title: 'Opened elsewhere',
      action: { act: 'take-back', label: 'Take it back' },
    });
    const taking = view({ ...away, taking: true });
    expect(taking.title).toBe('Taking the session back…');
    expect(taking.message).not.toContain('kept');
  });
});

describe('words about time', () => {
  it.each([
    [0, '0 s'],
    [-5, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [192, '3 min 12 s'],
    [3_600, '1 h'],
    [3_605, '1 h'],
    [7_500, '2 h 5 min'],
    [266_400, '3 d 2 h'],
  ])('%d s are %s', (seconds, words) => {
    expect(duration(seconds)).toBe(words);
  });

  it('count down to an end, which can be put off only when the session is idle', () => {
    expect(leftWords(28)).toBe('in 28 s');
    expect(leftWords(0)).toBe('now');
    expect(endingWords('timed_out').stays).toBe(true);
    expect(endingWords('max_duration').stays).toBe(false);
    expect(endingWords('shutdown')).toEqual({
      title: 'The gateway restarts: this session ends',
      stays: false,
    });
  });
});

describe('words about held keys', () => {
  it('count them', () => {
    expect(heldWords(1)).toBe('1 key was typed while the connection was away. Send it?');
    expect(heldWords(1234)).toMatch(/^1,234 keys were typed .* Send them\?$/);
  });

  it('show them apart where they are words, and the last of many', () => {
    expect(keysShown(['l', 's', '⏎', 'Home', 'Home', 'x'])).toBe('ls⏎ Home Home x');
    const many = keysShown([...Array(300).fill('a'), '⏎']);
    expect(many).toBe(`… ${'a'.repeat(199)}⏎`);
  });
});
