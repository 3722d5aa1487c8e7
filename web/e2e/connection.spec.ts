import type { Page } from '@playwright/test';
import { findings } from './accessible';
import { expect, type Terminal, test } from './fixtures';
import { Gateway, startSshd } from './processes';

const toggle = (page: Page) => page.getByRole('button', { name: 'How this connection is protected' });
const panel = (page: Page) => page.getByRole('region', { name: 'Connection' });
const caution = (page: Page) => page.locator('#caution');

async function opened(page: Page, terminal: Terminal, link: string): Promise<void> {
  await page.goto(link);
  await terminal.prompt();
}

test('what was agreed on with the host is shown on demand', async ({ page, terminal, gateway, sshd }) => {
  await opened(page, terminal, await gateway.create(sshd.target));
  await expect(caution(page)).toBeHidden();
  await expect(panel(page)).toBeHidden();
  await toggle(page).click();
  for (const words of [`127.0.0.1:${sshd.target.port}`, 'SSH-2.0-OpenSSH', sshd.fingerprint, 'ssh-ed25519']) {
    await expect(panel(page)).toContainText(words);
  }
  await expect(panel(page)).toContainText('Key exchangecurve25519-sha256, strict');
  await expect(panel(page)).toContainText('MACpart of the cipher');
  await expect(panel(page)).toContainText('Algorithmsmodern');
  expect(await findings(page)).toEqual([]);
  await page.locator('.xterm-screen').click();
  await expect(panel(page)).toBeHidden();
});

test('it is reached and left with the keyboard alone', async ({ page, terminal, gateway, sshd }) => {
  await opened(page, terminal, await gateway.create(sshd.target));
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await expect(toggle(page)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(toggle(page)).toHaveAttribute('aria-expanded', 'true');
  await expect(panel(page)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(panel(page)).toBeHidden();
  await expect(toggle(page)).toBeFocused();
});

test.describe('a link that is used', () => {
  test.use({ provoked: /status of 404/ });

  test('it is there again after a reload', async ({ page, terminal, gateway, sshd }) => {
    await opened(page, terminal, await gateway.create(sshd.target));
    await page.reload();
    await toggle(page).click();
    await expect(panel(page)).toContainText(sshd.fingerprint);
  });
});

test('on a narrow screen nothing of it is cut off', async ({ page, terminal, gateway, sshd }) => {
  await page.setViewportSize({ width: 320, height: 480 });
  await opened(page, terminal, await gateway.create(sshd.target));
  await toggle(page).click();
  const box = await panel(page).boundingBox();
  expect(box?.x).toBeGreaterThanOrEqual(0);
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(320);
  expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(480);
});

test('a host that is weakly protected is warned of, until that is understood', async ({
  page,
  terminal,
  running,
}) => {
  const old = await running(startSshd({ lines: ['Ciphers 3des-cbc', 'MACs hmac-sha1'] }));
  const gateway = await running(Gateway.start('--target-algorithms', '127.0.0.1=legacy'));
  await opened(page, terminal, await gateway.create(old.target));
  await expect(caution(page).getByRole('alert')).toHaveText('This connection is weakly protected');
  await expect(caution(page)).toContainText('nothing better than 3des-cbc, hmac-sha1');
  expect(await findings(page)).toEqual([]);
  await page.getByRole('button', { name: 'Understood' }).click();
  await expect(caution(page)).toBeHidden();
  await terminal.run('echo $((6*7))');
  await terminal.shows('42');
  await toggle(page).click();
  await expect(panel(page)).toContainText('Cipher3des-cbc, weak');
});

test('a host that knows too little is told of with what both sides offer', async ({
  page,
  terminal,
  gateway,
  running,
}) => {
  const old = await running(startSshd({ lines: ['Ciphers 3des-cbc'] }));
  await page.goto(await gateway.create(old.target));
  await expect(terminal.status).toContainText('no cipher in common');
  await expect(terminal.status).toContainText("The preset 'legacy' would work");
  await page.getByText('What both sides offer').click();
  await expect(page.locator('.overlay-more section')).toContainText(
    'cipher (nothing in common)\n  server: 3des-cbc',
  );
  expect(await findings(page)).toEqual([]);
});
