/**
 * The page in a real browser: time to the first prompt, from key to glyph, frames in a flood.
 *
 * The load driver starts the servers and says where they are; what is found goes to a file as JSON.
 */
import { writeFileSync } from 'node:fs';
import { type Browser, type BrowserContext, type Page, test } from '@playwright/test';
import { watchPrompt } from './watch';

interface Lab {
  /** The gateway. */
  origin: string;
  /** The same behind a link of 1.6 Mbit/s and 150 ms there and back. */
  slow_origin: string;
  /** What is posted to it for a shell. */
  order: object;
  /** Visits and keys of each kind. */
  visits: number;
  keys: number;
  /** Where what is found goes. */
  output: string;
}

/** As the load driver reads it: the middle of what was measured, and all of it. */
interface Figure {
  name: string;
  unit: string;
  value: number;
}

const lab = JSON.parse(process.env['BENCH_LAB'] ?? '{}') as Lab;
const FLOOD_SECONDS = 5;
const figures: Figure[] = [];

test.afterAll(() => writeFileSync(lab.output, JSON.stringify(figures)));

for (const [link, origin] of [
  ['here', lab.origin],
  ['1.6 Mbit/s 150 ms', lab.slow_origin],
] as const) {
  test(`time to the first prompt, ${link}`, async ({ browser }) => {
    const cold: number[] = [];
    const warm: number[] = [];
    for (let visit = 0; visit < lab.visits; visit += 1) {
      const context = await newContext(browser);
      cold.push(await visitOnce(context, origin));
      warm.push(await visitOnce(context, origin));
      await context.close();
    }
    report(`first prompt, ${link}, cold`, 'ms', median(cold));
    report(`first prompt, ${link}, warm`, 'ms', median(warm));
  });
}

test('from key to glyph', async ({ browser }) => {
  const context = await newContext(browser);
  const page = await opened(context);
  const times = await keyTimes(page, lab.keys);
  report('key to glyph, median', 'ms', median(times));
  report('key to glyph, 99th percentile', 'ms', quantile(times, 0.99));
  await context.close();
});

test('frames in a flood', async ({ browser }) => {
  const context = await newContext(browser);
  const page = await opened(context);
  await page.keyboard.type("yes $'\\e[32mbuilding\\e[0m ok 端末 🚀'\n");
  const { frames, longest } = await page.evaluate(async (seconds) => {
    const began = performance.now();
    let [frames, longest, last] = [0, 0, began];
    while (last - began < seconds * 1000) {
      const now = await new Promise<number>(requestAnimationFrame);
      frames += 1;
      longest = Math.max(longest, now - last);
      last = Math.max(now, last);
    }
    return { frames, longest };
  }, FLOOD_SECONDS);
  report('frames in a flood', '/s', frames / FLOOD_SECONDS);
  report('longest time without a frame in it', 'ms', longest);
  await context.close();
});

async function newContext(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext();
  await context.addInitScript(watchPrompt);
  return context;
}

/** The same on a page of its own, which stays until it has all that the next one finds in the cache. */
async function visitOnce(context: BrowserContext, origin: string): Promise<number> {
  const page = await context.newPage();
  const time = await open(page, origin);
  await page.waitForLoadState('networkidle');
  await page.close();
  return time;
}

async function opened(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await open(page, lab.origin);
  return page;
}

/** Milliseconds from the navigation to the prompt on the screen. */
async function open(page: Page, origin: string): Promise<number> {
  await page.goto(await link(origin), { waitUntil: 'commit' });
  return page.evaluate(() => window.prompted);
}

/** From each key to the frame that shows it. */
async function keyTimes(page: Page, keys: number): Promise<number[]> {
  const times: number[] = [];
  for (let key = 0; key < keys; key += 1) {
    await page.evaluate(() => window.watchGlyph());
    await page.keyboard.press('x');
    times.push(await page.evaluate(() => window.glyph));
    // No timer falls into step with them.
    await page.waitForTimeout(5 + ((key * 7) % 25));
  }
  return times;
}

/** A link to a new shell. */
async function link(origin: string): Promise<string> {
  const answer = await fetch(`${origin}/create-session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(lab.order),
  });
  return ((await answer.json()) as { url: string }).url;
}

function report(name: string, unit: string, value: number): void {
  figures.push({ name, unit, value });
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)] ?? Number.NaN;
}
