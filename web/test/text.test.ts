import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openable } from '../src/links';
import { plainLines, plainText, windowTitle } from '../src/text';
import { ticketOf } from '../src/ticket';

describe('text from outside', () => {
  it('loses control, bidi and invisible characters', () => {
    expect(plainText('a\u001b[31mb\u0007\u202ec\u200b\u2066d\u009be', 100)).toBe(
      'a [31mb c d e'.replace(' c d', ' cd'),
    );
    expect(plainText('one\r\n\ttwo\u2028three', 100)).toBe('one two three');
  });

  it('keeps its lines and their indentation where it may have several', () => {
    expect(plainLines('\r\n\na:\r\n\n\n\n 1.\u202e x\u001b[m \n\tb\u2028c\n', 100)).toBe(
      'a:\n\n 1. x [m\n    b\nc',
    );
    expect(plainLines('one\ntwo', 5)).toBe('one\n…');
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 600 }),
        fc.integer({ min: 1, max: 300 }),
        (text, max) => {
          const plain = plainLines(text, max);
          expect(plain.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
          expect(Array.from(plain).length).toBeLessThanOrEqual(max);
        },
      ),
    );
  });

  it('is one line of bounded, printable text, whatever it was', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 600 }),
        fc.integer({ min: 1, max: 300 }),
        (text, max) => {
          const plain = plainText(text, max);
          expect(plain).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
          expect(Array.from(plain).length).toBeLessThanOrEqual(max);
        },
      ),
    );
  });

  it('is cut between characters', () => {
    expect(plainText('🚀🚀🚀🚀', 3)).toBe('🚀🚀…');
  });

  it('as a title begins with our own word', () => {
    expect(windowTitle('Your bank')).toBe('Terminal · Your bank');
    expect(windowTitle(' \u202e ')).toBe('Terminal');
    expect(windowTitle('x'.repeat(5000)).length).toBeLessThan(300);
  });
});

describe('the ticket', () => {
  const TICKET = '6d3f7a52-3b53-4c36-9f0f-0c9f4f3f8f61';
  const at = (rest: string) => ticketOf(new URL(`https://terminal.example.org${rest}`));

  it.each([
    `/${TICKET}`,
    `/${TICKET}/`,
    `/sub/path/${TICKET}`,
    `/?connection=${TICKET}`,
    `/?connect=${TICKET}`,
  ])('stands in %s', (address) => {
    expect(at(address)).toBe(TICKET);
  });

  it.each(['/', '/?connection=', '/?connection=1', `/?other=${TICKET}`, `/${TICKET}x`, `/#${TICKET}`])(
    'does not stand in %s',
    (address) => {
      expect(at(address)).toBeNull();
    },
  );
});

describe('a link', () => {
  it.each(['https://example.org/a?b=c', 'http://example.org/', 'mailto:ada@example.org'])(
    'may be opened: %s',
    (uri) => {
      expect(openable(uri)).toBe(uri);
    },
  );

  it.each([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'data:text/html,<p>',
    'file:///etc/passwd',
    'ssh://host',
    'blob:https://example.org/1',
    'not a link',
    '',
  ])('may not be opened: %s', (uri) => {
    expect(openable(uri)).toBeNull();
  });
});
