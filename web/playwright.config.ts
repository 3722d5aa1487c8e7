import { defineConfig } from '@playwright/test';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const chromium = (...args: string[]) => ({
  browserName: 'chromium' as const,
  launchOptions: { executablePath, args },
});

export default defineConfig({
  testDir: 'e2e',
  workers: 1,
  forbidOnly: process.env['CI'] !== undefined,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: { colorScheme: 'dark', trace: 'retain-on-failure', viewport: { width: 1000, height: 640 } },
  projects: [
    // xterm.js draws with the DOM here, so that tests can read the screen as a person does.
    { name: 'dom', testIgnore: '**/gpu.spec.ts', use: chromium('--disable-webgl', '--disable-webgl2') },
    {
      name: 'gpu',
      testMatch: '**/gpu.spec.ts',
      use: chromium('--use-angle=swiftshader', '--enable-unsafe-swiftshader'),
    },
  ],
});
