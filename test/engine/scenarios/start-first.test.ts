import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { type Flavour, flavours } from '../../support/flavours.ts';
import { runForeign } from '../../support/foreign.ts';
import { serversOf } from '../../support/load-edge.ts';
import { failuresOf, type LoadReport, NO_FAILURES } from '../../support/load.ts';
import { dyingApp, loadApp } from '../../support/load-app.ts';
import { freePort } from '../../support/ports.ts';
import {
  assertCode,
  containersOf,
  createScene,
  loadImage,
  type Scene,
  service,
  statusOf,
  told,
} from './scene.ts';
import {
  appsOf,
  behindEdge,
  createEdgeScene,
  deployedBehindEdge,
  DRAIN_MS,
  historyOf,
  loadFromBothSides,
  publishApp,
  type StartFirstOptions,
} from './start-first-scene.ts';

/** When servers were taken out of rotation, in milliseconds since 1970. */
const drainsOf = async (scene: Scene): Promise<readonly number[]> =>
  (await historyOf(scene))
    .filter(({ event, to }) => event === 'server.changed' && to === 'drain')
    .map(({ at }) => Date.parse(at));

/** A candidate that is given up, under load. */
const deployBad = async (
  flavour: Flavour,
  reason: string,
  options?: StartFirstOptions,
): Promise<LoadReport> => {
  const scene = await createEdgeScene();
  await deployedBehindEdge(scene, behindEdge(scene, options));
  const before = await appsOf(scene);
  const load = await loadFromBothSides(scene.port);
  await publishApp(scene, '1.1.0', flavour);
  assertCode(await scene.once(), 3);
  const report = await load.stop();
  expect(await appsOf(scene)).toEqual(before);
  expect(await tryAnswer(scene.port)).toBe('1.0.0');
  const { code, status } = await statusOf(scene);
  expect({ code, service: status.services[0] }).toMatchObject({
    code: 3,
    service: { service: 'web', outcome: 'rolled-back', failure: { reason } },
  });
  return report;
};

const isPost = (failure: string): boolean => failure.includes('POST');

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

  it.each<readonly [string, Flavour, string, StartFirstOptions]>([
    ['ends at once', flavours.crash, 'crashed', {}],
    ['is never healthy', flavours.neverHealthy, 'unhealthy', { healthyWithin: '6s' }],
  ])('loses no request to a candidate that %s: it is quarantined, the old one serves', async (...row) => {
    const [, flavour, reason, options] = row;
    const report = await deployBad(flavour, reason, options);
    expect(failuresOf(report)).toEqual(NO_FAILURES);
    expect(Object.keys(report.answers)).toEqual(['1.0.0']);
  });

  it('loses nothing to a candidate that dies while it is watched, but what nobody may repeat', async () => {
    const report = await deployBad(dyingApp, 'crashed', { replicas: 1, monitorMs: 3_000 });
    expect(Object.keys(report.answers)).toEqual(['1.0.0', '1.1.0']);
    expect(report.failed.filter((failure) => !isPost(failure))).toEqual([]);
    // Two clients on each side send POST, one request at a time: the one that the app had when it died is lost.
    expect(report.failed.filter(isPost).length).toBeLessThanOrEqual(4);
  });
});

describe('a reboot while no agent runs', () => {
  it('never lets a port answer for another service, whatever comes back first; then a deploy of one touches no other', async () => {
    const scene = await createEdgeScene();
    const otherPort = await freePort();
    const images = {
      web: await scene.push('1.0.0', loadApp),
      api: await scene.push('2.0.0', loadApp, 'api'),
    };
    const rest = service('api', [
      `image: ${scene.repository('api')}`,
      'restart: always',
      ...behindEdge(scene, { port: otherPort }),
    ]);
    await scene.compose(scene.web(behindEdge(scene), rest));
    await scene.publish({ web: images.web.pinned, api: images.api.pinned });
    assertCode(await scene.once(), 0);
    const label = [`io.supercargo.environment=${scene.environment}`];
    const listed = await scene.docker.listContainers({ filters: { label } });
    const all = listed.map(({ Id }) => scene.docker.getContainer(Id));
    const seen = new Set<string>();
    const look = async (): Promise<void> => {
      seen.add(`web ${(await tryAnswer(scene.port)) ?? '-'}`);
      seen.add(`api ${(await tryAnswer(otherPort)) ?? '-'}`);
    };
    for (const order of [all, all.toReversed(), [...all.slice(2), ...all.slice(0, 2)]]) {
      await Promise.all(all.map(async (container) => container.kill()));
      for (const container of order) {
        await container.start();
        await look();
      }
    }
    assertCode(await scene.once(), 0);
    await look();
    const others = async (): Promise<unknown> => ({
      containers: (await containersOf(scene)).filter((c) => c.service !== 'web'),
      // Without what the edge's checks say: they come and go by themselves.
      servers: (await serversOf(scene))
        .filter((server) => server.backend !== 'web:8888')
        .map(({ backend, name, address, port, admin }) => [backend, name, address, port, admin].join(' ')),
    });
    const before = await others();
    const next = await scene.push('1.1.0', loadApp);
    await scene.publish({ web: next.pinned, api: images.api.pinned });
    assertCode(await scene.once(), 0);
    expect(await others()).toEqual(before);
    expect([...seen].filter((answer) => !answer.endsWith('-')).toSorted()).toEqual([
      'api 2.0.0',
      'web 1.0.0',
    ]);
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
