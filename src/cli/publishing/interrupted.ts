import { AgentError } from '../../core/errors.ts';
import type { Call } from '../call.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';

/**
 * A build that is aborted must never end green: other commands end with 0 when they are interrupted, these do
 * not.
 * @throws AgentError TIMED_OUT
 */
export const neverGreen =
  <Given extends readonly unknown[]>(run: (call: Call, ...given: Given) => Promise<ExitCode>): typeof run =>
  async (call, ...given) => {
    try {
      return await run(call, ...given);
    } catch (error) {
      if (!call.signal.aborted) throw error;
      throw new AgentError('TIMED_OUT', 'it was interrupted before the outcome was known', {
        advice: 'what was published stays published: see what hosts run with `supercargo fleet ENVIRONMENT`',
      });
    }
  };
