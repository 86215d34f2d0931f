import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { flavours } from '../../support/flavours.ts';
import { runForeign } from '../../support/foreign.ts';
import { failuresOf, NO_FAILURES } from '../../support/load.ts';
import { assertCode, createScene, loadImage, type Scene, told } from './scene.ts';
import {
  appsOf,
  behindEdge,
  createEdgeScene,
  deployBad,
  deployedBehindEdge,
  DRAIN_MS,
  historyOf,
  loadFromBothSides,
  publishApp,
} from './start-first-scene.ts';

/** When servers were taken out of rotation, in milliseconds since 1970. */
const drainsOf = async (scene: Scene): Promise<readonly number[]> =>
  (await historyOf(scene))
    .filter(({ event, to }) => event === 'server.changed' && to === 'drain')
    .map(({ at }) => Date.parse(at));

describe('a deploy of start-first under mixed load from two networks', () => {
  it('loses no request, and cuts open streams at the drain deadline, not before', async () => {
    const scene = await createEdgeScene();
    await deployedBehindEdge(scene);
    const load = await loadFromBothSides(scene.port);
    for (const tag of ['1.1.0', '1.2.0']) {
      await publishApp(scene, tag);
      assertCode(await scene.once(), 0);
    }
    const report = await load.stop();
    expect(failuresOf(report)).toEqual(NO_FAILURES);
    expect(Object.keys(report.answers)).toEqual(['1.0.0', '1.1.0', '1.2.0']);
    const drains = await drainsOf(scene);
    // Two kinds of stream from two networks, in each of two deploys.
    const cuts = report.cuts.filter(({ bytes }) => bytes > 0);
    expect(cuts).toHaveLength(8);
    expect(report.cuts).toHaveLength(8);
    for (const { cutMs } of cuts) {
      const lastMs = Math.max(...drains.filter((atMs) => atMs < cutMs));
      expect(cutMs - lastMs).toBeGreaterThanOrEqual(DRAIN_MS);
    }
    expect(await appsOf(scene)).toEqual(['web 1.2.0 running', 'web 1.2.0 running']);
  });

  it('loses no request to a candidate that ends at once: it is quarantined, the old one serves', async () => {
    const report = await deployBad(flavours.crash, 'crashed');
    expect(failuresOf(report)).toEqual(NO_FAILURES);
    expect(Object.keys(report.answers)).toEqual(['1.0.0']);
  });
});

const prepared = async (): Promise<Scene> => {
  const scene = await createEdgeScene();
  await scene.compose(scene.web(behindEdge(scene)));
  await publishApp(scene, '1.0.0');
  return scene;
};

describe('a port that somebody else has', () => {
  it('is blocked, and a container is named', async () => {
    const scene = await prepared();
    const name = `${scene.environment}-holder`;
    const image = `supercargo-${scene.environment}:holder`;
    await loadImage(scene.docker, [image], '9.0.0', flavours.web);
    await runForeign(scene.docker, scene.environment, { name, image, ports: { '8888/tcp': scene.port } });
    const once = await scene.once();
    expect(once.code).toBe(3);
    expect(told(once)).toContain(`port ${String(scene.port)}/tcp is taken by the foreign container ${name}`);
    await scene.docker.getContainer(name).remove({ force: true });
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });

  it('is blocked, and a program is told by its user; free again, it is taken', async () => {
    const scene = await prepared();
    const server = createServer().listen(scene.port, '0.0.0.0');
    onTestFinished(() => void server.close());
    const once = await scene.once();
    expect(once.code).toBe(3);
    expect(told(once)).toMatch(
      new RegExp(`port ${String(scene.port)}/tcp is taken by another program of this host \\(user id 0\\)`),
    );
    await new Promise((resolve) => server.close(resolve));
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });

  it('has no edge where no service is start-first', async () => {
    const scene = await createScene();
    await scene.compose(scene.web());
    await publishApp(scene, '1.0.0', flavours.healthy);
    assertCode(await scene.once(), 0);
    expect(await appsOf(scene)).toEqual(['web 1.0.0 running']);
  });
});
