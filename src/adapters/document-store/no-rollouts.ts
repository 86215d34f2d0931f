import { AgentError } from '../../core/errors.ts';
import type { Rollouts } from '../../core/ports/rollouts.ts';

/** `store` is its name for messages. */
export const noTurns = (store: string): AgentError =>
  new AgentError('STORE', `${store} hands out no turns, so it has no rollouts`, {
    advice:
      'use a hub of this version (`supercargo hub`): a folder, another web server and an older hub cannot',
  });

/** For a store that hands out no turns, such as a folder. */
export const createNoRollouts = (store: string): Rollouts => ({
  status: async () => Promise.resolve('no-turns'),
  command: async () => Promise.reject(noTurns(store)),
});
