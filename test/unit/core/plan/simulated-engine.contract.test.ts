import { engineContract } from '../../../support/engine-contract.ts';
import { createSimulatedEngine } from '../../../support/simulated-engine.ts';
import { digestOf, ENVIRONMENT } from '../../../support/world.ts';

engineContract('the simulated engine', () => {
  const engine = createSimulatedEngine();
  engine.registry.push('org/web:1.0.0', {});
  return Promise.resolve({
    // No two actions of a real one are taken in the same millisecond.
    engine: {
      ...engine,
      apply: async (...args) => {
        engine.advance(1);
        return engine.apply(...args);
      },
    },
    neighbour: engine,
    environment: ENVIRONMENT,
    image: `org/web:1.0.0@${digestOf('org/web:1.0.0')}`,
    absent: `org/web:9.9.9@${digestOf('org/web:9.9.9')}`,
    port: 80,
    hasNetwork: (id) => Promise.resolve(engine.hasNetwork(id)),
    cleanup: () => Promise.resolve(),
  });
});
