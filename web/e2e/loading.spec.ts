/** The session begins while the terminal's code is still on its way. */
import type { Page, Route, WebSocket } from '@playwright/test';
import { expect, sentBy, type Terminal, test } from './fixtures';
import { Gateway } from './processes';

const MAIN = '**/assets/main-*.js';
const TERMINAL = '**/assets/terminal-*.js';

/** What the page asks for of this pattern, once; it is kept waiting. */
function heldBack(page: Page, pattern: string): Promise<Route> {
  return new Promise((hold) => {
    void page.route(pattern, (route) => hold(route));
  });
}

async function works(terminal: Terminal): Promise<void> {
  await terminal.prompt();
  await terminal.run('echo $((40+2))');
  await terminal.shows(/42\s*e2e>/);
}

test('the shell is there before the terminal, which then shows it', async ({
  page,
  sshd,
  terminal,
  running,
}) => {
  const gateway = await running(Gateway.start());
  const asked = heldBack(page, TERMINAL);
  await page.goto(await gateway.create(sshd.target));
  const held = await asked;
  await expect.poll(() => gateway.sessions('attached')).toBe(1);
  await expect(terminal.status).toHaveText('Loading the terminal…');
  await expect(terminal.status).toBeVisible();
  await held.continue();
  await terminal.prompt();
  await expect(page.getByRole('textbox', { name: 'Terminal input' })).toBeFocused();
  await works(terminal);
});

test('the socket is open before the page has its own script, which goes on with it', async ({
  page,
  gateway,
  sshd,
  terminal,
}) => {
  const sockets: WebSocket[] = [];
  page.on('websocket', (socket) => sockets.push(socket));
  const greeted = page.waitForEvent('websocket').then((socket) => socket.waitForEvent('framereceived'));
  const asked = heldBack(page, MAIN);
  await page.goto(await gateway.create(sshd.target), { waitUntil: 'commit' });
  const held = await asked;
  expect((await greeted).payload).toContain('"sid"');
  await held.continue();
  await works(terminal);
  expect(sockets).toHaveLength(1);
});

test('a socket that was open early and is closed again is replaced', async ({
  page,
  gateway,
  sshd,
  terminal,
}) => {
  const asked = heldBack(page, MAIN);
  await page.goto(await gateway.create(sshd.target), { waitUntil: 'commit' });
  const held = await asked;
  await page.evaluate(async () => {
    const { socket } = (window as unknown as { early: { socket: globalThis.WebSocket } }).early;
    const event = (name: string) => new Promise((resolve) => socket.addEventListener(name, resolve));
    if (socket.readyState === WebSocket.CONNECTING) {
      await event('open');
    }
    const closed = event('close');
    socket.close();
    await closed;
  });
  await held.continue();
  await works(terminal);
});

for (const [width, height] of [
  [1000, 640],
  [700, 401],
  [320, 480],
] as const) {
  test(`the size that the shell begins with is the terminal's, ${width} × ${height}`, async ({
    page,
    open,
    terminal,
  }) => {
    await page.setViewportSize({ width, height });
    const sent = sentBy(page);
    await open();
    await terminal.run("clear; stty size | sed 's/^/size /'");
    await terminal.shows(/size \d+ \d+\s*e2e>/);
    const shown = /size (\d+) (\d+)/.exec((await terminal.lines()).join('\n'));
    const told = [...sent.join('\n').matchAll(/"cols":(\d+),"rows":(\d+)/g)];
    expect(told).not.toHaveLength(0);
    for (const [, cols, rows] of told) {
      expect([rows, cols]).toEqual(shown?.slice(1));
    }
  });
}
