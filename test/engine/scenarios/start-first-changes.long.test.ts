import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { edgesOf } from '../../support/load-edge.ts';
import { loadApp } from '../../support/load-app.ts';
import { freePort } from '../../support/ports.ts';
import { assertCode, service } from './scene.ts';
import { servesWithoutEdgeImage, startFirst, stopFirst } from './start-first-changes-scene.ts';
import { createEdgeScene, deployedBehindEdge, loadFromBothSides, publishApp } from './start-first-scene.ts';

describe('an edge image that is none', () => {
  it('takes no port from the container that serves: publish mode', async () => {
    expect.hasAssertions();
    await servesWithoutEdgeImage('publish');
  });
});

describe('an edge that somebody spoils', () => {
  it('by removing its folder is replaced: its ports are closed until the next one has them', async () => {
    const scene = await createEdgeScene();
    await deployedBehindEdge(scene);
    const before = await edgesOf(scene);
    const load = await loadFromBothSides(scene.port);
    await rm(join(scene.stateDir, 'edge'), { recursive: true });
    await publishApp(scene, '1.1.0');
    assertCode(await scene.once(), 0);
    const { failed } = await load.stop();
    expect(failed.filter((message) => !message.includes('ECONNREFUSED'))).toEqual([]);
    expect(await tryAnswer(scene.port)).toBe('1.1.0');
    const after = await edgesOf(scene);
    expect(after).toHaveLength(1);
    expect(after[0]?.id).not.toBe(before[0]?.id);
  });
});

describe('services that swap their ports and their order', () => {
  it('end where they are wanted', async () => {
    const scene = await createEdgeScene();
    const [image, api, other] = [
      await scene.push('1.0.0', loadApp),
      await scene.push('7.0.0', loadApp, 'api'),
      await freePort(),
    ];
    const both = (web: readonly string[], second: readonly string[]): string =>
      scene.web(web, service('api', [`image: ${scene.repository('api')}`, 'restart: always', ...second]));
    await scene.compose(both(startFirst(scene.port), stopFirst(other)));
    await scene.publish({ web: image.pinned, api: api.pinned });
    assertCode(await scene.once(), 0);
    await scene.compose(both(startFirst(other), stopFirst(scene.port)));
    assertCode(await scene.once(), 0);
    expect([await tryAnswer(other), await tryAnswer(scene.port)]).toEqual(['1.0.0', '7.0.0']);
    await scene.compose(both(stopFirst(scene.port), startFirst(other)));
    assertCode(await scene.once(), 0);
    expect([await tryAnswer(scene.port), await tryAnswer(other)]).toEqual(['1.0.0', '7.0.0']);
  });
});
