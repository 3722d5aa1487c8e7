import { userInfo } from 'node:os';
import { expect, test } from './fixtures';
import { freePort, Gateway, newKey, startProxyWithoutWebSocket, startSshd, type Target } from './processes';

interface Failure {
  code: string;
  title: string;
  retry: boolean;
  target: (server: Target) => Target | Promise<Target>;
}

const withKey = (server: Target, ssh_key: string): Target => ({ ...server, ssh_key });
const withPassword = ({ ssh_key: _, ...server }: Target): Target => ({
  ...server,
  password: 'not the password',
});

const FAILURES: Failure[] = [
  { code: 'auth_failed', title: 'The host refused the login', retry: false, target: withPassword },
  {
    code: 'auth_failed',
    title: 'The host refused the login',
    retry: false,
    target: (server) => withKey(server, newKey()),
  },
  {
    code: 'connect_refused',
    title: 'The host refused the connection',
    retry: true,
    target: async (server) => ({ ...server, port: await freePort() }),
  },
  {
    code: 'name_not_found',
    title: 'The host was not found',
    retry: true,
    target: (server) => ({ ...server, hostname: 'no-such-host.invalid' }),
  },
  {
    code: 'host_key_changed',
    title: 'The host is not the one that was expected',
    retry: false,
    target: (server) => ({ ...server, host_key: `SHA256:${'A'.repeat(43)}` }),
  },
];

for (const [index, { code, title, retry, target }] of FAILURES.entries()) {
  test(`${code} has its own sentence (${index + 1})`, async ({ page, gateway, sshd, terminal }) => {
    await page.goto(await gateway.create(await target(sshd.target)));
    await expect(terminal.status).toContainText(title);
    await expect(terminal.status).toContainText(code);
    await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible({ visible: retry });
  });
}

for (const by of ['the button', 'Enter']) {
  test(`another try by ${by} works once the host is there`, async ({ page, gateway, terminal, running }) => {
    const port = await freePort();
    const key = newKey();
    const username = userInfo().username;
    await page.goto(await gateway.create({ hostname: '127.0.0.1', port, username, ssh_key: key }));
    await expect(terminal.status).toContainText('The host refused the connection');
    await running(startSshd({ port, key }));
    if (by === 'Enter') {
      await expect(page.getByRole('textbox', { name: 'Terminal input' })).toBeFocused();
      await page.keyboard.press('Enter');
    } else {
      await page.getByRole('button', { name: 'Try again' }).click();
    }
    await terminal.prompt();
    await terminal.run('echo $((40+2))');
    await terminal.shows(/42\s*e2e>/);
  });
}

test.describe('a terminal whose code does not arrive', () => {
  test.use({ provoked: /net::ERR_FAILED|Failed to fetch dynamically imported module|status of 404/ });

  test('is missed with a word, and a reload leads to the shell', async ({
    page,
    gateway,
    sshd,
    terminal,
  }) => {
    await page.route('**/assets/terminal-*.js', (route) => route.abort());
    const link = await gateway.create(sshd.target);
    await page.goto(link);
    await expect(terminal.status).toContainText('Part of this page did not arrive');
    await page.unrouteAll();
    await page.reload();
    await terminal.prompt();
  });
});

test('a gateway that shuts down says so', async ({ page, sshd, terminal, running }) => {
  const gateway = await running(Gateway.start('--drain', '0'));
  await page.goto(await gateway.create(sshd.target));
  await terminal.prompt();
  await gateway.shutDown();
  await expect(terminal.status).toContainText('The gateway is shutting down');
  await terminal.shows('e2e>');
});

test('a gateway that keeps no session ends it when it vanishes, and the page says so', async ({
  running,
  page,
  sshd,
  terminal,
}) => {
  const gateway = await running(Gateway.start('--detach-grace', '0'));
  await page.goto(await gateway.create(sshd.target));
  await terminal.prompt();
  await gateway.stop();
  await expect(terminal.status).toContainText('Disconnected');
  await terminal.shows('e2e>');
});

test('a host that vanishes is named', async ({ open, terminal }) => {
  await open();
  await terminal.run('kill -9 $PPID');
  await expect(terminal.status).toContainText('The connection to the host broke');
  await terminal.shows('e2e>');
});

test.describe('behind a proxy that refuses WebSocket', () => {
  test.use({ provoked: /WebSocket connection to .* failed|status of 503/ });

  test('the page gets by with polling', async ({ page, gateway, sshd, terminal, running }) => {
    const proxy = await running(startProxyWithoutWebSocket(gateway.origin));
    const link = new URL(await gateway.create(sshd.target));
    await page.goto(`${proxy.origin}${link.pathname}`);
    await terminal.prompt();
    await terminal.run('echo $((40+2))');
    await terminal.shows(/42\s*e2e>/);
    expect(proxy.refused).toBeGreaterThan(0);
  });

  test('a gateway that cannot be reached is named, tried again, and used when it is back', async ({
    running,
    page,
    gateway,
    sshd,
    terminal,
  }) => {
    const proxy = await running(startProxyWithoutWebSocket(gateway.origin));
    proxy.blocking = true;
    const link = new URL(await gateway.create(sshd.target));
    await page.goto(`${proxy.origin}${link.pathname}`);
    await expect(terminal.status).toContainText('The gateway does not answer');
    proxy.blocking = false;
    await terminal.prompt();
  });
});
