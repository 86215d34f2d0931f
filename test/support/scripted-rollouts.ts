import type { Rollouts } from '../../src/core/ports/rollouts.ts';
import type { ReportedRollout } from '../../src/core/turns/read-rollout.ts';

/** A store whose rollout is what `status` returns each time. */
export const scriptedRollouts = (status: () => ReportedRollout | 'no-turns'): Rollouts => ({
  status: async () => Promise.resolve(status()),
  command: async () => Promise.reject(new Error('no command is expected')),
});
