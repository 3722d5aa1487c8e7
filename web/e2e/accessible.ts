/** Looks at a page with axe. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';
import type axe from 'axe-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds. The colours that programs choose inside the terminal are not the page's. */
export async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    const { run } = Reflect.get(window, 'axe') as typeof axe;
    const options = { runOnly: { type: 'tag', values: tags } } as const;
    const { violations, passes } = await run({ exclude: [['.xterm-rows']] }, options);
    if (passes.length < 10) {
      return ['axe looked at almost nothing'];
    }
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }, TAGS);
}
