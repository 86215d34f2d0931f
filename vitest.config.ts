import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      // No module keeps state, so that files may share a process: half the time.
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          isolate: false,
          // A deadline and no measurement: on a busy machine a property of a thousand cases takes its time.
          testTimeout: 60_000,
        },
      },
      // Memory is capped: what would take all of it ends the run instead.
      {
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          isolate: false,
          execArgv: ['--max-old-space-size=700'],
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'engine',
          include: ['test/engine/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'host',
          include: ['test/host/**/*.test.ts'],
          globalSetup: ['test/host/support/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
