import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';
import type axe from 'axe-core';
import { expect, test } from './fixtures';
import { freePort, Gateway, startSilentHost, startWay } from './processes';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds. The colours that programs choose inside the terminal are not the page's. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    const { run } = Reflect.get(window, 'axe') as typeof axe;
    const options = { runOnly: { type: 'tag', values: tags } } as const;
    const { violations, passes } = await run({ exclude: [['.xterm-rows']] }, options);
    if (passes.length < 10) {
      return ['axe looked at almost nothing'];
    }
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }, TAGS);
}

for (const colorScheme of ['dark', 'light'] as const) {
  test.describe(`axe finds nothing in ${colorScheme}`, () => {
    test.use({ colorScheme, contextOptions: { reducedMotion: 'reduce' } });

    test('while connecting', async ({ page, gateway, sshd, terminal }) => {
      const host = await startSilentHost();
      await page.goto(await gateway.create({ ...sshd.target, port: host.port }));
      await expect(terminal.status).toContainText('Checking the host');
      expect(await findings(page)).toEqual([]);
      await host.stop();
    });

    test('when connected, and when the shell has exited', async ({ page, open, terminal }) => {
      await open();
      expect(await findings(page)).toEqual([]);
      await terminal.run('exit');
      await expect(terminal.status).toContainText('status 0');
      expect(await findings(page)).toEqual([]);
    });

    test('when it failed', async ({ page, gateway, sshd, terminal }) => {
      await page.goto(await gateway.create({ ...sshd.target, port: await freePort() }));
      await expect(terminal.status).toContainText('connect_refused');
      expect(await findings(page)).toEqual([]);
    });

    test('when the gateway is gone, for good', async ({ page, sshd, terminal }) => {
      const gateway = await Gateway.start('--detach-grace', '0');
      await page.goto(await gateway.create(sshd.target));
      await terminal.prompt();
      await gateway.stop();
      await expect(terminal.status).toContainText('Disconnected');
      expect(await findings(page)).toEqual([]);
    });

    test('when the session will end', async ({ page, gateway, sshd, terminal }) => {
      await page.goto(await gateway.create({ ...sshd.target, idle_timeout: 16 }));
      await terminal.prompt();
      await expect(page.getByRole('alert')).toContainText('Nothing was typed');
      expect(await findings(page)).toEqual([]);
    });

    test.describe('when the way to the gateway is cut', () => {
      test.use({ provoked: /WebSocket connection to .* failed|net::ERR_/ });

      for (const width of [1000, 320]) {
        test(`and keys wait, ${width} wide`, async ({ page, gateway, sshd, terminal }) => {
          await page.setViewportSize({ width, height: 640 });
          const way = await startWay(gateway.origin);
          const link = new URL(await gateway.create(sshd.target));
          await page.clock.install();
          await page.goto(`${way.origin}${link.pathname}`);
          await terminal.prompt();
          way.open = false;
          way.cut();
          await expect(terminal.status).toContainText('Reconnecting');
          expect(await findings(page)).toEqual([]);
          await page.keyboard.type('abc');
          await page.clock.fastForward(11_000);
          way.open = true;
          await expect(page.getByRole('alert')).toContainText('3 keys were typed');
          await page.getByRole('button', { name: 'Show' }).click();
          expect(await findings(page)).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
          await way.stop();
        });
      }
    });

    test('on the first page', async ({ page, gateway }) => {
      await page.goto(gateway.origin);
      await expect(page.locator('pre').first()).toContainText(`curl ${gateway.origin}/create-session`);
      expect(await findings(page)).toEqual([]);
    });

    test.describe('on the page for links that open nothing', () => {
      test.use({ provoked: /status of 404/, viewport: { width: 320, height: 640 } });

      test('also on a narrow screen', async ({ page, gateway }) => {
        await page.goto(`${gateway.origin}/6d3f7a52-3b53-4c36-9f0f-0c9f4f3f8f61`);
        await expect(page.getByRole('heading')).toBeVisible();
        expect(await findings(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
      });
    });
  });
}
