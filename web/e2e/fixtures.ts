/** What every test has: the servers, a page that must stay free of complaints, and hands and eyes for its terminal. */
import { test as base, expect, type FrameLocator, type Locator, type Page } from '@playwright/test';
import { Gateway, type Portal, type Running, type SshServer, startPortal, startSshd } from './processes';

export { expect };

export const PROMPT = 'e2e>';

/** The terminal of a page or a frame, used as a person uses it. */
export class Terminal {
  /** What the DOM renderer shows. */
  readonly rows: Locator;
  /** Where the pointer goes. */
  readonly screen: Locator;
  /** What the overlay says. */
  readonly status: Locator;

  constructor(
    private readonly page: Page,
    readonly place: Page | FrameLocator,
  ) {
    this.rows = place.locator('.xterm-rows');
    this.screen = place.locator('.xterm-screen');
    this.status = place.locator('#overlay').getByRole('status');
  }

  async prompt(): Promise<void> {
    await expect(this.status).toHaveText('Connected');
    await expect(this.rows).toContainText(PROMPT);
  }

  /** Types a line and Enter. */
  async run(command: string): Promise<void> {
    await this.page.keyboard.type(command);
    await this.page.keyboard.press('Enter');
  }

  async shows(text: string | RegExp): Promise<void> {
    await expect(this.rows).toContainText(text);
  }

  /** Waits until everything that the terminal was given is on the screen. */
  async painted(): Promise<void> {
    await this.page.evaluate(async () => {
      for (const _ of ['the frame that fills the rows', 'and the one after it']) {
        await new Promise(requestAnimationFrame);
      }
    });
  }

  /** The rows as they stand, without trailing blanks. */
  async lines(): Promise<string[]> {
    const lines = await this.rows.locator('> div').allTextContents();
    return lines.map((line) => line.replaceAll('\u00a0', ' ').trimEnd());
  }
}

/** The rows, once the last of them is an empty prompt. */
export async function settled(terminal: Terminal): Promise<string[]> {
  await expect.poll(async () => (await terminal.lines()).filter(Boolean).at(-1)).toBe(PROMPT);
  return terminal.lines();
}

/** What the page sends over its WebSockets from now on. */
export function sentBy(page: Page): string[] {
  const sent: string[] = [];
  page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(String(payload))));
  return sent;
}

interface Worker {
  sshd: SshServer;
  gateway: Gateway;
  portal: Portal;
  stranger: Portal;
}

interface Test {
  /** Complaints of the browser that this test provokes on purpose. */
  provoked: RegExp;
  terminal: Terminal;
  /** Stops what a test has started once the test is over, however it ends. */
  running: <R extends Running>(started: Promise<R>) => Promise<R>;
  /** Opens a new session to the real server, up to its prompt. */
  open: () => Promise<string>;
  complaints: undefined;
}

export const test = base.extend<Test, Worker>({
  sshd: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from this pattern.
    async ({}, use) => {
      const sshd = await startSshd();
      await use(sshd);
      await sshd.stop();
    },
    { scope: 'worker' },
  ],
  portal: [portal, { scope: 'worker' }],
  stranger: [portal, { scope: 'worker' }],
  gateway: [
    async ({ portal }, use) => {
      // Every user of the suite comes from one address, and leaves a session behind that waits for its page.
      const gateway = await Gateway.start(
        '--max-sessions-per-address',
        '0',
        '--frame-ancestors',
        'self',
        '--frame-ancestors',
        portal.origin,
      );
      await use(gateway);
      await gateway.stop();
    },
    { scope: 'worker' },
  ],
  provoked: [/^$/, { option: true }],
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from this pattern.
  running: async ({}, use) => {
    const all: Running[] = [];
    await use(async (started) => {
      const running = await started;
      all.unshift(running);
      return running;
    });
    for (const running of all) {
      await running.stop();
    }
  },
  terminal: async ({ page }, use) => {
    await use(new Terminal(page, page));
  },
  open: async ({ page, gateway, sshd, terminal }, use) => {
    await use(async () => {
      const url = await gateway.create(sshd.target);
      await page.goto(url);
      await terminal.prompt();
      return url;
    });
  },
  complaints: [
    async ({ context, provoked }, use) => {
      const complaints: string[] = [];
      await context.exposeFunction('complain', (text: string) => complaints.push(text));
      await context.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
          const complain = Reflect.get(window, 'complain') as (text: string) => void;
          complain(`${event.effectiveDirective} refuses ${event.blockedURI} ${event.sample}`);
        });
      });
      context.on('console', (message) => complaints.push(message.text()));
      context.on('weberror', (error) => complaints.push(String(error.error())));
      await use(undefined);
      const unexpected = complaints.filter((text) => !provoked.test(text));
      expect(unexpected, 'the page stays silent and keeps to its policy').toEqual([]);
    },
    { auto: true },
  ],
});

// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from this pattern.
async function portal({}, use: (portal: Portal) => Promise<void>): Promise<void> {
  const started = await startPortal();
  await use(started);
  await started.stop();
}
