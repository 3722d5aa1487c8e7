import { expect, Terminal, test } from './fixtures';

// What Chromium says about Streamlit's own sandbox.
test.use({ provoked: /allow-scripts and allow-same-origin/ });

test('a portal whose origin is allowed shows the terminal, and keeps its focus', async ({
  page,
  portal,
  gateway,
  sshd,
}) => {
  await page.goto(portal.page('about:blank'));
  const search = page.getByLabel('Search');
  await search.focus();
  const url = await gateway.create(sshd.target);
  await page.locator('iframe').evaluate((frame, src) => frame.setAttribute('src', src), url);

  const terminal = new Terminal(page, page.frameLocator('iframe'));
  await terminal.prompt();
  await expect(search).toBeFocused();

  await terminal.screen.click();
  await terminal.run('echo $((40+2))');
  await terminal.shows(/42\s*e2e>/);
  await terminal.run("clear; stty size | sed 's/^/size /'");
  await terminal.shows(/size \d+ \d+/);
  const lines = await terminal.lines();
  expect(lines.find((line) => line.startsWith('size'))).toContain(`size ${lines.length} `);
});

test.describe('a portal whose origin is not allowed', () => {
  test.use({ provoked: /frame-ancestors|allow-scripts and allow-same-origin/ });

  test('shows nothing', async ({ page, stranger, gateway, sshd }) => {
    const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
    await page.goto(stranger.page(await gateway.create(sshd.target)));
    await refused;
    await expect.poll(() => page.frames()[1]?.url()).toContain('chrome-error://');
    await expect(page.frameLocator('iframe').locator('.xterm')).toHaveCount(0);
    await expect(page.frameLocator('iframe').getByRole('status')).toHaveCount(0);
  });
});
