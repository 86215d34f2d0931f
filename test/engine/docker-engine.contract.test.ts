import { inject } from 'vitest';
import { createDockerEngine } from '../../src/adapters/docker/docker-engine.ts';
import type { Engine } from '../../src/core/ports/engine.ts';
import { sharedDocker } from '../support/context.ts';
import { engineContract } from '../support/engine-contract.ts';
import { flavours } from '../support/flavours.ts';
import { createImagePusher } from '../support/images.ts';
import { removeEnvironment } from '../support/leftovers.ts';
import { freePort } from '../support/ports.ts';
import { NO_EDGE_HOME, NO_SOURCES } from '../support/world.ts';

engineContract('the docker engine', async () => {
  const environment = `contract${String(process.pid)}`;
  const { push } = createImagePusher();
  // A version of its own: its content, and so its id, is shared with no other test.
  const image = await push(inject('registry'), 'contract/web', environment, flavours.web);
  const socketPath = inject('dockerHost').replace('unix://', '');
  const connect = (): Engine => createDockerEngine({ kind: 'unix', socketPath }, NO_SOURCES, NO_EDGE_HOME);
  const engine = connect();
  const { signal } = new AbortController();
  return {
    engine,
    neighbour: connect(),
    environment,
    image: image.pinned,
    absent: `${image.repository}:9.9.9@sha256:${'0'.repeat(64)}`,
    port: await freePort(),
    hasNetwork: async (id) =>
      (await engine.run(id, ['/bin/busybox', 'ls', '/sys/class/net/eth0'], signal))?.exitCode === 0,
    cleanup: () => removeEnvironment(sharedDocker(), environment),
  };
});
