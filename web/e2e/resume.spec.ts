import { expect, settled, Terminal, test } from './fixtures';
import { Gateway } from './processes';

// A page whose link was used is answered with 404, also where its tab comes back to its session.
test.use({ provoked: /status of 404|WebSocket connection to .* failed|net::ERR_/ });

const USED = 'This link was used already or has expired';

test.describe('a reload', () => {
  test('comes back to the same shell and the same screen, with its history', async ({
    open,
    page,
    terminal,
  }) => {
    await open();
    await terminal.run('x=41; for i in $(seq 1 300); do echo "line $i"; done');
    await terminal.run(String.raw`printf '\e[31mred\e[0m \e[38;2;1;200;3mtrue\e[0m 日本 é\n'`);
    await terminal.shows(/red true 日本 é\s*e2e>/);
    const before = await settled(terminal);
    expect(before).toContain('red true 日本 é');

    let sockets = 0;
    page.on('websocket', () => {
      sockets += 1;
    });
    const response = await page.reload();
    expect(response?.status()).toBe(404);
    await terminal.prompt();
    expect(await settled(terminal)).toEqual(before);
    expect(sockets).toBe(1);
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
    await terminal.shows(/x=41\s*e2e>/);
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
      await terminal.shows(/x=41\s*e2e>/);
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

  test('asks first where the session would end with the page', async ({ page, sshd, terminal, running }) => {
    const gateway = await running(Gateway.start('--detach-grace', '0'));
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
  page.on('websocket', (socket) => loaded.push(socket.url()));
  const response = await page.goto(url, { waitUntil: 'networkidle' });
  expect(response?.status()).toBe(404);
  await expect(page.getByRole('heading')).toHaveText(USED);
  expect(loaded.filter((path) => /\.js$|socket\.io/.test(path))).toEqual([]);
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

  test('says that the gateway restarts, until it does', async ({ page, sshd, terminal, running }) => {
    const gateway = await running(Gateway.start('--drain', '40s'));
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
