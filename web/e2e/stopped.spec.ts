import { existsSync, writeFileSync } from 'node:fs';
import { expect, settled, Terminal, test } from './fixtures';
import { Gateway } from './processes';
import { resumeProcesses, stopProcesses } from './stopping';

// What a laptop does that sleeps, or a system that freezes a browser in the background.
test('a browser that was stopped comes back by itself to the exact screen, and keys arrive once', async ({
  running,
  playwright,
  launchOptions,
  sshd,
}, testInfo) => {
  test.setTimeout(120_000);
  const gateway = await running(Gateway.start());
  const server = await playwright.chromium.launchServer(launchOptions);
  const browser = await playwright.chromium.connect(server.wsEndpoint());
  const page = await browser.newPage({ viewport: { width: 1000, height: 640 } });
  const terminal = new Terminal(page, page);
  const [go, done] = ['go', 'done'].map((name) => testInfo.outputPath(name)) as [string, string];
  await page.goto(await gateway.create(sshd.target));
  await terminal.prompt();
  await terminal.run(`echo wa""its; until [ -e ${go} ]; do sleep 0.1; done; seq 1 200000; touch ${done}`);
  await terminal.shows('waits');

  const stopped = stopProcesses(server.process().pid as number);
  // A renderer beside the browser and what starts it: less would be no Chromium.
  expect(stopped.length).toBeGreaterThan(3);
  const since = Date.now();
  await expect.poll(() => gateway.sessions('detached'), { timeout: 25_000 }).toBe(1);
  testInfo.annotations.push({ type: 'noticed after', description: `${Date.now() - since} ms` });
  // More than is kept: only a picture leads over it.
  writeFileSync(go, '');
  await expect.poll(() => existsSync(done)).toBe(true);
  expect(await gateway.sessions('attached')).toBe(0);

  resumeProcesses(stopped);
  await page.keyboard.type('echo $((40+2))');
  await terminal.shows(/200000\s*e2e> echo \$\(\(40\+2\)\)/);
  await page.keyboard.press('Enter');
  const lines = (await settled(terminal)).filter(Boolean);
  expect(lines.splice(-3)).toEqual(['e2e> echo $((40+2))', '42', 'e2e>']);
  expect(lines.length).toBeGreaterThan(10);
  expect(lines).toEqual(lines.map((_, n) => String(200_000 - lines.length + 1 + n)));
  expect(await gateway.sessions('attached')).toBe(1);
  await browser.close();
  await server.close();
});
