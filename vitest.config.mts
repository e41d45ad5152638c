import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**'],
    pool: 'forks',
    // Two cores: the tests that start real servers wait for half of their time. 11 minutes in CI instead of 14 with three.
    maxWorkers: 4,
    // Limits only end what hangs: a busy machine takes several times as long as a quiet one. What is promised in time is
    // asserted by the tests themselves.
    testTimeout: 60_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
    reporters: process.env.CI ? ['default', ['json', { outputFile: 'dist/test-report.json' }]] : ['default'],
  },
});
