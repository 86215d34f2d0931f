import { configDefaults, defineConfig } from 'vitest/config';
import { share } from './test/support/share.ts';
import { throughHubs } from './test/support/through-hubs.ts';

export default defineConfig({
  test: {
    projects: [
      // No module keeps state, so that files may share a process: half the time.
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          globalSetup: ['test/support/postgres-setup.ts'],
          isolate: false,
          // All processors: vitest leaves one free, which is half of them where there are two.
          maxWorkers: '100%',
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
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'engine',
          include: [share === 'long' ? 'test/engine/**/*.long.test.ts' : 'test/engine/**/*.test.ts'],
          exclude:
            share === 'quick' ? [...configDefaults.exclude, '**/*.long.test.ts'] : configDefaults.exclude,
          globalSetup: ['test/support/global-setup.ts', 'test/support/postgres-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each test has an environment, images and ports of its own; they mostly wait.
          maxWorkers: 4,
        },
      },
      // What publishes, rolls back, waits or takes turns through a hub, through three of them behind a
      // balancer.
      {
        test: {
          name: 'hubs',
          include: [...throughHubs],
          env: { SUPERCARGO_TEST_HUBS: 'several' },
          globalSetup: ['test/support/global-setup.ts', 'test/support/postgres-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
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
