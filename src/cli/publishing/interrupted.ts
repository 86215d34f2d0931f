import { AgentError } from '../../core/errors.ts';
import type { Call } from '../call.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';

/**
 * Makes an interrupted command fail: other commands then exit with 0, but an aborted build must not be green.
 * @throws AgentError TIMED_OUT
 */
export const neverGreen =
  <Given extends readonly unknown[]>(run: (call: Call, ...given: Given) => Promise<ExitCode>): typeof run =>
  async (call, ...given) => {
    try {
      return await run(call, ...given);
    } catch (error) {
      if (!call.signal.aborted) throw error;
      throw new AgentError('TIMED_OUT', 'interrupted before the outcome was known', {
        advice: 'what was published stays published: see what hosts run with `supercargo fleet ENVIRONMENT`',
      });
    }
  };
