import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { edgesOf } from '../../support/load-edge.ts';
import { loadApp } from '../../support/load-app.ts';
import { failuresOf, NO_FAILURES } from '../../support/load.ts';
import { freePort } from '../../support/ports.ts';
import { assertCode, type Scene, service } from './scene.ts';
import {
  appsOf,
  createEdgeScene,
  deployedBehindEdge,
  loadFromBothSides,
  publishApp,
} from './start-first-scene.ts';

const stopFirst = (port: number): readonly string[] => [
  `ports: ["${String(port)}:8888"]`,
  'deploy: {update_config: {monitor: 500ms}}',
  'x-supercargo: {drain: 1s, healthy-within: 60s}',
];
/** An edge whose image is none takes all of the time. */
const startFirst = (port: number): readonly string[] => [
  `ports: ["${String(port)}:8888"]`,
  'deploy: {update_config: {order: start-first, monitor: 500ms}}',
  'x-supercargo: {drain: 1s, healthy-within: 6s}',
];

const deployed = async (scene: Scene): Promise<string> => {
  const image = await scene.push('1.0.0', loadApp);
  await scene.compose(scene.web(stopFirst(scene.port)));
  await scene.publish({ web: image.pinned });
  assertCode(await scene.once(), 0);
  return image.pinned;
};

describe('an edge image that is none', () => {
  it.each(['host', 'publish'])('takes no port from the container that serves: %s mode', async (mode) => {
    const scene = await createEdgeScene({ env: { SUPERCARGO_EDGE_MODE: mode } });
    const image = await deployed(scene);
    await scene.compose(scene.web(startFirst(scene.port)));
    const load = await loadFromBothSides(scene.port);
    const once = await scene.once({ SUPERCARGO_EDGE_IMAGE: image });
    const report = await load.stop();
    expect(once.code).toBeGreaterThan(1);
    expect(once.stdout).toMatch(/SUPERCARGO_EDGE_IMAGE|haproxy/);
    expect(failuresOf(report)).toEqual(NO_FAILURES);
    expect(await appsOf(scene)).toContain('web 1.0.0 running');
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    expect(await edgesOf(scene)).toHaveLength(1);
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
