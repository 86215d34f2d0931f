import type { Container } from '../state/actual.ts';
import type { Decision } from './host-plan.ts';

/**
 * An agent that stopped its own container would leave the step half done, with nobody there to go on. So a
 * service whose container, or whose `replaces`, is the one that this agent runs in is left alone, and says
 * so. Undefined: it is not.
 */
export const selfDecision = (containers: readonly Container[]): Decision | undefined => {
  const self = containers.find((container) => container.isSelf === true);
  return (
    self && {
      kind: 'blocked',
      reason: 'self',
      message: `the container ${self.name} is the one that this agent runs in, which it never manages`,
      advice:
        'start the agent by hand or from Chef, without labels io.supercargo.*, and take it out of the compose files',
    }
  );
};
