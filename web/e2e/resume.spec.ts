import { createHash, randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, Terminal, test } from './fixtures';
import { Gateway, startWay, type Way } from './processes';

// A page whose link was used is answered with 404, also where its tab comes back to its session.
test.use({ provoked: /status of 404|WebSocket connection to .* failed|net::ERR_/ });

const USED = 'This link was used already or has expired';
const LAST_LINE = /e2e>$/;

/** The rows, once they end with a prompt and stay as they are. */
async function settled(terminal: Terminal): Promise<string[]> {
  await expect.poll(async () => (await terminal.lines()).filter(Boolean).at(-1)).toMatch(LAST_LINE);
  return terminal.lines();
}

test.describe('a reload', () => {
  test('comes back to the same shell and the same screen, with its history', async ({
    open,
    page,
    terminal,
  }) => {
    await open();
    await terminal.run('x=41; for i in $(seq 1 300); do echo "line $i"; done');
    await terminal.run(String.raw`printf '\e[31mred\e[0m \e[38;2;1;200;3mtrue\e[0m 日本 é\n'`);
    const before = await settled(terminal);
    expect(before).toContain('red true 日本 é');

    const response = await page.reload();
    expect(response?.status()).toBe(404);
    await terminal.prompt();
    expect(await settled(terminal)).toEqual(before);
    const colour = await terminal.rows
      .locator('span', { hasText: /^true$/ })
      .first()
      .evaluate((span) => getComputedStyle(span).color);
    expect(colour).toBe('rgb(1, 200, 3)');
    await expect(page).toHaveTitle(/^Terminal/);

    await terminal.run('echo $((x+1))');
    await terminal.shows(/42\s*e2e>/);
    await expect(async () => {
      await page.keyboard.press('Shift+PageUp');
      expect(await terminal.lines()).toContain('line 1');
    }).toPass();
  });

  test('never shows the page of used links for a moment, nor an empty shell of it', async ({
    open,
    page,
  }) => {
    await open();
    await page.addInitScript(() => {
      const seen = { frames: 0, used: 0 };
      Reflect.set(window, 'seen', seen);
      const look = () => {
        const used = document.querySelector('.document-page');
        seen.frames += used === null ? 0 : 1;
        seen.used += used?.checkVisibility() ? 1 : 0;
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.reload();
    await new Terminal(page, page).prompt();
    const seen = await page.evaluate(() => Reflect.get(window, 'seen'));
    expect(seen.frames).toBeGreaterThan(0);
    expect(seen.used).toBe(0);
  });

  test('inside vim shows vim as it was, and leads back to the shell', async ({ open, page, terminal }) => {
    await open();
    await terminal.run('echo before vim; vim -u NONE -N +"set nu" /etc/passwd');
    await terminal.shows(/1 root:/);
    await page.keyboard.type('Goadded at the end');
    await page.keyboard.press('Escape');
    await page.keyboard.type('gg0');
    await terminal.shows(/^\s*1 root:/);
    const before = await terminal.lines();

    await page.reload();
    await terminal.shows(/1 root:/);
    expect(await terminal.lines()).toEqual(before);
    await page.keyboard.type('G');
    await terminal.shows('added at the end');
    await terminal.run(':q!');
    await terminal.shows(/before vim[\s\S]*e2e>/);
  });

  test('says nothing to a program that the user did not: restoring its modes is no answer', async ({
    open,
    page,
    terminal,
  }) => {
    await open();
    await terminal.run(String.raw`printf '\e[?1004h'; cat -v`);
    await terminal.shows(/cat -v\s*\^\[\[I/);
    await terminal.run('typed before');
    await terminal.shows(/typed before[\s\S]*typed before/);
    const reports = async () => (await terminal.lines()).join('').split('[I').length;
    const before = await reports();
    await page.reload();
    await terminal.shows('typed before');
    await expect(terminal.status).toHaveText('Connected');
    await terminal.run('typed after');
    await terminal.shows(/typed after\s*typed after/);
    expect(await reports()).toBe(before);
  });

  test('in a flood loses no line and doubles none', async ({ open, page, terminal }) => {
    await open();
    await terminal.run('seq 1 1000000 | sed "s/^/line /"; echo over');
    await terminal.shows(/line \d{4}/);
    await page.reload();
    await terminal.shows(/line \d{4}/);
    await expect.poll(async () => (await terminal.lines()).includes('over'), { timeout: 45_000 }).toBe(true);
    const lines = (await settled(terminal)).filter(Boolean).slice(0, -2);
    expect(lines.length).toBeGreaterThan(10);
    expect(lines).toEqual(lines.map((_, n) => `line ${1_000_000 - lines.length + 1 + n}`));
  });

  test('is no matter of reloading: leaving and going back leads to the same shell', async ({
    open,
    page,
    terminal,
  }) => {
    await open();
    await terminal.run('x=41');
    await page.goto('about:blank');
    await page.goBack();
    await terminal.prompt();
    await terminal.run('echo $((x+1))');
    await terminal.shows(/42\s*e2e>/);
  });

  test('works with each form of link', async ({ page, gateway, sshd, terminal }) => {
    for (const parameter of ['connection', 'connect']) {
      const ticket = new URL(await gateway.create(sshd.target)).pathname.slice(1);
      await page.goto(`${gateway.origin}/?${parameter}=${ticket}`);
      await terminal.prompt();
      await terminal.run('x=41');
      await page.reload();
      await terminal.prompt();
      await terminal.run('echo $((x+1))');
      await terminal.shows(/42\s*e2e>/);
    }
  });

  test('after the end shows that the link was used', async ({ open, page, terminal }) => {
    await open();
    await terminal.run('exit');
    await expect(terminal.status).toContainText('Session ended');
    await page.reload();
    await expect(page.getByRole('heading')).toHaveText(USED);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('after the session was lost shows that the link was used, not a failure', async ({ open, page }) => {
    await open();
    // What a gateway says to a token of a session that has ended meanwhile.
    await page.evaluate(() => {
      const [key = ''] = Object.keys(sessionStorage);
      window.addEventListener('pagehide', () => sessionStorage.setItem(key, 'A'.repeat(43)));
    });
    await page.reload();
    await expect(page.getByRole('heading')).toHaveText(USED);
    await expect(page).toHaveTitle('No session here');
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('asks first where the session would end with the page', async ({ page, sshd, terminal }) => {
    const gateway = await Gateway.start('--detach-grace', '0');
    await page.goto(await gateway.create(sshd.target));
    await terminal.prompt();
    await terminal.run('true');
    const asked = page.waitForEvent('dialog').then(async (dialog) => {
      await dialog.accept();
      return dialog.type();
    });
    await page.reload();
    expect(await asked).toBe('beforeunload');
    await expect(page.getByRole('heading')).toHaveText(USED);
    await gateway.stop();
  });
});

test('whoever else opens the used link sees that it was used, and loads no terminal', async ({
  open,
  browser,
  terminal,
}) => {
  const url = await open();
  const stranger = await browser.newContext();
  const page = await stranger.newPage();
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
  const response = await page.goto(url, { waitUntil: 'networkidle' });
  expect(response?.status()).toBe(404);
  await expect(page.getByRole('heading')).toHaveText(USED);
  expect(loaded.filter((path) => path.includes('/gate-'))).toHaveLength(1);
  expect(loaded.filter((path) => /\/main-|socket\.io/.test(path))).toEqual([]);
  await stranger.close();
  await terminal.run('echo $((40+2))');
  await terminal.shows(/42\s*e2e>/);
});

test('a second page takes the session over, and the first takes it back', async ({
  open,
  page,
  context,
  terminal,
}) => {
  await open();
  await terminal.run('x=41; echo on the screen');
  await terminal.shows(/on the screen\s*e2e>/);
  // A tab that is opened by the page gets a copy of its storage, as a duplicated tab does.
  const opened = context.waitForEvent('page');
  await page.evaluate(() => window.open(location.href));
  const second = await opened;
  const other = new Terminal(second, second);
  await other.prompt();
  await other.shows('on the screen');
  await expect(terminal.status).toContainText('Opened elsewhere');
  await terminal.shows('on the screen');
  await other.screen.click();
  await other.run('x=$((x+1)); echo now $x');
  await other.shows(/now 42\s*e2e>/);

  await page.bringToFront();
  await page.keyboard.type('goes nowhere');
  await page.getByRole('button', { name: 'Take it back' }).click();
  await terminal.prompt();
  await terminal.shows(/now 42\s*e2e>/);
  await expect(other.status).toContainText('Opened elsewhere');
  await terminal.run('echo x is $x');
  await terminal.shows(/x is 42\s*e2e>/);
  await expect(terminal.rows).not.toContainText('goes nowhere');
});

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

  test('what is typed arrives once, and the screen stays', async ({ page, gateway, sshd, terminal }) => {
    await openOver(page, await gateway.create(sshd.target));
    await terminal.run('f=$(mktemp); stty -echo -icanon min 1; echo REA""DY; head -c 2000 > $f; stty sane');
    await terminal.shows('READY');
    const text = randomBytes(1_000).toString('hex');
    let typed = 0;
    for (const part of text.match(/.{125}/g) ?? []) {
      await page.keyboard.type(part.slice(0, 60));
      way.cut();
      await page.keyboard.type(part.slice(60));
      typed += part.length;
      await terminal.shows('READY');
    }
    expect(typed).toBe(2_000);
    await terminal.prompt();
    await terminal.run('sha256sum < $f; cat $f | tail -c 20; echo; rm $f');
    await terminal.shows(text.slice(-20));
    await terminal.shows(createHash('sha256').update(text).digest('hex'));
    expect(way.passed).toBeGreaterThan(10);
  });

  test('output goes on where it was, without a gap', async ({ page, gateway, sshd, terminal }) => {
    await openOver(page, await gateway.create(sshd.target));
    await terminal.run('for i in $(seq 1 400); do echo "line $i"; sleep 0.01; done; echo over');
    for (const n of [20, 120, 220]) {
      await terminal.shows(`line ${n}`);
      way.cut();
    }
    await terminal.shows(/over\s*e2e>/);
    const lines = (await settled(terminal)).filter(Boolean).slice(0, -2);
    expect(lines).toEqual(lines.map((_, n) => `line ${400 - lines.length + 1 + n}`));
  });

  test('for more output than is kept, the screen is exact, and never empty on the way to it', async ({
    page,
    sshd,
    terminal,
  }, testInfo) => {
    const gateway = await Gateway.start('--backlog', '65536');
    const narrow = await startWay(gateway.origin);
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
    await narrow.stop();
    await gateway.stop();
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
    await terminal.run('clear; echo copied-word');
    await terminal.shows(/^copied-word/);
    const size = await terminal.lines();
    way.open = false;
    way.cut();
    await expect(terminal.status).toContainText('Reconnecting to the gateway…');
    await expect(page.locator('[data-part=due]')).toHaveText(/^next try in [1-5] s$/);
    expect(await terminal.lines()).toEqual(size);
    await expect(page.getByRole('textbox', { name: 'Terminal input' })).toBeFocused();
    await page.keyboard.type('echo $((40+2))');
    await terminal.screen.dblclick({ position: { x: 30, y: 8 }, force: true, modifiers: ['Shift'] });

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

test.describe('a session that will end', () => {
  test('says so when nothing is typed, and a key or the button keeps it', async ({
    page,
    gateway,
    sshd,
    terminal,
  }) => {
    await page.goto(await gateway.create({ ...sshd.target, idle_timeout: 12 }));
    await terminal.prompt();
    const alert = page.getByRole('alert');
    await expect(alert).toContainText('Nothing was typed for a while: this session ends');
    await expect(page.locator('#ending [role=timer]')).toHaveText(/^in [1-6] s$/);
    await page.keyboard.type(' ');
    await expect(alert).toBeHidden();
    await expect(alert).toBeVisible();
    await page.getByRole('button', { name: 'Stay connected' }).click();
    await expect(alert).toBeHidden();
    await expect(page.getByRole('textbox', { name: 'Terminal input' })).toBeFocused();
    await expect(terminal.status).toContainText('Session ended after a time without use', {
      timeout: 20_000,
    });
  });

  test('says that the gateway restarts, until it does', async ({ page, sshd, terminal }) => {
    const gateway = await Gateway.start('--drain', '40s');
    await page.goto(await gateway.create(sshd.target));
    await terminal.prompt();
    gateway.drain();
    await expect(page.getByRole('alert')).toContainText('The gateway restarts: this session ends');
    await expect(page.locator('#ending [role=timer]')).toHaveText(/^in \d+ s$/);
    await expect(page.getByRole('button', { name: 'Stay connected' })).toBeHidden();
    await terminal.run('echo $((40+2))');
    await terminal.shows(/42\s*e2e>/);
    await terminal.run('exit');
    await expect(terminal.status).toContainText('Session ended');
    await expect(page.getByRole('alert')).toBeHidden();
    await gateway.stop();
  });

  test('says that its time is up', async ({ page, gateway, sshd, terminal }) => {
    await page.goto(await gateway.create({ ...sshd.target, max_duration: 8 }));
    await terminal.prompt();
    await expect(page.getByRole('alert')).toContainText('The time for this session is up');
    await expect(terminal.status).toContainText('it lasted as long as it may here', { timeout: 20_000 });
  });
});

test.describe('in a frame of another site, which gets no storage', () => {
  test.use({ provoked: /status of 404|allow-scripts and allow-same-origin/ });

  test('the session outlives a reload of the frame and of the portal', async ({
    page,
    portal,
    gateway,
    sshd,
  }) => {
    const url = await gateway.create(sshd.target);
    await page.goto(portal.page(url));
    const terminal = new Terminal(page, page.frameLocator('iframe'));
    await terminal.prompt();
    const inFrame = () => page.frames()[1] ?? page.mainFrame();
    const refused = inFrame().evaluate(() => sessionStorage.length);
    await expect(refused).rejects.toThrow(/SecurityError|denied/);
    await terminal.screen.click();
    await terminal.run('x=41');
    await terminal.shows(/x=41\s*e2e>/);

    await inFrame().evaluate(() => location.reload());
    await expect(terminal.rows).toContainText('x=41');
    await terminal.prompt();
    await page.reload();
    await terminal.prompt();
    await terminal.screen.click();
    await terminal.run('echo $((x+1)); exit');
    await terminal.shows('42');
    await expect(terminal.status).toContainText('Session ended');
    expect(await inFrame().evaluate(() => document.cookie)).toBe('');
  });
});
