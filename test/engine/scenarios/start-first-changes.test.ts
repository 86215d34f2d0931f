import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { edgesOf } from '../../support/load-edge.ts';
import { assertCode } from './scene.ts';
import { servesWithoutEdgeImage } from './start-first-changes-scene.ts';
import { createEdgeScene, deployedBehindEdge } from './start-first-scene.ts';

describe('an edge image that is none', () => {
  it('takes no port from the container that serves: host mode', async () => {
    expect.hasAssertions();
    await servesWithoutEdgeImage('host');
  });
});

describe('an edge that somebody spoils', () => {
  it('by taking it off its network joins it again', async () => {
    const scene = await createEdgeScene({ env: { SUPERCARGO_EDGE_MODE: 'publish' } });
    await deployedBehindEdge(scene);
    const [edge] = await edgesOf(scene);
    const network = `${scene.environment}_edge`;
    await scene.docker.getNetwork(network).disconnect({ Container: edge?.id ?? '', Force: true });
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });
});
