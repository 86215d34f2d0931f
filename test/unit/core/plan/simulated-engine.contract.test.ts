import { engineContract } from '../../../support/engine-contract.ts';
import { createSimulatedEngine } from '../../../support/simulated-engine.ts';
import { digestOf, ENVIRONMENT } from '../../../support/world.ts';

engineContract('the simulated engine', () => {
  const engine = createSimulatedEngine();
  engine.registry.push('org/web:1.0.0', {});
  return Promise.resolve({
    engine,
    environment: ENVIRONMENT,
    image: `org/web:1.0.0@${digestOf('org/web:1.0.0')}`,
    absent: `org/web:9.9.9@${digestOf('org/web:9.9.9')}`,
    port: 80,
    cleanup: () => Promise.resolve(),
  });
});
