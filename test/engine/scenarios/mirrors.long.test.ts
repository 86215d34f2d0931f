import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { type RegistryFault, registryFaults } from '../../support/faulty-registry.ts';
import { flavours } from '../../support/flavours.ts';
import { isSkipped, ownRegistry, through } from './mirror-scene.ts';
import { assertCode, createScene, onlyContainer, told } from './scene.ts';

describe('mirrors', () => {
  it('leave an image that is known again: it is planned, repaired and rolled back to with every registry down', async () => {
    const [registry, mirror] = [await ownRegistry(), await ownRegistry()];
    const scene = await createScene({ registry });
    const image = await scene.push('1.0.0');
    await scene.push('1.0.0', flavours.healthy, 'web', mirror);
    const env = through(registry, mirror);
    const bad = await scene.push('1.1.0', flavours.crash);
    await scene.push('1.1.0', flavours.crash, 'web', mirror);
    await registry.stop();
    await scene.compose(scene.web());
    await scene.publish({ web: image.pinned });
    assertCode(await scene.once(env), 0);
    expect(told(await scene.run(['plan'], { env }))).toMatch(/web: converged/);

    await scene.publish({ web: bad.pinned });
    assertCode(await scene.once(env), 3);
    await mirror.stop();
    await scene.docker.getContainer((await onlyContainer(scene)).id).remove({ force: true });
    assertCode(await scene.once(env), 3);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });

  it.each<[string, () => RegistryFault, string]>([
    ['answers with a web page', registryFaults.webPage, 'REGISTRY'],
    ['is a broken gateway', registryFaults.brokenGateway, 'REGISTRY'],
    ['limits pulls', registryFaults.rateLimit, 'REGISTRY'],
    ['wants another login', registryFaults.tokenExpired, 'REGISTRY_AUTH'],
    // The engine itself gives up after half a minute.
    ['hangs', registryFaults.silence, 'REGISTRY'],
  ])('one that %s is skipped, and the registry asked', async (_what, fault, code) => {
    expect.hasAssertions();
    await isSkipped(fault, code);
  });
});
