import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Contact, FRESH, GIVEN_UP_AFTER, PING_EVERY, SILENT_AFTER } from '../src/contact';

/** A gateway that answers while `there`. */
function made({ answers = true } = {}) {
  const gateway = { there: true };
  const listener = {
    ask: vi.fn((answered: () => void) => {
      if (answers && gateway.there) {
        answered();
        contact.heard();
      }
    }),
    silent: vi.fn(),
    givenUp: vi.fn(),
  };
  const contact = new Contact(listener);
  return { gateway, listener, contact };
}

describe('contact', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is not doubted in silence that nobody has asked about', () => {
    const { gateway, listener, contact } = made();
    contact.begin();
    gateway.there = false;
    vi.advanceTimersByTime(PING_EVERY);
    expect(listener.ask).toHaveBeenCalledTimes(1);
    expect(listener.silent).not.toHaveBeenCalled();
  });

  it('is missed 4 s after a question, and the socket is given up after 8', () => {
    const { gateway, listener, contact } = made();
    contact.begin();
    gateway.there = false;
    vi.advanceTimersByTime(FRESH);
    const asked = Date.now();
    contact.question();
    contact.question();
    expect(listener.ask).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(SILENT_AFTER - 1);
    expect(listener.silent).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(listener.silent).toHaveBeenCalledExactlyOnceWith(asked);
    vi.advanceTimersByTime(GIVEN_UP_AFTER - SILENT_AFTER - 1);
    expect(listener.givenUp).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(listener.givenUp).toHaveBeenCalled();
  });

  it('is there again with the first thing that comes', () => {
    const { gateway, listener, contact } = made();
    contact.begin();
    gateway.there = false;
    vi.advanceTimersByTime(FRESH);
    contact.question();
    vi.advanceTimersByTime(SILENT_AFTER);
    contact.heard();
    expect(listener.silent).toHaveBeenLastCalledWith(null);
    vi.advanceTimersByTime(GIVEN_UP_AFTER);
    expect(listener.givenUp).not.toHaveBeenCalled();
  });

  it('needs no question when something has just come', () => {
    const { listener, contact } = made();
    contact.begin();
    vi.advanceTimersByTime(FRESH - 1);
    contact.question();
    expect(listener.ask).toHaveBeenCalledTimes(1);
  });

  it('is judged by pings alone with a gateway that answers no questions', () => {
    const { listener, contact } = made({ answers: false });
    contact.begin();
    vi.advanceTimersByTime(FRESH);
    contact.question();
    vi.advanceTimersByTime(GIVEN_UP_AFTER + 2_000);
    expect(listener.silent).not.toHaveBeenCalled();
    contact.heard();
    const heard = Date.now();
    vi.advanceTimersByTime(PING_EVERY + SILENT_AFTER);
    expect(listener.silent).toHaveBeenCalledExactlyOnceWith(heard);
    expect(listener.givenUp).not.toHaveBeenCalled();
  });

  it('is not missed because the page slept: that asks anew', () => {
    const { gateway, listener, contact } = made();
    contact.begin();
    vi.advanceTimersByTime(FRESH);
    gateway.there = false;
    contact.question();
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(1_000);
    expect(listener.ask).toHaveBeenCalledTimes(3);
    expect(listener.silent).not.toHaveBeenCalled();
    expect(listener.givenUp).not.toHaveBeenCalled();
    vi.advanceTimersByTime(GIVEN_UP_AFTER);
    expect(listener.givenUp).toHaveBeenCalled();
  });

  it('is nobody’s business once the socket is gone', () => {
    const { gateway, listener, contact } = made();
    contact.begin();
    gateway.there = false;
    vi.advanceTimersByTime(FRESH);
    contact.question();
    vi.advanceTimersByTime(SILENT_AFTER);
    contact.end();
    expect(listener.silent).toHaveBeenLastCalledWith(null);
    contact.question();
    vi.advanceTimersByTime(60_000);
    expect(listener.ask).toHaveBeenCalledTimes(2);
    expect(listener.givenUp).not.toHaveBeenCalled();
  });
});
