import { randomInt } from 'node:crypto';
import { once as emitted } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { runForeign } from '../../support/foreign.ts';
import { arePutBack, type Drift } from './drift-scene.ts';
import { assertCode, createScene, deployed, everything, onlyContainer } from './scene.ts';

const DRIFTS: readonly Drift[] = [
  {
    what: 'removed',
    make: (c) => c.remove({ force: true }),
    plan: /create [\s\S]*start /,
    keeps: 'nothing',
  },
  { what: 'stopped', make: (c) => c.stop(), plan: /start .*it was stopped/, keeps: 'container' },
  { what: 'paused', make: (c) => c.pause(), plan: /unpause .*paused by hand/, keeps: 'process' },
  {
    what: 'given another restart policy',
    make: (c) => c.update({ RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } }),
    plan: /arm .*put back what was changed by hand/,
    keeps: 'process',
  },
  {
    what: 'taken off its network',
    make: (c, { docker, environment }) =>
      docker.getNetwork(`${environment}_default`).disconnect({ Container: c.id, Force: true }),
    plan: /connect .*_default/,
    keeps: 'process',
  },
  {
    what: 'taken off its network and put back without its names',
    make: async (c, { docker, environment }) => {
      const network = docker.getNetwork(`${environment}_default`);
      await network.disconnect({ Container: c.id, Force: true });
      await network.connect({ Container: c.id });
    },
    plan: /rejoin .*_default.*put back what was changed by hand/,
    keeps: 'process',
  },
];

describe('a container whose address another one took while it was off its network', () => {
  it('is not converged, and has it back once that one is gone', async () => {
    const scene = await createScene();
    const network = `${scene.environment}_back`;
    const subnet = `10.${String(randomInt(64, 200))}.${String(randomInt(256))}`;
    await deployed(
      scene,
      [scene.ports, `networks: { back: { ipv4_address: ${subnet}.9 } }`],
      `networks: { back: { ipam: { config: [{ subnet: ${subnet}.0/24 }] } } }\n`,
    );
    const { id } = await onlyContainer(scene);
    await scene.docker.getNetwork(network).disconnect({ Container: id, Force: true });
    const thief = await scene.docker.createContainer({
      Image: (await scene.docker.getContainer(id).inspect()).Image,
      NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: `${subnet}.9` } } } },
    });
    onTestFinished(async () => thief.remove({ force: true }).catch(() => undefined));
    await thief.start();
    const taken = await scene.once();
    expect(taken.code).not.toBe(0);
    expect(taken.stdout).toMatch(/Address already in use/);
    await thief.remove({ force: true });
    await scene.run(['retry', 'web']);
    assertCode(await scene.once(), 0);
    const { NetworkSettings } = await scene.docker.getContainer(id).inspect();
    expect(NetworkSettings.Networks[network]?.IPAddress).toBe(`${subnet}.9`);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });
});

describe('a container whose port another program took while it was off its network', () => {
  it('is not converged and runs on, and has its port back once that program is gone', async () => {
    const scene = await createScene();
    await deployed(scene);
    const { id } = await onlyContainer(scene);
    const network = scene.docker.getNetwork(`${scene.environment}_default`);
    await network.disconnect({ Container: id, Force: true });
    const thief = createServer((socket) => socket.destroy()).listen(scene.port);
    onTestFinished(() => void thief.close());
    await emitted(thief, 'listening');
    const isBlocked = async (): Promise<void> => {
      const taken = await scene.once();
      expect(taken.code).toBe(3);
      expect(taken.stdout).toMatch(
        new RegExp(`web +blocked[\\s\\S]*${String(scene.port)}: bind: address already`),
      );
      expect(await onlyContainer(scene)).toMatchObject({ id, state: 'running' });
    };
    await isBlocked();
    await isBlocked();
    thief.close();
    await emitted(thief, 'close');
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    expect(await onlyContainer(scene)).toMatchObject({ state: 'running', restart: 'unless-stopped' });
    expect((await scene.run(['plan'])).stdout).toBe('web: converged\n');
  });
});

describe('a container that somebody', () => {
  it(`${DRIFTS.map(({ what }) => what).join(', ')} by hand is put back`, async () => {
    expect.hasAssertions();
    await arePutBack(DRIFTS);
  }, 300_000);

  it('removed together with its network and its image comes back', async () => {
    const scene = await createScene();
    const image = await deployed(scene);
    const { id } = await onlyContainer(scene);
    await scene.docker.getContainer(id).remove({ force: true });
    await scene.docker.getNetwork(`${scene.environment}_default`).remove();
    await scene.docker.getImage(image.imageId).remove({ force: true });
    const once = await scene.once();
    assertCode(once, 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });
});

describe('invariant 2: what is not of this environment', () => {
  it('is never changed: foreign containers, networks, volumes and images beside a deploy, a repair and a clean-up', async () => {
    const scene = await createScene();
    const neighbour = await createScene();
    await deployed(neighbour);
    const image = await deployed(scene);
    const { docker, environment } = scene;
    const foreign = await runForeign(docker, environment, {
      name: `${environment}-foreign`,
      image: image.ref,
      restart: 'always',
    });
    const network = await docker.createNetwork({ Name: `${environment}-foreign` });
    const volume = docker.getVolume(`${environment}-foreign`);
    await docker.createVolume({ Name: volume.name });
    try {
      const seen = async (): Promise<unknown> => {
        const { State, Name, HostConfig } = await foreign.inspect();
        return {
          foreign: { state: State.StartedAt, Name, restart: HostConfig.RestartPolicy },
          network: (await network.inspect()) as unknown,
          volume: await volume.inspect(),
          neighbour: await everything(neighbour),
        };
      };
      const before = await seen();
      for (const version of ['1.1.0', '1.2.0', '1.3.0']) {
        await scene.publish({ web: (await scene.push(version)).pinned });
        expect((await scene.once({ SUPERCARGO_KEEP_RELEASES: '1' })).code).toBe(0);
      }
      await docker.getContainer((await onlyContainer(scene)).id).remove({ force: true });
      expect((await scene.once()).code).toBe(0);
      expect(await seen()).toEqual(before);
    } finally {
      await foreign.remove({ force: true });
      await network.remove();
      await volume.remove();
    }
  });
});
