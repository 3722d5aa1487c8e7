import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';

// The software GPU of the tests complains about being read back.
test.use({ provoked: /GPU stall due to ReadPixels/ });

/** The share of the screen's pixels that are about this colour. */
async function share(page: Page, colour: [number, number, number]): Promise<number> {
  const image = await page.screenshot();
  const reader = await page.context().newPage();
  const found = await reader.evaluate(
    async ([base64, wanted]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
      context.drawImage(bitmap, 0, 0);
      const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
      let matching = 0;
      for (let at = 0; at < data.length; at += 4) {
        matching += wanted.every((channel, i) => Math.abs((data[at + i] ?? 0) - channel) < 8) ? 1 : 0;
      }
      return (matching * 4) / data.length;
    },
    [image.toString('base64'), colour] as const,
  );
  await reader.close();
  return found;
}

const connected = (page: Page) => expect(page.getByRole('status')).toHaveText('Connected');
const RED_SCREEN = "clear; printf '\\e[48;2;200;30;40m\\e[2J'; sleep 600";

test('the GPU draws what the host sends', async ({ page, gateway, sshd }, testInfo) => {
  await page.goto(await gateway.create(sshd.target));
  await connected(page);
  await expect(page.locator('.xterm-screen canvas')).not.toHaveCount(0);
  await expect(page.locator('.xterm-rows')).toHaveCount(0);
  expect(await share(page, [200, 30, 40])).toBe(0);
  await page.keyboard.type(`${RED_SCREEN}\n`);
  await expect.poll(() => share(page, [200, 30, 40])).toBeGreaterThan(0.9);
  await testInfo.attach('screen', { body: await page.screenshot(), contentType: 'image/png' });
});

test('the DOM takes over when the GPU is lost', async ({ page, gateway, sshd }) => {
  await page.goto(await gateway.create(sshd.target));
  await connected(page);
  await expect(page.locator('.xterm-rows')).toHaveCount(0);
  await page.locator('.xterm-screen canvas').evaluateAll((canvases) => {
    for (const canvas of canvases as HTMLCanvasElement[]) {
      canvas.getContext('webgl2')?.getExtension('WEBGL_lose_context')?.loseContext();
    }
  });
  await expect(page.locator('.xterm-rows')).toContainText('e2e>');
  await page.keyboard.type('echo $((40+2))\n');
  await expect(page.locator('.xterm-rows')).toContainText(/42\s*e2e>/);
});
