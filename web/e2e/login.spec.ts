import type { Page } from '@playwright/test';
import { startAccountServer } from './account';
import { expect, sentBy, type Terminal, test } from './fixtures';

const PASSWORD = 'PasswordAuthentication yes';
const QUESTIONS = 'KbdInteractiveAuthentication yes';

const again = (page: Page) => page.getByText('That was not right. Try again.');

async function type(page: Page, answer: string): Promise<void> {
  await page.keyboard.type(answer);
  await page.keyboard.press('Enter');
}

async function works(terminal: Terminal): Promise<void> {
  await terminal.prompt();
  await terminal.run('echo $((41+1))');
  await terminal.shows(/42\s*e2e>/);
}

/** How often the page has sent an answer. */
function answers(page: Page): () => number {
  const sent = sentBy(page);
  return () => sent.filter((frame) => frame.includes('session-answer')).length;
}

test('a password is asked for until it is right, sent once, and kept nowhere', async ({
  page,
  gateway,
  terminal,
  running,
}) => {
  const server = await running(startAccountServer([PASSWORD]));
  const sent = answers(page);
  await page.goto(await gateway.create({ ...server.target, auth_methods: ['password'] }));
  const field = page.getByLabel('Password');
  await expect(field).toBeFocused();
  await expect(field).toHaveAttribute('type', 'password');
  await expect(field).toHaveAttribute('autocomplete', 'current-password');
  await expect(again(page)).toBeHidden();
  await type(page, 'hunter2');
  await page.keyboard.press('Enter');
  await expect(again(page)).toBeVisible();
  await expect(field).toBeFocused();
  await expect(field).toHaveValue('');
  expect(sent()).toBe(1);
  await type(page, server.password);
  await works(terminal);
  expect(sent()).toBe(2);
  await expect(field).toHaveCount(0);
  const kept = await page.evaluate(() => JSON.stringify([sessionStorage, localStorage, document.cookie]));
  for (const password of ['hunter2', server.password]) {
    expect(kept).not.toContain(password);
    expect(await page.content()).not.toContain(password);
  }
});

for (const [method, line] of [
  ['password', PASSWORD],
  ['keyboard-interactive', QUESTIONS],
] as const) {
  test(`three wrong answers end the login, by ${method}`, async ({ page, gateway, terminal, running }) => {
    const server = await running(startAccountServer([line]));
    await page.goto(await gateway.create({ ...server.target, auth_methods: [method] }));
    for (const [at, answer] of ['one', 'two', 'three'].entries()) {
      // From an answer on until the next question the field is disabled.
      await expect(page.getByLabel('Password')).toBeEnabled();
      await expect(page.getByLabel('Password')).toBeFocused();
      await expect(again(page)).toBeVisible({ visible: at > 0 });
      await type(page, answer);
    }
    await expect(terminal.status).toContainText('The host refused the login');
    await expect(terminal.status).toContainText('auth_failed');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  });

  test(`behind a key there may be another question, by ${method}`, async ({
    page,
    gateway,
    terminal,
    running,
  }) => {
    const server = await running(startAccountServer([line, `AuthenticationMethods publickey,${method}`]));
    const { ssh_key } = server;
    await page.goto(await gateway.create({ ...server.target, ssh_key, auth_methods: ['publickey', method] }));
    await expect(page.getByLabel('Password')).toBeFocused();
    await type(page, server.password);
    await works(terminal);
  });
}

test('a server asks for the password and then for a code, and is answered in its order', async ({
  page,
  gateway,
  terminal,
  running,
}) => {
  const server = await running(startAccountServer([QUESTIONS], { codes: true }));
  const auth_methods = ['keyboard-interactive'];
  await page.goto(await gateway.create({ ...server.target, auth_methods }));
  const password = page.getByLabel('Password:');
  const code = page.getByLabel('Verification code:');
  for (const [asks, answer] of ['000000', server.codes[0]].entries()) {
    await expect(password).toBeFocused();
    await expect(password).toHaveAttribute('type', 'password');
    await expect(again(page)).toBeVisible({ visible: asks > 0 });
    await type(page, server.password);
    await expect(code).toBeFocused();
    await expect(code).toHaveAttribute('type', 'text');
    await expect(code).toHaveAttribute('autocomplete', 'one-time-code');
    await expect(page.getByRole('dialog')).toContainText('The server says:');
    await expect(again(page)).toBeHidden();
    await type(page, answer);
  }
  await works(terminal);
});

test('a password and a code in the request leave nothing to ask', async ({
  page,
  gateway,
  terminal,
  running,
}) => {
  const server = await running(startAccountServer([QUESTIONS], { codes: true }));
  const sent = answers(page);
  const { password, codes } = server;
  await page.goto(await gateway.create({ ...server.target, password, totp: codes[0] }));
  await works(terminal);
  expect(sent()).toBe(0);
});
