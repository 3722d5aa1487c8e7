import { defineConfig } from 'vitest/config';

// Property tests try many cases, and the machine may be busy with other things.
export default defineConfig({ test: { include: ['test/**/*.test.ts'], testTimeout: 60_000 } });
