import type { Container } from '../state/actual.ts';
import type { Decision } from './host-plan.ts';

/**
 * An agent that stops its own container leaves the step half done. So it leaves that container's service
 * alone, and a service that `replaces` the container.
 */
export const selfDecision = (containers: readonly Container[]): Decision | undefined => {
  const self = containers.find((container) => container.isSelf === true);
  return (
    self && {
      kind: 'blocked',
      reason: 'self',
      message: `the container ${self.name} is the one that this agent runs in, which it never manages`,
      advice:
        'start the agent by hand or from Chef, without labels io.supercargo.*, ' +
        'and take it out of the compose files',
    }
  );
};
