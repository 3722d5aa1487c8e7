import type { Page } from '@playwright/test';
import { findings } from './accessible';
import { Asker } from './asking';
import { expect, test } from './fixtures';
import { Gateway, lockedKey, startSilentHost } from './processes';

const ART = ['+--[ED25519 256]--+', '|    . o=*        |', '+----[SHA256]-----+'].join('\n');
const KEY = {
  algorithm: 'ssh-ed25519',
  fingerprint: 'SHA256:uNiVztksCsDhcc0u9e8BrzXVLFxDx1sFcL9Gq1nVzQA',
  randomart: ART,
  can_remember: true,
};
const HOST_KEY = { kind: 'host_key', target: 'db-1.example.org:22', host_key: KEY } as const;
const PASSWORD = { kind: 'password' as const, fields: [{ prompt: '', echo: false }] };
const THREE = {
  name: 'Second factor',
  instruction: 'Use your token.\n  It has six digits.',
  fields: [
    { prompt: 'Password: ', echo: false },
    { prompt: 'Verification code: ', echo: true },
    { prompt: 'Reason: ', echo: true },
  ],
};

/** A page whose session is being opened, and whoever asks it. */
const asks = test.extend<{ asker: Asker }>({
  asker: async ({ page, gateway, sshd, terminal, running }, use) => {
    const host = await running(startSilentHost());
    const asker = await Asker.at(page);
    await page.goto(await gateway.create({ ...sshd.target, port: host.port }));
    await expect(terminal.status).toContainText('Checking the host');
    await use(asker);
  },
});

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

asks('a host key is accepted on purpose only', async ({ page, asker }) => {
  asker.ask(HOST_KEY);
  const question = page.getByRole('alertdialog', { name: 'Is this the right host?' });
  for (const text of ['db-1.example.org:22', KEY.algorithm, KEY.fingerprint, '|    . o=*        |']) {
    await expect(question).toContainText(text);
  }
  await expect(question).toContainText('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub');
  await expect(button(page, 'Refuse')).toBeFocused();
  await expect(button(page, 'Accept')).toBeEnabled();
  await page.getByRole('checkbox', { name: 'Remember this host' }).check();
  await page.keyboard.press('Enter');
  expect(asker.answers).toEqual([]);
  await button(page, 'Accept').click();
  await expect(button(page, 'Accept')).toBeDisabled();
  await asker.answered([{ id: 1, accept: 'remember' }]);
  asker.say('session-progress', { step: 'auth' });
  await expect(question).toBeHidden();
});

asks('a host key can be accepted only after half a second', async ({ page, asker }) => {
  await page.clock.install();
  // Not far ahead: the socket has a clock of its own to keep to.
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1_000);
  asker.ask(HOST_KEY);
  await expect(button(page, 'Refuse')).toBeFocused();
  await page.keyboard.press('Enter');
  await page.clock.runFor(400);
  await expect(button(page, 'Accept')).toBeDisabled();
  await page.clock.runFor(100);
  await expect(button(page, 'Accept')).toBeEnabled();
  await expect(button(page, 'Refuse')).toBeFocused();
  expect(asker.answers).toEqual([]);
  await page.clock.resume();
  await page.keyboard.press('Enter');
  await asker.answered([{ id: 1, cancel: true }]);
});

asks(
  'what was typed leaves the form with its answer, or with its question',
  async ({ page, asker, terminal }) => {
    asker.ask(PASSWORD);
    const field = page.getByLabel('Password');
    await expect(field).toBeFocused();
    await page.keyboard.type('hunter2');
    await page.keyboard.press('Enter');
    await expect(field).toHaveValue('');
    await expect(field).toBeDisabled();
    await expect(terminal.status).toContainText('Waiting for the host');
    await asker.answered([{ id: 1, answers: ['hunter2'] }]);

    asker.ask({ ...PASSWORD, id: 2, again: true });
    await expect(field).toBeFocused();
    await page.keyboard.type('half');
    asker.say('session-progress', { step: 'shell' });
    await expect(field).toHaveCount(0);
    expect(await page.content()).not.toMatch(/hunter2|half/);
    expect(asker.answers).toHaveLength(1);
  },
);

asks('all prompts of a server stand in one form, as text and as its own words', async ({ page, asker }) => {
  const instruction = '\u001b[31m<b>Your gateway</b>\u202e asks:\n<script>complain("run")</script>';
  asker.ask({ ...THREE, name: '<img src=x>', instruction });
  const question = page.getByRole('dialog', { name: 'Log in as alice@db-1.example.org:22' });
  await expect(question).toContainText('The server says:');
  await expect(question).toContainText('<img src=x>');
  await expect(question.locator('[data-part=instruction]')).toHaveText(
    ' [31m<b>Your gateway</b> asks:\n<script>complain("run")</script>',
    { useInnerText: true },
  );
  await expect(page.getByLabel('Password:')).toBeFocused();
  await expect(page.getByLabel('Verification code:')).toHaveAttribute('autocomplete', 'one-time-code');
  await expect(page.getByLabel('Verification code:')).toHaveAttribute('type', 'text');
  for (const text of ['secret', 'Tab', '123456', 'Tab', 'because']) {
    await (text === 'Tab' ? page.keyboard.press(text) : page.keyboard.type(text));
  }
  await page.keyboard.press('Enter');
  await asker.answered([{ id: 1, answers: ['secret', '123456', 'because'] }]);
});

asks('Escape cancels', async ({ page, asker }) => {
  asker.ask(THREE);
  await page.getByLabel('Reason:').fill('none');
  await page.keyboard.press('Escape');
  await asker.answered([{ id: 1, cancel: true }]);
});

asks('the time that is left is shown, and the form goes with it', async ({ page, asker, terminal }) => {
  await page.clock.install();
  asker.ask({ ...PASSWORD, seconds: 30 });
  await expect(page.getByRole('timer')).toContainText(/You have \d+ s to answer/);
  await page.keyboard.type('half');
  await page.clock.fastForward(31_000);
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(await page.content()).not.toContain('half');
  const closed = { code: 'unanswered', message: 'Nobody answered.', peer: 'browser', retry: true };
  asker.say('session-closed', closed);
  await expect(terminal.status).toContainText('Nobody answered in time');
  expect(asker.answers).toEqual([]);
});

test('a locked key is unlocked, and an unknown host is accepted and remembered', async ({
  page,
  sshd,
  terminal,
  running,
}) => {
  const gateway = await running(Gateway.start('--host-key-policy', 'ask'));
  const ssh_key = lockedKey(sshd.target.ssh_key, 'open sesame');
  await page.goto(await gateway.create({ ...sshd.target, ssh_key, auth_methods: ['publickey'] }));
  const passphrase = page.getByLabel('Passphrase');
  await expect(passphrase).toBeFocused();
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toContainText('That was not right. Try again.');
  await expect(passphrase).toBeFocused();
  await page.keyboard.type('open sesame');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alertdialog')).toContainText(sshd.fingerprint);
  await page.getByLabel('Remember this host').check();
  await button(page, 'Accept').click();
  await terminal.prompt();
  await terminal.run('echo $((41+1))');
  await terminal.shows(/42\s*e2e>/);

  await page.goto(await gateway.create(sshd.target));
  await terminal.prompt();
});

test('a host that is refused may be accepted at the next try', async ({ page, sshd, terminal, running }) => {
  const gateway = await running(Gateway.start('--host-key-policy', 'ask'));
  await page.goto(await gateway.create(sshd.target));
  await button(page, 'Refuse').click();
  await expect(terminal.status).toContainText('host_key_refused');
  await expect(page.getByRole('textbox', { name: 'Terminal input' })).toBeFocused();
  await page.keyboard.press('Enter');
  await button(page, 'Accept').click();
  await terminal.prompt();
});

test.describe('on a phone whose browser takes some of its screen', () => {
  test.use({ viewport: { width: 390, height: 664 } });

  test('a host key and the choice are seen without scrolling', async ({ page, sshd, running }) => {
    const gateway = await running(Gateway.start('--host-key-policy', 'ask'));
    await page.goto(await gateway.create(sshd.target));
    await expect(page.getByText('Is this the right host?')).toBeInViewport({ ratio: 1 });
    await expect(page.getByText(sshd.fingerprint)).toBeInViewport({ ratio: 1 });
    await expect(page.locator('[data-part=randomart]')).toBeInViewport({ ratio: 1 });
    await expect(button(page, 'Refuse')).toBeInViewport({ ratio: 1 });
    await expect(button(page, 'Accept')).toBeInViewport({ ratio: 1 });
  });
});

for (const colorScheme of ['dark', 'light'] as const) {
  asks.describe(`axe finds nothing in ${colorScheme}`, () => {
    asks.use({ colorScheme, contextOptions: { reducedMotion: 'reduce' } });

    for (const width of [1000, 320]) {
      asks(`while the page asks, ${width} wide`, async ({ page, asker }) => {
        await page.setViewportSize({ width, height: 640 });
        const long = { ...KEY, fingerprint: `SHA256:${'x'.repeat(90)}` };
        const manyLines = Array.from({ length: 40 }, (_, at) => `Line ${at} of what is to be known.`).join(
          '\n',
        );
        const questions = [
          { ...HOST_KEY, host_key: long },
          { ...PASSWORD, again: true },
          { ...THREE, instruction: manyLines },
        ];
        for (const [at, question] of questions.entries()) {
          asker.ask({ ...question, id: at + 1 });
          await expect(page.locator('#question :focus')).toHaveCount(1);
          if ('host_key' in question) {
            await expect(button(page, 'Accept')).toBeEnabled();
          }
          expect(await findings(page)).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        }
      });
    }
  });
}
