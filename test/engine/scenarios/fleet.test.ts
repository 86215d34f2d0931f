import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../../src/core/status/status-document.ts';
import { flavours } from '../../support/flavours.ts';
import { eventually } from '../../support/poll.ts';
import {
  createFleetScene,
  everywhere,
  type Ground,
  prepareGround,
  published,
  stored,
  untilRunning,
} from './fleet-scene.ts';
import { canaryFraction } from './fleet-canary.ts';
import { assertCode, onlyContainer, told } from './scene.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround(2);
});
afterAll(async () => {
  await ground.remove();
});

const tellsService = (change: object) => (status: Status) =>
  status.services.some((service) =>
    Object.entries(change).every(([key, value]) =>
      Object.entries(service).some((e) => e[0] === key && e[1] === value),
    ),
  );

describe('three hosts of one environment', () => {
  it('run what is published, and the publish ends with 0 once all of them do', async () => {
    const scene = await createFleetScene(ground, { hosts: 3 });
    const { ref } = await scene.push('1.0.0');
    const first = await scene.publish(`web=${ref}`, '--wait', '--timeout', '60s');
    assertCode(first, 0);
    expect(await scene.running()).toEqual(everywhere('1.0.0'));
    for (const { name } of scene.hosts) expect(told(first)).toContain(name);

    await scene.push('1.1.0');
    assertCode(await scene.publish('web=1.1.0', '--wait', '--timeout', '60s'), 0);
    expect(await scene.running()).toEqual(everywhere('1.1.0'));
    expect(await published(scene)).toMatchObject({ serial: 2 });

    const fleet = await scene.publisher.run(['fleet', scene.environment]);
    assertCode(fleet, 0);
    for (const { name } of scene.hosts)
      expect(fleet.stdout).toMatch(new RegExp(`${name}.*1\\.1\\.0.*converged`));
  });

  it('fail together or one by one: the publish ends with 3, the reason and the last lines of the log', async () => {
    const scene = await createFleetScene(ground, { hosts: 3 });
    await scene.deploy('1.0.0');
    await scene.push('1.1.0', flavours.crash);
    const bad = await scene.publish('web=1.1.0', '--wait', '--timeout', '60s', '--max-failed', '2');
    assertCode(bad, 3);
    // On a slow machine its time is over before it has crashed three times.
    const why = '(crashed 3 times|not good within)';
    for (const { name } of scene.hosts) expect(told(bad)).toMatch(new RegExp(`${name}: web: .*${why}`));
    expect(told(bad)).toMatch(/web 1\.1\.0: cannot start: no configuration/);
    await untilRunning(scene, everywhere('1.0.0'));
  });

  it('are frozen where they are when the first one fails, if that is wanted', async () => {
    const scene = await createFleetScene(ground, { hosts: 3 });
    await scene.deploy('1.0.0');
    await scene.push('1.1.0', flavours.crash);
    const rollout = `24h:${canaryFraction(scene.environment, 2, ['web-1', 'web-2', 'web-3'])}%`;
    const args = ['--wait', '--timeout', '60s', '--rollout', rollout, '--on-failure', 'freeze'];
    assertCode(await scene.publish('web=1.1.0', ...args), 3);
    expect(await published(scene)).toMatchObject({
      serial: 3,
      freeze: { reason: expect.any(String) as string },
    });
    const frozen = tellsService({ outcome: 'waiting', reason: 'freeze' });
    await eventually(
      async () => Object.values(await scene.hub.reports(scene.environment)).filter(frozen).length === 2,
      {
        deadlineMs: 30_000,
        describe: async () => JSON.stringify(await scene.hub.reports(scene.environment)),
      },
    );
    expect(await scene.running()).toEqual(everywhere('1.0.0'));

    // Repair goes on.
    const [host] = scene.hosts;
    if (host === undefined) throw new Error('no host');
    await host.docker.getContainer((await onlyContainer(host)).id).remove({ force: true });
    await untilRunning(scene, everywhere('1.0.0'));

    await scene.push('1.2.0');
    assertCode(await scene.publish('web=1.2.0', '--wait', '--timeout', '60s'), 0);
    expect(await scene.running()).toEqual(everywhere('1.2.0'));
  });
});

describe('hosts with labels', () => {
  it('are waited for alone, and a publish that would wait for none writes nothing', async () => {
    const scene = await createFleetScene(ground, { hosts: 2, labels: ['zone=a,canary=true', 'zone=b'] });
    await scene.deploy('1.0.0');
    await scene.push('1.1.0');
    const before = await stored(scene);
    const none = await scene.publish('web=1.1.0', '--wait', '--wait-where', 'zone=c');
    assertCode(none, 1);
    expect(none.stderr).toMatch(/has zone=c[\s\S]*→ .*canary=true \(1\), zone=a \(1\), zone=b \(1\)/);
    expect(await stored(scene)).toEqual(before);

    await scene.hosts[1]?.daemon.stop();
    const waited = await scene.publish('web=1.1.0', '--wait', '--wait-where', 'zone=a', '--timeout', '60s');
    assertCode(waited, 0);
    expect(waited.stdout).toMatch(/^waiting for the 1 of 2 hosts that report zone=a,/m);
    expect(waited.stdout).toMatch(/^Done: serial 2 runs on all hosts with zone=a \(1 of 1\)\.$/m);
    expect(await scene.running()).toEqual(['web-1: web 1.1.0 running', 'web-2: web 1.0.0 running']);
    const fleet = async (...where: readonly string[]) =>
      (await scene.publisher.run(['fleet', scene.environment, ...where])).code;
    expect([await fleet('--where', 'zone=a'), await fleet()]).toEqual([0, 4]);
  });
});

describe('a publish', () => {
  it('of a tag that does not exist says so before anything is written', async () => {
    const scene = await createFleetScene(ground);
    await scene.deploy('1.0.0');
    const before = await stored(scene);
    const wrong = await scene.publish('web=9.9.9', '--wait');
    assertCode(wrong, 1);
    expect(wrong.stderr).toMatch(/9\.9\.9[\s\S]*→ /);
    expect(await stored(scene)).toEqual(before);
    expect(await scene.running()).toEqual(['web-1: web 1.0.0 running']);
  });

  it('signed by a key that no host trusts says what the hosts say of it', async () => {
    const scene = await createFleetScene(ground);
    const { ref } = await scene.push('1.0.0');
    const { folder, run } = scene.publisher;
    const other = `${folder}/${scene.environment}`;
    assertCode(await run(['keygen', 'thief', '--out', other]), 0);
    const waiting = ['--wait', '--timeout', '20s', '--key', `${other}/thief.key`];
    const refused = await run(['publish', scene.environment, `web=${ref}`, ...waiting]);
    assertCode(refused, 5);
    expect(refused.stderr).toMatch(
      /^web-1: it has no manifest yet; it refuses .* 0 of the 1 required signatures/m,
    );
    expect(await scene.running()).toEqual([]);

    // What that key wrote is neither signed nor dropped unseen; a version that is named anew is neither.
    const next = await scene.publish(`api=${ref}`);
    assertCode(next, 1);
    expect(next.stderr).toMatch(/signature[\s\S]*web 1\.0\.0[\s\S]*→ .*--adopt-unverified/);
    assertCode(await scene.publish(`web=${ref}`, '--wait', '--timeout', '60s'), 0);
  });

  it('loses nothing of another one at the same moment', async () => {
    const scene = await createFleetScene(ground, { hosts: 0 });
    const services = ['a', 'b', 'c', 'd', 'e'];
    const images = await Promise.all(services.map(async (name) => scene.push('1.0.0', flavours.web, name)));
    const results = await Promise.all(
      images.map(async ({ ref }, at) => scene.publish(`${services[at] ?? ''}=${ref}`)),
    );
    for (const result of results) assertCode(result, 0);
    const after = await published(scene);
    expect(Object.keys(after?.services ?? {}).toSorted()).toEqual(services);
    expect(services.map((name) => after?.services[name]?.image)).toEqual(images.map(({ pinned }) => pinned));
    const { names } = JSON.parse((await scene.hub.read(`manifests/${scene.environment}/`)) ?? '{}') as {
      names: readonly string[];
    };
    // Each once: one that is overtaken before it has read back what it wrote finds it in the history.
    expect(names).toEqual(services.map((_, at) => `${String(at + 1)}.json`));
  });

  it('with a serial of its own gives way to another one at the same moment', async () => {
    const scene = await createFleetScene(ground, { hosts: 0 });
    const refs = [(await scene.push('1.0.0')).ref, (await scene.push('1.1.0')).ref];
    const both = await Promise.all(refs.map(async (ref) => scene.publish(`web=${ref}`, '--serial', '7')));
    expect(new Set(both.map(({ code }) => code))).toEqual(new Set([0, 1]));
    expect(both.map(told).join('\n')).toMatch(/→ /);
    expect(await published(scene)).toMatchObject({ serial: 7 });
  });

  it('shows with --dry-run what it would change, and changes nothing', async () => {
    const scene = await createFleetScene(ground, { hosts: 0 });
    const { ref } = await scene.push('1.0.0');
    assertCode(await scene.publish(`web=${ref}`), 0);
    await scene.push('1.1.0');
    const before = await stored(scene);
    const dry = await scene.publish('web=1.1.0', '--dry-run');
    assertCode(dry, 0);
    expect(dry.stdout).toMatch(/web[^\n]*1\.0\.0[^\n]*1\.1\.0/);
    expect(await stored(scene)).toEqual(before);
  });
});

describe('versions', () => {
  it('go from one environment to the next with the same digests, and back', async () => {
    const staging = await createFleetScene(ground, { hosts: 0 });
    const production = await createFleetScene(ground);
    const run = async (...args: readonly string[]) =>
      staging.publisher.run([...args, '--key', staging.publisher.keyFile, '--wait', '--timeout', '60s']);
    const image = `${production.repository()}:1.0.0`;
    await production.push('1.0.0');
    assertCode(await staging.publish(`web=${image}`), 0);
    assertCode(await run('promote', staging.environment, production.environment), 0);
    expect((await published(production))?.services).toEqual((await published(staging))?.services);
    expect(await production.running()).toEqual(['web-1: web 1.0.0 running']);

    await production.deploy('1.1.0');
    assertCode(await run('rollback', production.environment), 0);
    expect(await published(production)).toMatchObject({
      serial: 3,
      services: (await published(staging))?.services,
    });
    expect(await production.running()).toEqual(['web-1: web 1.0.0 running']);
    assertCode(await run('rollback', production.environment, '--to-serial', '2'), 0);
    expect(await production.running()).toEqual(['web-1: web 1.1.0 running']);
    expect(await published(production)).toMatchObject({ serial: 4 });
  });
});
