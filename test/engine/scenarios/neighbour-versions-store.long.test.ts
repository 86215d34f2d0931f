import { randomBytes } from 'node:crypto';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createPublisher } from '../../support/fleet.ts';
import { startHub } from '../../support/fleet-hub.ts';
import { flavours } from '../../support/flavours.ts';
import type { CliResult } from '../../support/host.ts';
import { createImagePusher } from '../../support/images.ts';
import { useVersions, type Version } from '../../support/versions.ts';
import { assertCode, told } from './scene.ts';

const install = useVersions();

const { push } = createImagePusher();

/** A hub and a build server whose programs can be exchanged; images `web` and `api` of versions 1 to 3. */
const createScene = async (hubVersion: Version) => {
  const environment = `n${randomBytes(4).toString('hex')}`;
  const hubProgram = await install(hubVersion);
  const buildServer = await install('new');
  const hub = await startHub([], hubProgram.path);
  onTestFinished(async () => hub.remove());
  const publisher = await createPublisher(hub, buildServer.path);
  onTestFinished(async () => publisher.remove());
  const registry = inject('registry');
  for (const service of ['web', 'api'])
    for (const tag of ['1', '2', '3'])
      await push(registry, `${environment}/${service}`, tag, flavours.healthy);
  /** The command line of one version. `publish` and `pace` get the key. */
  const run = async (version: Version, command: string, ...args: readonly string[]): Promise<CliResult> => {
    await buildServer.install(version);
    return publisher.run([command, environment, ...args]);
  };
  const signed = async (version: Version, command: string, ...args: readonly string[]) =>
    run(version, command, ...args, '--key', publisher.keyFile);
  const manifest = async (): Promise<Manifest> => {
    const { payload } = JSON.parse((await hub.read(`manifests/${environment}.json`)) ?? '{}') as Envelope;
    return JSON.parse(Buffer.from(payload, 'base64').toString()) as Manifest;
  };
  return {
    run,
    signed,
    /** `rollout status` of the new version. */
    rollout: async (): Promise<CliResult> => {
      await buildServer.install('new');
      return publisher.run(['rollout', 'status', environment]);
    },
    /** `serial web api`, and `pace` if the manifest has one. */
    current: async (): Promise<string> => {
      const { serial, services, pace } = await manifest();
      const tagOf = (name: string): string => /:(\d)@/.exec(services[name]?.image ?? '')?.[1] ?? '-';
      return [serial, tagOf('web'), tagOf('api'), ...(pace ? ['pace'] : [])].join(' ');
    },
    first: async (version: Version): Promise<void> => {
      const images = ['web', 'api'].map((name) => `${name}=${registry.address}/${environment}/${name}:1`);
      assertCode(await signed(version, 'publish', ...images, '--create'), 0);
    },
    restartAs: async (version: Version): Promise<void> => {
      await hub.kill();
      await hubProgram.install(version);
      await hub.start();
    },
  };
};

interface Envelope {
  readonly payload: string;
}
interface Manifest {
  readonly serial: number;
  readonly services: Readonly<Record<string, { readonly image: string }>>;
  readonly pace?: object;
}

const PACE = ['--max-parallel', '1'];

describe('without a pace', () => {
  it.each<Version>(['old', 'new'])('the %s hub takes what both publishers publish in turn', async (hub) => {
    const { first, signed, current, run } = await createScene(hub);
    await first('old');
    assertCode(await signed('new', 'publish', 'web=2'), 0);
    assertCode(await signed('old', 'publish', 'api=2'), 0);
    expect(await current()).toBe('3 2 2');
    assertCode(await signed('new', 'rollback'), 0);
    expect(await current()).toBe('4 2 1');
    assertCode(await signed('old', 'rollback', '--to-serial', '1'), 0);
    expect(await current()).toBe('5 1 1');
    for (const version of ['old', 'new'] as const)
      expect((await run(version, 'fleet')).stdout).toMatch(/serial 5, .*no host has reported/);
  });
});

describe('a first pace', () => {
  it('is refused for an old hub, which gives no turns, and is taken once that is upgraded', async () => {
    const { first, signed, current, rollout, restartAs } = await createScene('old');
    await first('new');
    const refused = await signed('new', 'pace', ...PACE);
    assertCode(refused, 1);
    expect(refused.stderr).toMatch(/hands out no turns[\s\S]*→ publish to a hub of this version/);
    // Both versions publish as before.
    assertCode(await signed('old', 'publish', 'web=2'), 0);
    expect(await current()).toBe('2 2 1');
    expect(told(await rollout())).toMatch(/hands out no turns/);
    await restartAs('new');
    expect(await current()).toBe('2 2 1');
    assertCode(await signed('new', 'pace', ...PACE), 0);
    expect(await current()).toBe('3 2 1 pace');
  });
});

describe('an old publisher, where a new one has set a pace,', () => {
  it('is refused whatever it builds upon, until the pace has ended', async () => {
    const { first, signed, current } = await createScene('new');
    await first('old');
    assertCode(await signed('old', 'publish', 'api=2'), 0);
    assertCode(await signed('new', 'pace', ...PACE), 0);
    assertCode(await signed('new', 'publish', 'web=2'), 0);
    for (const words of ['publish web=3', 'publish web=3 --base 1', 'rollback', 'rollback --to-serial 1']) {
      const [command = '', ...args] = words.split(' ');
      const refused = await signed('old', command, ...args);
      assertCode(refused, 1);
      expect(refused.stderr).toMatch(/409, .*this publisher cannot read it[\s\S]*→ upgrade this publisher/);
    }
    expect(await current()).toBe('4 2 2 pace');
    const promoted = await signed('old', 'promote', 'production', '--create');
    assertCode(promoted, 1);
    expect(promoted.stderr).toMatch(/this publisher cannot read it/);

    assertCode(await signed('new', 'pace', '--none', '--anyway'), 0);
    assertCode(await signed('old', 'publish', 'web=3'), 0);
    expect(await current()).toBe('6 3 2');
  });
});

describe('the folder of a hub', () => {
  it('of the old version is what the new one goes on with', async () => {
    const { first, signed, current, rollout, restartAs } = await createScene('old');
    await first('old');
    assertCode(await signed('old', 'publish', 'web=2'), 0);
    await restartAs('new');
    expect(await current()).toBe('2 2 1');
    assertCode(await signed('old', 'publish', 'web=3'), 0);
    assertCode(await signed('new', 'pace', ...PACE), 0);
    assertCode(await signed('new', 'publish', 'api=2'), 0);
    const status = await rollout();
    expect(told(status)).toMatch(/serial 5 \(api 2\)/);
  });

  it('with a pace serves from the old version what came before the pace, and is whole again with the new one', async () => {
    const { first, signed, current, rollout, restartAs } = await createScene('new');
    await first('new');
    assertCode(await signed('new', 'pace', ...PACE), 0);
    assertCode(await signed('new', 'publish', 'web=2'), 0);
    assertCode(await rollout(), 2);
    await restartAs('old');
    // Hosts refuse it: they have seen a higher serial.
    expect(await current()).toBe('1 1 1');
    const refused = await signed('new', 'publish', 'api=2');
    assertCode(refused, 1);
    expect(refused.stderr).toMatch(/hands out no turns[\s\S]*end the pace: supercargo pace/);
    await restartAs('new');
    expect(await current()).toBe('3 2 1 pace');
    expect(told(await rollout())).toMatch(/serial 3 \(web 2\)/);

    // The way back: once the pace has ended, the old version serves the newest manifest.
    assertCode(await signed('new', 'pace', '--none', '--anyway'), 0);
    await restartAs('old');
    expect(await current()).toBe('4 2 1');
    assertCode(await signed('old', 'publish', 'web=3'), 0);
    expect(await current()).toBe('5 3 1');
  });
});
