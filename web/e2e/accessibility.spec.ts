import { findings } from './accessible';
import { expect, test } from './fixtures';
import { freePort, Gateway, startSilentHost, startWay } from './processes';

for (const colorScheme of ['dark', 'light'] as const) {
  test.describe(`axe finds nothing in ${colorScheme}`, () => {
    test.use({ colorScheme, contextOptions: { reducedMotion: 'reduce' } });

    test('while connecting', async ({ page, gateway, sshd, terminal, running }) => {
      const host = await running(startSilentHost());
      await page.goto(await gateway.create({ ...sshd.target, port: host.port }));
      await expect(terminal.status).toContainText('Checking the host');
      expect(await findings(page)).toEqual([]);
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

    test('when the gateway is gone, for good', async ({ page, sshd, terminal, running }) => {
      const gateway = await running(Gateway.start('--detach-grace', '0'));
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
        test(`and keys wait, ${width} wide`, async ({ page, gateway, sshd, terminal, running }) => {
          await page.setViewportSize({ width, height: 640 });
          const way = await running(startWay(gateway.origin));
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
