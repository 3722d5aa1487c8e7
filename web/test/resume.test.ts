import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { COOKIE_AGE, type Places, ResumeToken } from '../src/resume';

const TICKET = '6d3f7a52-3b53-4c36-9f0f-0c9f4f3f8f61';
const OTHER = '11111111-3b53-4c36-9f0f-0c9f4f3f8f61';
const token = (seed: number) => Buffer.alloc(32, seed).toString('base64url');

/** A tab's storage, or a frame to which the browser refuses it, with a jar that obeys names and ages. */
function places({ refused = false, cookies = true } = {}) {
  const stored = new Map<string, string>();
  const jar = new Map<string, string>();
  const written: string[] = [];
  const storage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  };
  const all: Places = {
    get sessionStorage() {
      if (refused) {
        throw new DOMException('Refused.', 'SecurityError');
      }
      return storage;
    },
    document: {
      get cookie() {
        return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      },
      set cookie(text: string) {
        written.push(text);
        const [name = '', value = ''] = text.split(';')[0]?.split('=') ?? [];
        if (!cookies || text.includes('Max-Age=0')) {
          jar.delete(name);
        } else {
          jar.set(name, value);
        }
      },
    },
    location: { pathname: `/${TICKET}` },
  };
  return { all, stored, jar, written };
}

describe('the token', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is kept in the tab, for its ticket alone', () => {
    const { all, written } = places();
    const kept = new ResumeToken(TICKET, all);
    expect(kept.read()).toBeNull();
    expect(kept.keep(token(1))).toBe(true);
    expect(new ResumeToken(TICKET.toUpperCase(), all).read()).toBe(token(1));
    expect(new ResumeToken(OTHER, all).read()).toBeNull();
    kept.keep(token(2));
    expect(kept.read()).toBe(token(2));
    kept.forget();
    expect(kept.read()).toBeNull();
    expect(written).toEqual([]);
  });

  it('is kept in a cookie of this address where the browser refuses storage', () => {
    const { all, jar, written } = places({ refused: true });
    const kept = new ResumeToken(TICKET, all);
    expect(kept.keep(token(1))).toBe(true);
    expect(new ResumeToken(TICKET, all).read()).toBe(token(1));
    expect(written[0]?.split('; ').slice(1)).toEqual([
      `Path=/${TICKET}`,
      `Max-Age=${COOKIE_AGE}`,
      'Secure',
      'SameSite=None',
      'Partitioned',
    ]);
    kept.forget();
    expect(jar.size).toBe(0);
    expect(kept.read()).toBeNull();
  });

  it('lies in the cookie only covered, and whoever has another ticket does not uncover it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const secret = Buffer.from(bytes).toString('base64url');
        const { all, jar } = places({ refused: true });
        const kept = new ResumeToken(TICKET, all);
        expect(kept.keep(secret)).toBe(true);
        const [[name, value] = ['', '']] = jar;
        expect(value).not.toContain(secret);
        jar.clear();
        jar.set(name.replace(TICKET, OTHER), value);
        expect(new ResumeToken(OTHER, all).read()).not.toBe(secret);
        kept.dispose();
      }),
    );
  });

  it('outlasts the cookie’s age while the page is there, and not after', () => {
    const { all, written } = places({ refused: true });
    const kept = new ResumeToken(TICKET, all);
    kept.keep(token(1));
    vi.advanceTimersByTime(COOKIE_AGE * 1000);
    expect(written.length).toBeGreaterThan(2);
    expect(new Set(written).size).toBe(1);
    kept.dispose();
    written.length = 0;
    vi.advanceTimersByTime(COOKIE_AGE * 1000);
    expect(written).toEqual([]);
  });

  it('is not kept where nothing can be kept, and says so', () => {
    const kept = new ResumeToken(TICKET, places({ refused: true, cookies: false }).all);
    expect(kept.keep(token(1))).toBe(false);
    expect(kept.read()).toBeNull();
  });

  it('is not what somebody else has put in its place', () => {
    const { all, stored } = places();
    stored.set(`alfresco-ssh.resume.${TICKET}`, 'short');
    expect(new ResumeToken(TICKET, all).read()).toBeNull();
    const refused = places({ refused: true });
    refused.jar.set(`alfresco-ssh.resume.${TICKET}`, '%%%');
    expect(new ResumeToken(TICKET, refused.all).read()).toBeNull();
  });
});
