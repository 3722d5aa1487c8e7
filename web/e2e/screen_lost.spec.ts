import { existsSync, writeFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';
import { Gateway, startWay } from './processes';

test.use({ provoked: /status of 404|WebSocket connection to .* failed|net::ERR_/ });

const LOST = 'The screen of this session could not be kept; it goes on from here.';

/** From now on the gateway seems to have lost the picture of every session: no way is known to make it do so. */
async function losesScreens(page: Page): Promise<void> {
  // After a failed try the page begins with polling, whose messages do not pass here.
  await page.route(/\/socket\.io\/.*transport=polling/, (route) => route.abort());
  await page.routeWebSocket(/\/socket\.io\//, (near) => {
    const far = near.connectToServer();
    let isPiece = false;
    let seen = 0;
    far.onMessage((frame) => {
      if (typeof frame !== 'string') {
        if (!isPiece) {
          near.send(frame);
          return;
        }
        seen += frame.length;
        far.send(`42/ssh,${JSON.stringify(['session-screen-ack', { offset: seen }])}`);
        return;
      }
      isPiece = frame.includes('["session-screen"');
      if (isPiece) {
        return;
      }
      const lost = frame.replace(/(?<="session-attached".*"screen":.*"length":)[0-9]+/, '0');
      near.send(lost);
      if (lost !== frame) {
        seen = 0;
        const error = { code: 'screen_lost', message: LOST, peer: 'gateway', retry: false };
        near.send(`42/ssh,${JSON.stringify(['session-error', error])}`);
      }
    });
  });
}

test('a page that reloads says that the screen is lost, and its shell goes on', async ({
  open,
  page,
  terminal,
}) => {
  await page.clock.install();
  await open();
  await terminal.run('x=41; echo before');
  await terminal.shows(/before\s*e2e>/);
  await losesScreens(page);
  await page.reload();
  await expect(page.locator('#notice')).toHaveText(LOST);
  await expect(terminal.status).toHaveText('Connected');
  // It stays as long as the screen explains nothing.
  await page.clock.fastForward(10_000);
  await expect(page.locator('#notice')).toHaveText(LOST);
  await expect(page.getByRole('textbox', { name: 'Terminal input' })).toBeFocused();
  await terminal.run('echo $((x+1))');
  await terminal.shows(/42\s*e2e>/);
  await expect(terminal.rows).not.toContainText('before');
  await expect(page.locator('#notice')).toBeHidden();
});

test('a page that has a screen keeps it, and goes on below', async ({
  page,
  sshd,
  terminal,
  running,
}, testInfo) => {
  const [go, done] = ['go', 'done'].map((name) => testInfo.outputPath(name)) as [string, string];
  const gateway = await running(Gateway.start('--backlog', '65536'));
  const way = await running(startWay(gateway.origin));
  await losesScreens(page);
  await page.goto(`${way.origin}${new URL(await gateway.create(sshd.target)).pathname}`);
  await terminal.prompt();
  await terminal.run(
    `x=41; clear; echo be""fore; until [ -e ${go} ]; do sleep 0.1; done; seq 1 200000; touch ${done}`,
  );
  await terminal.shows('before');
  way.open = false;
  way.cut();
  await expect(terminal.status).toContainText('Reconnecting');
  // More than is kept.
  writeFileSync(go, '');
  await expect.poll(() => existsSync(done)).toBe(true);
  way.open = true;
  await expect(page.locator('#notice')).toHaveText(LOST);
  await terminal.shows('before');
  await terminal.run('echo $((x+1))');
  await terminal.shows(/42\s*e2e>/);
});
