import { describe, expect, it } from 'vitest';
import { type Key, Keys } from '../src/keys';

const key = (name: string, modifiers: Partial<Key> = {}): Key => ({
  type: 'keydown',
  key: name,
  code: '',
  ctrlKey: false,
  shiftKey: false,
  altKey: false,
  metaKey: false,
  isComposing: false,
  ...modifiers,
});
const CTRL_SHIFT = { ctrlKey: true, shiftKey: true };
const use = (pressed: Key, selected = true) => new Keys().use(pressed, true, selected, 0);

describe('keys', () => {
  it.each([
    key('C', CTRL_SHIFT),
    key('X', CTRL_SHIFT),
    key('С', { ...CTRL_SHIFT, code: 'KeyC' }),
    key('Insert', { ctrlKey: true }),
    key('c', { metaKey: true }),
  ])('copy: %o', (pressed) => {
    expect(use(pressed)).toBe('copy');
  });

  it.each([
    key('V', CTRL_SHIFT),
    key('Insert', { shiftKey: true }),
    key('v', { metaKey: true }),
    key('=', { ctrlKey: true }),
    key('-', { ctrlKey: true }),
    key('F11'),
  ])('are the browser’s: %o', (pressed) => {
    expect(use(pressed)).toBe('browser');
  });

  it.each([
    key('c', { ctrlKey: true }),
    key('v', { ctrlKey: true }),
    key('x', { ctrlKey: true }),
    key('_', CTRL_SHIFT),
    key('C', { ...CTRL_SHIFT, altKey: true }),
    key('Insert'),
    key('Tab'),
    key('F5'),
    key('a'),
  ])('are the terminal’s: %o', (pressed) => {
    expect(use(pressed)).toBe('terminal');
  });

  it('leave Cmd+C to the browser where nothing is selected', () => {
    expect(use(key('c', { metaKey: true }), false)).toBe('browser');
  });
});

describe('Tab', () => {
  it('is the terminal’s, and after Esc the browser’s, forwards and back', () => {
    const keys = new Keys();
    expect(keys.use(key('Tab'), true, false, 0)).toBe('terminal');
    expect(keys.use(key('Escape'), true, false, 100)).toBe('terminal');
    expect(keys.use(key('Escape', { type: 'keyup' }), true, false, 150)).toBe('terminal');
    expect(keys.use(key('Shift', { shiftKey: true }), true, false, 160)).toBe('terminal');
    expect(keys.use(key('Tab', { shiftKey: true }), true, false, 200)).toBe('browser');
  });

  it('is the terminal’s again after another key, and after a while', () => {
    const keys = new Keys();
    keys.use(key('Escape'), true, false, 0);
    keys.use(key('a'), true, false, 10);
    expect(keys.use(key('Tab'), true, false, 20)).toBe('terminal');
    keys.use(key('Escape'), true, false, 100);
    expect(keys.use(key('Tab'), true, false, 5000)).toBe('terminal');
  });

  it('is the browser’s when no shell takes it', () => {
    expect(new Keys().use(key('Tab'), false, false, 0)).toBe('browser');
  });
});
