import { createHash } from 'node:crypto';
import { expect, PROMPT, settled, test } from './fixtures';

test('a portal creates a session, and the link opens a shell that takes keys', async ({ open, terminal }) => {
  await open();
  await terminal.run('echo $((40+2))');
  await terminal.shows(/e2e> echo \$\(\(40\+2\)\)\s*42\s*e2e>/);
});

test('the shell has the size of the window, and gets each new one', async ({ open, page, terminal }) => {
  await open();
  for (const size of [
    { width: 1000, height: 640 },
    { width: 640, height: 400 },
    { width: 1280, height: 800 },
  ]) {
    await page.setViewportSize(size);
    await expect(async () => {
      await terminal.run("clear; stty size | sed 's/^/size /'; printf '%01000d\\n' 0");
      await terminal.shows(/size \d+ \d+\s*0{50}/);
      const lines = await terminal.lines();
      const rows = lines.length;
      const cols = Math.max(...lines.filter((line) => /^0+$/.test(line)).map((line) => line.length));
      expect(lines).toContain(`size ${rows} ${cols}`);
      const cell = await terminal.rows.locator('> div').first().boundingBox();
      expect(rows * (cell?.height ?? 0)).toBeGreaterThan(size.height * 0.9);
    }).toPass();
  }
});

test('a new size is shown for a moment', async ({ open, page }) => {
  await open();
  await page.evaluate(() => {
    const badge = document.getElementById('size');
    new MutationObserver(() => {
      if (badge?.hidden === false) {
        badge.dataset['seen'] = badge.textContent ?? '';
      }
    }).observe(badge as Node, { attributeFilter: ['hidden'] });
  });
  await page.setViewportSize({ width: 700, height: 500 });
  await expect(page.locator('#size')).toHaveAttribute('data-seen', /^\d+ × \d+$/);
  await expect(page.locator('#size')).toBeHidden();
});

test('colours, wide and combined characters arrive as they were sent', async ({ open, terminal }) => {
  await open();
  await terminal.run(String.raw`printf '\e[31mred\e[0m \e[38;2;1;200;3mtrue\e[0m end\n'`);
  await terminal.shows(/red true end/);
  const colour = (text: string) =>
    terminal.rows
      .locator('span', { hasText: new RegExp(`^${text}$`) })
      .first()
      .evaluate((span) => getComputedStyle(span).color);
  const plain = await terminal.rows.evaluate((rows) => getComputedStyle(rows).color);
  expect(await colour('red')).not.toBe(plain);
  expect(await colour('true')).toBe('rgb(1, 200, 3)');

  // Two wide characters, a blank, a combined one, a blank, a family of three joined, and a bar: 2+2+1+1+1+2+1 cells.
  const wide = String.raw`\u65e5\u672c e\u0301 \U1f469\u200d\U1f469\u200d\U1f467|`;
  await terminal.run(
    String.raw`clear; printf '${wide}\e[6n'; read -rs -d R at; echo; echo "at ${'${at#*[}'}"`,
  );
  await terminal.shows(/日本 e\u0301 👩‍👩‍👧\|\s*at 1;11/u);

  await terminal.run('x=naïve日本; echo "length ${#x}"');
  await terminal.shows('length 7');
});

test('vim opens, edits and quits', async ({ open, page, terminal }) => {
  await open();
  await terminal.run('f=$(mktemp); vim -u NONE -N $f');
  await terminal.shows('~');
  await page.keyboard.type('ihello from vim');
  await terminal.shows('-- INSERT --');
  await page.keyboard.press('Escape');
  await terminal.run(':wq');
  // What is typed before that, vim may still read.
  await settled(terminal);
  await terminal.run('cat $f; rm $f; echo left');
  await terminal.shows(/hello from vim\s*left\s*e2e>/);
});

test('a paste of 1 MB arrives whole, and keys typed meanwhile come after it', async ({
  open,
  page,
  context,
  terminal,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const line = (n: number) => `${n} The quick brown fox, naïve café, 日本語, 🚀.\n`;
  const text = Array.from({ length: 22_000 }, (_, n) => line(n * 7919)).join('');
  const size = Buffer.byteLength(text);
  expect(size).toBeGreaterThan(1_000_000);
  const checksum = createHash('sha256').update(text).digest('hex');

  await open();
  await terminal.run(`stty -echo -icanon; echo REA''DY; head -c ${size} | sha256sum; stty sane`);
  await terminal.shows('READY');
  await page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
  await page.keyboard.press('Control+Shift+V');
  await page.keyboard.type('echo after\n');
  await terminal.shows(new RegExp(`${checksum}\\s+-`));
  await terminal.shows(/after\s*e2e>/);
});

test('Ctrl-C stops a flood and brings the prompt back', async ({ open, page, terminal }) => {
  await open();
  await terminal.run('yes flood | cat -n');
  // Far more than the 256 KiB that may be on their way: the page has acknowledged.
  await expect
    .poll(async () => Math.max(...(await terminal.lines()).map((line) => Number.parseInt(line, 10) || 0)))
    .toBeGreaterThan(100_000);
  const begun = Date.now();
  await page.keyboard.press('Control+c');
  await expect.poll(async () => (await terminal.lines()).filter(Boolean).at(-1)).toBe(PROMPT);
  expect(Date.now() - begun).toBeLessThan(5_000);
  await terminal.run('echo $((40+2))');
  await terminal.shows(/42\s*e2e>/);
});

test('the terminal follows the system between dark and light', async ({ open, page, terminal }) => {
  await open();
  const colours = () =>
    page.evaluate(() => {
      const rows = document.querySelector('.xterm-rows') as Element;
      return [getComputedStyle(rows).color, getComputedStyle(document.body).backgroundColor];
    });
  const dark = await colours();
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(colours).not.toContain(dark[0]);
  expect(await colours()).not.toContain(dark[1]);
  await terminal.shows(PROMPT);
});

test('a selection is copied by key, and text is pasted by key', async ({ open, page, context, terminal }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open();
  await terminal.run('clear; echo copied-word');
  await terminal.shows(/^copied-word/);
  await terminal.screen.dblclick({ position: { x: 30, y: 8 } });
  await page.keyboard.press('Control+Shift+C');
  await expect(page.locator('#notice')).toHaveText('Copied');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('copied-word');
  await page.keyboard.type('echo pasted-');
  await page.keyboard.press('Control+Shift+V');
  await page.keyboard.press('Enter');
  // Once as typed and once as printed; what stands between rows depends on their padding.
  await terminal.shows(/(pasted-copied-word\s*){2}/);
});

test('a host cannot pose as another page by its title, nor read the clipboard', async ({
  open,
  page,
  terminal,
}) => {
  await open();
  await terminal.run("printf '\\e]0;My \\u202ebank\\a'");
  await expect(page).toHaveTitle('Terminal · My bank');
  await terminal.run(
    'printf \'\\e]52;c;?\\a\\e[21t\\e[18t\'; read -rs -t 1 -n 1 answer; echo "answer:${#answer}"',
  );
  await terminal.shows('answer:0');
});

test('a link shows where it leads, and opens only by intent and where that is safe', async ({
  open,
  page,
  context,
  terminal,
}) => {
  await context.route('https://example.org/**', (route) =>
    route.fulfill({ body: 'There', contentType: 'text/html' }),
  );
  await open();
  const link = (uri: string, text: string) => String.raw`\e]8;;${uri}\e\\${text}\e]8;;\e\\\n`;
  const script = link('javascript:alert(1)', 'bank.example');
  await terminal.run(
    `clear; printf '${script}${link('https://example.org/real', 'bank.example')}'; echo https://example.org/text`,
  );
  await terminal.shows(/bank.example\s*bank.example\s*https:\/\/example.org\/text/);
  const height = (await terminal.rows.locator('> div').first().boundingBox())?.height ?? 0;
  const row = (n: number) => ({ x: 30, y: (n + 0.5) * height });
  const preview = page.locator('#link');

  await terminal.screen.hover({ position: row(0) });
  await expect(preview).toHaveText('javascript:alert(1) (cannot be opened here)');
  await terminal.screen.click({ position: row(0), modifiers: ['Control'] });
  for (const [n, uri] of [
    [1, 'https://example.org/real'],
    [2, 'https://example.org/text'],
  ] as const) {
    await terminal.screen.hover({ position: row(n) });
    await expect(preview).toHaveText(`${uri} (Ctrl or ⌘ and click to open)`);
    await terminal.screen.click({ position: row(n) });
    const opened = context.waitForEvent('page');
    await terminal.screen.click({ position: row(n), modifiers: ['Control'] });
    const there = await opened;
    await there.waitForURL(uri);
    expect(await there.evaluate(() => window.opener)).toBeNull();
    expect(context.pages()).toHaveLength(2);
    await there.close();
  }
});

test('Esc and then Tab leave the terminal for the keyboard', async ({ open, page, terminal }) => {
  await open();
  const input = page.getByRole('textbox', { name: 'Terminal input' });
  await expect(input).toBeFocused();
  await expect(input).toHaveAccessibleDescription(/press Escape and then Tab/);
  await page.keyboard.press('Tab');
  await expect(input).toBeFocused();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await expect(input).not.toBeFocused();
  await terminal.screen.click();
  await terminal.run(' echo $((40+2))');
  await terminal.shows(/42\s*e2e>/);
});

test('exit shows its status and leaves the output to read', async ({ open, page, terminal }) => {
  await open();
  await terminal.run('echo last words; exit 7');
  await expect(terminal.status).toContainText('Session ended');
  await expect(terminal.status).toContainText(/The shell exited with status 7( after \d+ s)?\./);
  await terminal.shows(/last words; exit 7\s*last words/);
  await page.keyboard.type('nobody gets this');
  await terminal.painted();
  await expect(terminal.rows).not.toContainText('nobody');
});

test('each form of link opens its session', async ({ page, gateway, sshd, terminal }) => {
  for (const parameter of ['connection', 'connect']) {
    const ticket = new URL(await gateway.create(sshd.target)).pathname.slice(1);
    await page.goto(`${gateway.origin}/?${parameter}=${ticket}`);
    await terminal.prompt();
  }
});
