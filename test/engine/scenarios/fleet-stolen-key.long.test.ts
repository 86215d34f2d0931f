import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flavours } from '../../support/flavours.ts';
import { untilReported } from '../../support/fleet.ts';
import type { CliResult } from '../../support/host.ts';
import {
  createFleetScene,
  type FleetHost,
  type FleetScene,
  type Ground,
  prepareGround,
  untilRunning,
} from './fleet-scene.ts';
import { assertCode, told } from './scene.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround(1);
  const { publisher } = ground;
  assertCode(await publisher.run(['keygen', 'release', '--out', join(publisher.folder, 'other')]), 0);
});
afterAll(async () => {
  await ground.remove();
});

/** The commands of docs/OPERATIONS.md, "A stolen key", as they are written there. */
const documented = async (): Promise<readonly string[]> => {
  const path = join(import.meta.dirname, '..', '..', '..', 'docs', 'OPERATIONS.md');
  const [, section = ''] = /### A stolen key\n([\s\S]*?)\n## /.exec(await readFile(path, 'utf8')) ?? [];
  return [...section.matchAll(/^ *(supercargo publish .*)$/gm)].map(([, command = '']) => command);
};

interface Theft {
  readonly scene: FleetScene;
  readonly releaseKey: string;
  /** The trust file without the stolen key, of the next epoch. */
  readonly trust: string;
  readonly giveTo: (...hosts: readonly FleetHost[]) => Promise<void>;
  /** One of the commands, with the names of this test. */
  readonly run: (command: string) => Promise<CliResult>;
}

/** Serial 1 is good; with the stolen key and the publish token the thief has chosen an old version in serial 2. */
const afterTheft = async (hosts: number): Promise<Theft> => {
  const { hub, publisher } = ground;
  const hubTrust = join(hub.dataDir, 'trust.json');
  await writeFile(hubTrust, publisher.trust);
  const scene = await createFleetScene(ground, { hosts });
  const { environment } = scene;
  for (const tag of ['0.9.0', '1.2.2', '1.2.3']) await scene.push(tag);
  await scene.push('7', flavours.web, 'api');
  const [web, api] = [scene.repository(), scene.repository('api')];
  assertCode(await scene.publish(`web=${web}:1.2.2`, `api=${api}:7`, '--wait', '--timeout', '60s'), 0);
  assertCode(await scene.publish('web=0.9.0', '--wait', '--timeout', '60s'), 0);
  const other = join(publisher.folder, 'other');
  const written = JSON.parse(await readFile(join(other, 'trust.json'), 'utf8')) as object;
  const trust = JSON.stringify({ ...written, epoch: 2 });
  await writeFile(join(other, 'trust-2.json'), trust);
  await writeFile(hubTrust, trust);
  const releaseKey = join(other, 'release.key');
  return {
    scene,
    releaseKey,
    trust,
    giveTo: async (...reached) => {
      for (const host of reached) await writeFile(host.trustFile, trust);
      await untilReported(
        hub,
        environment,
        reached.map(({ name }) => name),
        ({ manifest }) => manifest.state === 'rejected',
      );
    },
    run: async (command) =>
      publisher.run(
        command
          .replaceAll('registry.example.com/org', web.replace(/\/web$/, ''))
          .replace('production', environment)
          .replace('release.key', releaseKey)
          .replace('trust.json', join(other, 'trust-2.json'))
          .replace('--base 417', '--base 1')
          .trim()
          .split(/ +/)
          .slice(1),
      ),
  };
};

const publishedIn = async ({ hub, environment }: FleetScene): Promise<Record<string, string>> => {
  const { payload } = JSON.parse((await hub.read(`manifests/${environment}.json`)) ?? '{}') as {
    payload: string;
  };
  const { services } = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
    services: Record<string, { image: string }>;
  };
  return Object.fromEntries(
    Object.entries(services).map(([name, { image }]) => [name, /:([^:/@]+)@/.exec(image)?.[1] ?? '']),
  );
};

describe('after a key was stolen, what OPERATIONS.md says', () => {
  it.each([
    ['to take over what is published', 1],
    ['to take over a serial from before the theft', 2],
    ['to name every service anew', 3],
  ])('%s brings every host to the versions that were chosen, and shuts the thief out', async (_what, at) => {
    const [look = '', ...ways] = await documented();
    expect(ways).toHaveLength(3);
    const theft = await afterTheft(1);
    const { scene, giveTo, run, releaseKey } = theft;
    await giveTo(...scene.hosts);
    expect(await scene.running()).toEqual(['web-1: web 0.9.0 running']);

    // Nothing of the thief's is signed unseen, and nobody is told to trust that key again.
    const unseen = await run(look.replace('--adopt-unverified', '').replace(' --dry-run', ''));
    assertCode(unseen, 1);
    expect(unseen.stderr).toMatch(/not signed by a known key.*api 7[\s\S]*→ .*--adopt-unverified/);
    const shown = await run(look);
    assertCode(shown, 0);
    expect(shown.stdout).toMatch(/web +0\.9\.0 → 1\.2\.3[\s\S]*api: \S+:7@sha256:\S+ is taken over/);

    assertCode(await run(ways[at - 1] ?? ''), 0);
    expect(await scene.running()).toEqual(['web-1: web 1.2.3 running']);
    expect(await publishedIn(scene)).toEqual({ web: '1.2.3', api: '7' });
    const { manifest } = (await scene.hub.reports(scene.environment))['web-1'] ?? {};
    expect(manifest).toMatchObject({ serial: 3, epoch: 2, state: 'accepted' });

    const thief = await scene.publish('web=0.9.0', '--adopt-unverified');
    assertCode(thief, 1);
    expect(told(thief)).toMatch(/422, .*signatures/);
    const next = ['publish', scene.environment, 'web=1.2.2', '--wait', '--key', releaseKey];
    assertCode(await scene.publisher.run(next), 0);
    expect(await scene.running()).toEqual(['web-1: web 1.2.2 running']);
  });

  it('reaches a host later whose trust file comes later', async () => {
    const [, way = ''] = await documented();
    const { scene, trust, giveTo, run } = await afterTheft(2);
    const [reached, late] = scene.hosts;
    if (!reached || !late) throw new Error('there are no hosts');
    await giveTo(reached);
    assertCode(await run(way.replace('--wait', '')), 0);
    await untilRunning(scene, ['web-1: web 1.2.3 running', 'web-2: web 0.9.0 running']);
    await untilReported(
      scene.hub,
      scene.environment,
      ['web-2'],
      ({ manifest }) => manifest.rejection?.reason === 'signature' && manifest.serial === 2,
    );
    await writeFile(late.trustFile, trust);
    const everywhere = ['web-1: web 1.2.3 running', 'web-2: web 1.2.3 running'];
    await untilRunning(scene, everywhere);
    expect(await scene.running()).toEqual(everywhere);
  });
});
