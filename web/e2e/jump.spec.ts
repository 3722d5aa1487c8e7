import type { Page } from '@playwright/test';
import { findings } from './accessible';
import { expect, type Terminal, test } from './fixtures';
import { Gateway, type SshServer, startSshd } from './processes';

const address = (server: SshServer) => `127.0.0.1:${server.target.port}`;
const toggle = (page: Page) => page.getByRole('button', { name: 'How this connection is protected' });
const panel = (page: Page) => page.getByRole('region', { name: 'Connection' });
const caution = (page: Page) => page.locator('#caution');

/** All that the overlay says from now on. */
async function sayings(page: Page): Promise<string[]> {
  const said: string[] = [];
  await page.exposeFunction('say', (text: string) => said.push(text));
  await page.addInitScript(() => {
    addEventListener('DOMContentLoaded', () => {
      const say = Reflect.get(window, 'say') as (text: string) => void;
      const status = document.querySelector('#overlay [role=status]') as HTMLElement;
      const observer = new MutationObserver(() => say(status.textContent ?? ''));
      observer.observe(status, { subtree: true, childList: true, characterData: true });
    });
  });
  return said;
}

async function accept(page: Page, title: string, server: SshServer): Promise<void> {
  const question = page.getByRole('alertdialog', { name: title });
  await expect(question).toContainText(address(server));
  await expect(question).toContainText(server.fingerprint);
  await question.getByRole('button', { name: 'Accept' }).click();
}

async function works(terminal: Terminal): Promise<void> {
  await terminal.prompt();
  await terminal.run('echo $((6*7))');
  await terminal.shows('42');
}

test('each host on the way is asked about, told of and shown', async ({ page, terminal, sshd, running }) => {
  const bastion = await running(startSshd());
  const gateway = await running(Gateway.start('--host-key-policy', 'ask'));
  const said = await sayings(page);
  await page.goto(await gateway.create({ ...sshd.target, jump: [bastion.target] }));
  await accept(page, 'Is this the right jump host?', bastion);
  await accept(page, 'Is this the right host?', sshd);
  await works(terminal);
  for (const words of [
    `Looking for the jump host ${address(bastion)}…`,
    `Checking the jump host and agreeing on encryption: ${address(bastion)}…`,
    `Logging in at the jump host ${address(bastion)}…`,
    'Logging in…',
  ]) {
    await expect.poll(() => said.join('\n')).toContain(words);
  }
  await expect(caution(page)).toBeHidden();
  await toggle(page).click();
  const hops = panel(page).getByRole('list', { name: 'Jump hosts' });
  await expect(hops.getByRole('listitem')).toHaveCount(1);
  await expect(panel(page)).toContainText(sshd.fingerprint);
  await expect(hops.getByText(bastion.fingerprint)).toBeHidden();
  await hops.getByText(`Through ${address(bastion)}`).click();
  await expect(hops.getByText(bastion.fingerprint)).toBeVisible();
  await expect(hops).toContainText('Checkedaccepted by you');
  expect(await findings(page)).toEqual([]);
});

test('a jump host that is weakly protected is warned of', async ({ page, terminal, sshd, running }) => {
  const old = await running(startSshd({ lines: ['Ciphers 3des-cbc', 'MACs hmac-sha1'] }));
  const gateway = await running(Gateway.start('--max-algorithms', 'legacy'));
  await page.goto(await gateway.create({ ...sshd.target, jump: [{ ...old.target, algorithms: 'legacy' }] }));
  await works(terminal);
  await expect(caution(page).getByRole('alert')).toHaveText('The way to this host is weakly protected');
  await expect(caution(page)).toContainText(
    `The jump host ${address(old)} knows nothing better than 3des-cbc, hmac-sha1.`,
  );
  await page.getByRole('button', { name: 'Understood' }).click();
  await toggle(page).click();
  await expect(panel(page).getByText(`Through ${address(old)}, weak`)).toBeVisible();
});
