import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    // Two cores: files run side by side, but for those of the parts that need both (scripts/test-parts.js).
    maxWorkers: 2,
    maxConcurrency: 2,
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
