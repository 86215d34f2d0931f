import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Status } from '../../../src/core/status/status-document.ts';
import { slowStart } from '../../support/flavours.ts';
import { createPublisher, untilReported } from '../../support/fleet.ts';
import { startHub } from '../../support/fleet-hub.ts';
import { startMachine } from '../../support/fleet-machine.ts';
import { eventually } from '../../support/poll.ts';
import { type InstalledProgram, useVersions, type Version } from '../../support/versions.ts';
import { createFleetScene, type FleetHost, type FleetScene, published, untilRunning } from './fleet-scene.ts';
import { assertCode, containersOf, createScene, statusOf, told } from './scene.ts';

const install = useVersions();

interface Programs {
  readonly hub: Version;
  readonly publisher: Version;
  readonly hosts: readonly Version[];
}

interface UpgradableScene extends FleetScene {
  readonly upgradeHub: () => Promise<void>;
  readonly buildServer: InstalledProgram;
  /** Stops the agent of this host and starts that of the other version. */
  readonly exchange: (host: number, version: Version) => Promise<void>;
}

const hostAt = (scene: FleetScene, at: number): FleetHost => {
  const host = scene.hosts[at];
  if (host === undefined) throw new Error(`no host ${String(at)}`);
  return host;
};

/** A hub, a build server and hosts, each of one of the versions. The first host is on this machine. */
const createNeighbours = async (programs: Programs): Promise<UpgradableScene> => {
  const hubProgram = await install(programs.hub);
  const hub = await startHub([], hubProgram.path);
  onTestFinished(async () => hub.remove());
  const buildServer = await install(programs.publisher);
  const publisher = await createPublisher(hub, buildServer.path);
  onTestFinished(async () => publisher.remove());
  const registryPort = Number(inject('registry').address.split(':')[1]);
  const machines = await Promise.all(
    programs.hosts.slice(1).map(async () => startMachine([registryPort, hub.port])),
  );
  for (const machine of machines) onTestFinished(async () => machine.remove());
  const hosts = await Promise.all(programs.hosts.map(install));
  const ground = { hub, publisher, machines, remove: async () => Promise.resolve() };
  const paths = hosts.map(({ path }) => path);
  const scene = await createFleetScene(ground, { hosts: hosts.length, programs: paths });
  const agents = scene.hosts.map(({ daemon }) => daemon);
  return {
    ...scene,
    buildServer,
    upgradeHub: async () => {
      await hub.kill();
      await hubProgram.install('new');
      await hub.start();
    },
    exchange: async (at, version) => {
      await agents[at]?.stop();
      await hosts[at]?.install(version);
      agents[at] = await hostAt(scene, at).agent();
    },
  };
};

const webOf = ({ services }: Status) => services.find(({ service }) => service === 'web');

const untilSays = async (scene: FleetScene, host: string, isSo: (status: Status) => boolean): Promise<void> =>
  untilReported(scene.hub, scene.environment, [host], isSo);

const pace = async ({ publisher, environment }: FleetScene, ...args: readonly string[]) =>
  publisher.run(['pace', environment, ...args, '--key', publisher.keyFile]);

const rollout = async ({ publisher, environment }: FleetScene) =>
  publisher.run(['rollout', 'status', environment]);

const untilFinished = async (scene: FleetScene, isSo: RegExp): Promise<void> => {
  await eventually(async () => isSo.test(told(await rollout(scene))), {
    describe: async () => `rollout status says ${String(isSo)}:\n${told(await rollout(scene))}`,
  });
};

const WAIT = ['--wait', '--timeout', '60s'];

describe('new hosts with an old hub', { timeout: 400_000 }, () => {
  it('work as before; one that has to take turns waits, names the hub, and goes on once the hub is upgraded', async () => {
    const scene = await createNeighbours({ hub: 'old', publisher: 'new', hosts: ['new', 'new'] });
    await scene.deploy('1.0.0');
    await scene.push('1.1.0');
    const waited = await scene.publish('web=1.1.0', ...WAIT);
    assertCode(waited, 0);
    await untilRunning(scene, ['web-1: web 1.1.0 running', 'web-2: web 1.1.0 running']);
    // The old hub takes the new members of a report.
    await untilSays(scene, 'web-1', ({ turns }) => turns?.store === 'unknown');

    const second = hostAt(scene, 1);
    await second.daemon.stop();
    await second.agent({ env: { SUPERCARGO_TURNS: 'always' } });
    await scene.push('1.2.0');
    assertCode(await scene.publish('web=1.2.0'), 0);
    await untilRunning(scene, ['web-1: web 1.2.0 running', 'web-2: web 1.1.0 running']);
    await untilSays(scene, 'web-2', (status) => webOf(status)?.reason === 'turn');
    const status = told(await second.run(['status']));
    expect(status).toContain(scene.hub.url);
    await scene.push('1.3.0');
    const warned = await scene.publish('web=1.3.0');
    assertCode(warned, 0);
    expect(told(warned)).toMatch(/1 host \(web-2\) would never get a turn/);
    await untilRunning(scene, ['web-1: web 1.3.0 running', 'web-2: web 1.1.0 running']);

    await scene.upgradeHub();
    // Hosts ask again after a minute, and the hub waits for the next report of each host.
    await untilRunning(scene, ['web-1: web 1.3.0 running', 'web-2: web 1.3.0 running'], 200_000);
  });
});

describe('an old host with a new hub', () => {
  it('works as before, refuses a pace and keeps what it runs, holds no other host up, and takes its turn once upgraded', async () => {
    const scene = await createNeighbours({ hub: 'new', publisher: 'new', hosts: ['new', 'old'] });
    await scene.deploy('1.0.0');
    await scene.push('1.1.0');
    assertCode(await scene.publish('web=1.1.0', ...WAIT), 0);

    const refused = await pace(scene, '--max-parallel', '1');
    assertCode(refused, 1);
    expect(refused.stderr).toMatch(/1 host \(web-2 with .*\) is too old for a pace/);
    expect(await published(scene)).toMatchObject({ serial: 2 });
    assertCode(await pace(scene, '--max-parallel', '1', '--anyway'), 0);

    await scene.push('1.2.0');
    const waited = await scene.publish('web=1.2.0', ...WAIT);
    assertCode(waited, 0);
    expect(waited.stdout).toMatch(/^Done: serial 4 \(web 1\.2\.0\) is finished: 1 of 2 hosts run it\.$/m);
    expect(await scene.running()).toEqual(['web-1: web 1.2.0 running', 'web-2: web 1.1.0 running']);
    expect(told(await rollout(scene))).toMatch(/1 of 2 good · 1 excused\n *excused: agent too old: web-2$/m);
    await untilSays(scene, 'web-2', ({ manifest }) => manifest.state === 'rejected');

    await scene.exchange(1, 'new');
    await untilRunning(scene, ['web-1: web 1.2.0 running', 'web-2: web 1.2.0 running']);
    await untilFinished(scene, /2 of 2 good/);
    const asJson = await scene.publisher.run(['rollout', 'status', scene.environment, '--json']);
    const { audit } = asJson.json() as { audit: readonly { what: string; host: string | null }[] };
    expect(audit.filter(({ what }) => what === 'granted').map(({ host }) => host)).toEqual([
      'web-2',
      'web-1',
    ]);
  });
});

describe('an old publisher with new hosts', () => {
  it('works as before without a pace; with one it is refused, and no host goes back', async () => {
    const scene = await createNeighbours({ hub: 'new', publisher: 'old', hosts: ['new'] });
    await scene.deploy('1.0.0');
    await scene.push('1.1.0');
    assertCode(await scene.publish('web=1.1.0', ...WAIT), 0);
    await scene.buildServer.install('new');
    assertCode(await pace(scene, '--max-parallel', '1'), 0);
    await scene.push('1.2.0');
    assertCode(await scene.publish('web=1.2.0', ...WAIT), 0);

    await scene.buildServer.install('old');
    const { ref } = await scene.push('1.0.0', undefined, 'api');
    const unnamed = await scene.publish(`api=${ref}`);
    assertCode(unnamed, 1);
    expect(unnamed.stderr).toMatch(/hosts have serial 4 \(web-1\)[\s\S]*would take these back: web 1\.1\.0/);
    // What that message advises, and what names each service that would go back.
    for (const args of [[`api=${ref}`, '--base', '2'], ['web=1.1.0'], ['--retry', 'web', '--base', '2']]) {
      const refused = await scene.publish(...args);
      assertCode(refused, 1);
      expect(refused.stderr).toMatch(/this publisher cannot read it[\s\S]*→ upgrade this publisher/);
    }
    expect(await published(scene)).toMatchObject({ serial: 4 });
    expect(await scene.running()).toEqual(['web-1: web 1.2.0 running']);
  });
});

describe('the state folder of a host', () => {
  it.each([
    ['before the new container', (seen: readonly string[]) => seen.length === 1],
    ['once the new container exists', (seen: readonly string[]) => seen.length === 2],
    ['while the new container is judged', (seen: readonly string[]) => seen.includes('1.1.0 running')],
  ])('of an old agent that was killed %s is what the new one goes on with', async (_when, isReached) => {
    const program = await install('old');
    const scene = await createScene({ program: program.path });
    await scene.compose(scene.web());
    await scene.publish({ web: (await scene.push('1.0.0')).pinned });
    const agent = await scene.agent();
    const isConverged = async (version: string): Promise<boolean> =>
      (await scene.run(['status'])).code === 0 && (await containersOf(scene))[0]?.version === version;
    const converged = async (version: string) =>
      eventually(async () => isConverged(version), {
        describe: async () => told(await scene.run(['status'])),
      });
    await converged('1.0.0');
    await scene.publish({ web: (await scene.push('1.1.0', slowStart(1))).pinned });
    await eventually(
      async () => isReached((await containersOf(scene)).map((c) => `${c.version} ${c.state}`)),
      { everyMs: 1, describe: async () => told(await scene.run(['status'])) },
    );
    await agent.kill();
    await program.install('new');
    await scene.agent();
    await converged('1.1.0');
    expect(await containersOf(scene)).toMatchObject([{ version: '1.1.0', restart: 'unless-stopped' }]);
  });

  it('with a manifest with a pace and all new members is opened by the old agent, which keeps what runs', async () => {
    const scene = await createNeighbours({ hub: 'new', publisher: 'new', hosts: ['new'] });
    await scene.deploy('1.0.0');
    assertCode(await pace(scene, '--max-parallel', '1'), 0);
    await scene.push('1.1.0');
    assertCode(await scene.publish('web=1.1.0', ...WAIT), 0);
    const host = hostAt(scene, 0);
    assertCode(await host.run(['switch-now', '--reason', 'test']), 0);
    const before = await containersOf(host);

    await scene.exchange(0, 'old');
    await eventually(
      async () => {
        const { manifest, services } = (await statusOf(host)).status;
        const isKept = services[0]?.outcome === 'converged' && manifest.serial === 3;
        return isKept && /pace is not a known key/.test(manifest.rejection?.message ?? '');
      },
      { describe: async () => `it keeps serial 3:\n${told(await host.run(['status']))}` },
    );
    expect(await containersOf(host)).toEqual(before);
    // It repairs what it runs.
    await host.docker.getContainer(before[0]?.id ?? '').remove({ force: true });
    await untilRunning(scene, ['web-1: web 1.1.0 running']);

    await scene.exchange(0, 'new');
    await scene.push('1.2.0');
    assertCode(await scene.publish('web=1.2.0', ...WAIT), 0);
    expect(await scene.running()).toEqual(['web-1: web 1.2.0 running']);
  });
});
