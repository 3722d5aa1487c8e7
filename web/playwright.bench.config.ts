import { defineConfig } from '@playwright/test';

/** What `cargo xtask bench --browser` runs: one browser, nothing beside it. `BENCH_TRACE` keeps traces. */
export default defineConfig({
  testDir: 'bench',
  testMatch: '*.bench.ts',
  outputDir: 'test-results/bench',
  workers: 1,
  timeout: 600_000,
  reporter: [['line']],
  use: {
    browserName: 'chromium',
    trace: process.env['BENCH_TRACE'] === undefined ? 'off' : 'on',
    viewport: { width: 1000, height: 640 },
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      // With the DOM the screen can be read, and a machine without a GPU draws it as fast.
      args: ['--disable-webgl', '--disable-webgl2'],
    },
  },
});
