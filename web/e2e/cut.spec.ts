/** Pages that lose their way to the gateway for a while, and come back by themselves. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, settled, Terminal, test } from './fixtures';
import { Gateway, startProxyWithoutWebSocket, startWay, type Way } from './processes';

test.use({ provoked: /status of 404|WebSocket connection to .* failed|net::ERR_/ });

test.describe('when the way to the gateway is cut', () => {
  let way: Way;
  test.beforeEach(async ({ gateway }) => {
    way = await startWay(gateway.origin);
  });
  test.afterEach(() => way.stop());

  async function openOver(page: Page, link: string): Promise<void> {
    await page.goto(`${way.origin}${new URL(link).pathname}`);
    await new Terminal(page, page).prompt();
  }

  /** Types while the connection is there and while it is cut, again and again. */
  async function typesAcrossCuts(page: Page, link: string, terminal: Terminal): Promise<void> {
    // It comes back sixteen times, each after a wait that the page chooses.
    test.slow();
    await openOver(page, link);
    await terminal.run('f=$(mktemp); stty -echo -icanon min 1; echo REA""DY; head -c 2000 > $f; stty sane');
    await terminal.shows('READY');
    const text = randomBytes(1_000).toString('hex');
    for (const part of text.match(/.{125}/g) ?? []) {
      await page.keyboard.type(part.slice(0, 60));
      const { passed } = way;
      way.cut();
      await page.keyboard.type(part.slice(60));
      await terminal.shows('READY');
      await expect.poll(() => way.passed).toBeGreaterThan(passed);
      await expect(terminal.status).toHaveText('Connected');
    }
    await terminal.shows(/READY\s*e2e>/);
    await terminal.run('sha256sum < $f; cat $f | tail -c 20; echo; rm $f');
    await terminal.shows(text.slice(-20));
    await terminal.shows(createHash('sha256').update(text).digest('hex'));
  }

  test('what is typed arrives once, and the screen stays', async ({ page, gateway, sshd, terminal }) => {
    await typesAcrossCuts(page, await gateway.create(sshd.target), terminal);
  });

  test.describe('and WebSocket is refused', () => {
    // A poll that was on its way when its connection was cut asks for a socket that is gone.
    test.use({ provoked: /status of 400|WebSocket connection to .* failed|net::ERR_/ });

    test('what is typed arrives once over polling, too', async ({
      page,
      gateway,
      sshd,
      terminal,
      running,
    }) => {
      await way.stop();
      const proxy = await running(startProxyWithoutWebSocket(gateway.origin));
      way = await startWay(proxy.origin);
      const frames: string[] = [];
      page.on('websocket', (socket) => socket.on('framereceived', () => frames.push(socket.url())));
      await typesAcrossCuts(page, await gateway.create(sshd.target), terminal);
      expect(proxy.refused).toBeGreaterThan(0);
      expect(frames).toEqual([]);
    });
  });

  test('output goes on where it was, without a gap', async ({ page, gateway, sshd, terminal }, testInfo) => {
    await openOver(page, await gateway.create(sshd.target));
    const stop = testInfo.outputPath('stop');
    const numbers = async () => {
      const lines = (await terminal.lines()).map((line) => /^line (\d+)$/.exec(line)?.[1]);
      return lines.filter(Boolean).map(Number);
    };
    const last = async () => (await numbers()).at(-1) ?? 0;
    await terminal.run(
      `i=0; until [ -e ${stop} ]; do echo "line $((++i))"; sleep 0.01; done; echo "over $i"`,
    );
    for (let cuts = 0; cuts < 3; cuts++) {
      const [{ passed }, seen] = [way, await last()];
      await expect.poll(last).toBeGreaterThan(seen + 20);
      way.cut();
      await expect.poll(() => way.passed).toBeGreaterThan(passed);
      await expect(terminal.status).toHaveText('Connected');
    }
    writeFileSync(stop, '');
    await terminal.shows(/over \d+\s*e2e>/);
    const [lines, seen] = [await settled(terminal), await numbers()];
    expect(seen).toEqual(seen.map((_, n) => (seen[0] ?? 0) + n));
    expect(lines).toContain(`over ${seen.at(-1)}`);
    expect(lines.filter(Boolean)).toHaveLength(seen.length + 2);
  });

  test('for more output than is kept, the screen is exact, and never empty on the way to it', async ({
    running,
    page,
    sshd,
    terminal,
  }, testInfo) => {
    const gateway = await running(Gateway.start('--backlog', '65536'));
    const narrow = await running(startWay(gateway.origin));
    const [go, done] = ['go', 'done'].map((name) => testInfo.outputPath(name)) as [string, string];
    await page.goto(`${narrow.origin}${new URL(await gateway.create(sshd.target)).pathname}`);
    await terminal.prompt();
    await terminal.run(
      `clear; echo wa""its; until [ -e ${go} ]; do sleep 0.1; done; seq 1 200000; touch ${done}`,
    );
    await terminal.shows('waits');
    narrow.open = false;
    narrow.cut();
    await expect(terminal.status).toContainText('Reconnecting');
    await page.evaluate(() => {
      const seen = { frames: 0, empty: 0 };
      Reflect.set(window, 'seen', seen);
      let wasEmpty = false;
      const look = () => {
        // The terminal fills its rows in the same frame, but after this: what is empty twice was painted so.
        const isEmpty = !document.querySelector('.xterm-rows')?.textContent?.trim();
        seen.frames += 1;
        seen.empty += wasEmpty && isEmpty ? 1 : 0;
        wasEmpty = isEmpty;
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    writeFileSync(go, '');
    await expect.poll(() => existsSync(done)).toBe(true);
    await terminal.shows('waits');
    narrow.open = true;
    await terminal.shows(/200000\s*e2e>/);
    const lines = (await settled(terminal)).filter(Boolean).slice(0, -1);
    expect(lines.length).toBeGreaterThan(10);
    expect(lines).toEqual(lines.map((_, n) => String(200_000 - lines.length + 1 + n)));
    const seen = await page.evaluate(() => Reflect.get(window, 'seen'));
    expect(seen.frames).toBeGreaterThan(2);
    expect(seen.empty).toBe(0);
  });

  test('the page says so, keeps the screen to read, and comes back at a word', async ({
    page,
    context,
    gateway,
    sshd,
    terminal,
  }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await openOver(page, await gateway.create(sshd.target));
    // Below the bar that the page shows at the top.
    await terminal.run(String.raw`clear; printf '\n\n\n\n\n\n\n\n'; echo copied-word`);
    await terminal.shows(/^\s*copied-word/);
    const size = await terminal.lines();
    way.open = false;
    way.cut();
    await expect(terminal.status).toContainText('Reconnecting to the gateway…');
    await expect(page.locator('[data-part=due]')).toHaveText(/^next try in [1-5] s$/);
    expect(await terminal.lines()).toEqual(size);
    await expect(page.getByRole('textbox', { name: 'Terminal input' })).toBeFocused();
    await page.keyboard.type('echo $((40+2))');
    const row = await terminal.rows.locator('> div', { hasText: /^copied-word/ }).boundingBox();
    await page.mouse.dblclick((row?.x ?? 0) + 30, (row?.y ?? 0) + (row?.height ?? 0) / 2);
    await page.keyboard.press('Control+Shift+C');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('copied-word');

    const now = page.getByRole('button', { name: 'Reconnect now' });
    await now.focus();
    way.open = true;
    await page.keyboard.press('Enter');
    await terminal.prompt();
    await expect(page.getByRole('textbox', { name: 'Terminal input' })).toBeFocused();
    await page.keyboard.press('Enter');
    await terminal.shows(/42\s*e2e>/);
  });

  test('in silence, the page says so after a question of 4 s, and then comes back by itself', async ({
    page,
    gateway,
    sshd,
    terminal,
  }) => {
    await openOver(page, await gateway.create(sshd.target));
    way.swallow();
    await expect(async () => {
      // What a browser says after a change of network, and what makes the page ask.
      await page.evaluate(() => window.dispatchEvent(new Event('online')));
      await expect(page.locator('#contact')).toBeVisible({ timeout: 6_000 });
    }).toPass();
    await expect(page.locator('#contact')).toHaveText(/No contact with the gateway\s+for [4-9] s/);
    await expect(terminal.status).toHaveText('Connected');
    await expect(page.locator('#contact')).toBeHidden();
    await terminal.prompt();
    await terminal.run('echo $((40+2))');
    await terminal.shows(/42\s*e2e>/);
    expect(way.passed).toBeGreaterThan(1);
  });

  test('the word "Resumed" is shown for a moment', async ({ page, gateway, sshd, terminal }) => {
    await openOver(page, await gateway.create(sshd.target));
    await page.evaluate(() => {
      const badge = document.getElementById('resumed');
      new MutationObserver(() => {
        if (badge?.hidden === false) {
          badge.dataset['seen'] = badge.textContent ?? '';
        }
      }).observe(badge as Node, { attributeFilter: ['hidden'] });
    });
    way.cut();
    await expect(page.locator('#resumed')).toHaveAttribute('data-seen', 'Resumed');
    await expect(page.locator('#resumed')).toBeHidden();
    await terminal.prompt();
  });

  test('for long, keys are shown on demand and sent only when the user agrees', async ({
    page,
    gateway,
    sshd,
    terminal,
  }) => {
    await page.clock.install();
    await openOver(page, await gateway.create(sshd.target));
    const away = async (keys: string) => {
      way.open = false;
      way.cut();
      await expect(terminal.status).toContainText('Reconnecting');
      await page.keyboard.type(keys);
      await page.clock.fastForward(11_000);
      way.open = true;
      await expect(terminal.status).toHaveText('Connected');
    };
    const question = page.getByRole('alert');

    await away('echo held-$((40+2))\n');
    await expect(question).toHaveText('20 keys were typed while the connection was away. Send them?');
    await expect(page.locator('#held-keys')).toBeHidden();
    await page.getByRole('button', { name: 'Show' }).click();
    await expect(page.locator('#held-keys')).toHaveText('echo␣held-$((40+2))⏎');
    await terminal.screen.click();
    await page.keyboard.type('echo behind\n');
    await expect(terminal.rows).not.toContainText('behind');
    await expect(terminal.rows).not.toContainText('held-');
    await page.getByRole('button', { name: 'Send' }).click();
    await terminal.shows(/held-42\s*e2e> echo behind\s*behind\s*e2e>/);
    await expect(question).toBeHidden();

    await away('echo never\n');
    await expect(question).toContainText('11 keys');
    await page.getByRole('button', { name: 'Discard' }).click();
    await terminal.run('echo after');
    await terminal.shows(/after\s*e2e>/);
    await expect(terminal.rows).not.toContainText('never');
  });
});
