import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { serversOf } from '../../support/load-edge.ts';
import { loadApp } from '../../support/load-app.ts';
import { freePort } from '../../support/ports.ts';
import { assertCode, containersOf, service } from './scene.ts';
import { behindEdge, createEdgeScene } from './start-first-scene.ts';

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
