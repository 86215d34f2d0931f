import { describe, expect, it, onTestFinished } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { flavours, job } from '../../support/flavours.ts';
import { type BadRelease, quarantines } from './bad-release.ts';
import {
  assertCode,
  containersOf,
  createScene,
  deployed,
  onlyContainer,
  runningIn,
  service,
  SOON_BAD,
  statusOf,
} from './scene.ts';

const BAD: readonly BadRelease[] = [
  {
    what: 'crashes',
    flavour: flavours.crash,
    says: /1\.1\.0 failed here: it crashed 3 times, last exit code 1[\s\S]*│ web 1\.1\.0: cannot start: no configuration/,
  },
  {
    what: 'is unhealthy',
    flavour: flavours.unhealthy,
    lines: [SOON_BAD],
    says: /1\.1\.0 failed here: not good within 6 s: its health check says unhealthy/,
  },
];

describe('a release that', () => {
  it.each(BAD.map((bad) => [bad.what, bad] as const))(
    '%s is quarantined, and the old one serves again',
    async (_what, bad) => {
      expect.hasAssertions();
      await quarantines(bad);
    },
  );
});

describe('a quarantined release', () => {
  it('is not tried again by a publish of another service; retry and a raised attempt try it again', async () => {
    const scene = await createScene();
    const web = await scene.push('1.0.0');
    const other = await scene.push('1.0.0', flavours.healthy, 'other');
    const next = await scene.push('1.1.0', flavours.healthy, 'other');
    const bad = await scene.push('1.1.0', flavours.crash);
    await scene.compose(scene.web([scene.ports], service('other', [`image: ${scene.repository('other')}`])));
    await scene.publish({ web: web.pinned, other: other.pinned });
    assertCode(await scene.once(), 0);
    await scene.publish({ web: bad.pinned, other: other.pinned });
    expect((await scene.once()).code).toBe(3);
    const before = await onlyContainer(scene, 'web');

    await scene.publish({ web: bad.pinned, other: next.pinned });
    expect((await scene.once()).code).toBe(3);
    expect(await onlyContainer(scene, 'web')).toEqual(before);
    expect(await runningIn(scene)).toEqual(['other 1.1.0 running', 'web 1.0.0 running']);

    const failedAt = async (): Promise<unknown> =>
      (await statusOf(scene)).status.services.find((s) => s.service === 'web')?.failure;
    const first = await failedAt();
    const retry = await scene.run(['retry', 'web']);
    expect({ code: retry.code, out: retry.stdout }).toEqual({ code: 0, out: 'web 1.1.0 is tried again\n' });
    expect((await scene.once()).code).toBe(3);
    const second = await failedAt();
    expect(second).toMatchObject({ attempt: 0 });
    expect(second).not.toEqual(first);

    await scene.publish({ web: { image: bad.pinned, attempt: 1 }, other: next.pinned });
    expect((await scene.once()).code).toBe(3);
    expect(await failedAt()).toMatchObject({ attempt: 1 });
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });

  it('retry of a service that is not quarantined says what is', async () => {
    const scene = await createScene();
    await deployed(scene);
    const retry = await scene.run(['retry', 'web']);
    expect(retry.code).toBe(1);
    expect(retry.stderr).toMatch(
      /web is not quarantined \(USAGE\)\n {2}→ no service is quarantined on this host/,
    );
  });

  it('gives way to the next version', async () => {
    const scene = await createScene();
    await deployed(scene);
    await scene.publish({ web: (await scene.push('1.1.0', flavours.crash)).pinned });
    expect((await scene.once()).code).toBe(3);
    await scene.publish({ web: (await scene.push('1.2.0')).pinned });
    expect((await scene.once()).code).toBe(0);
    expect(await tryAnswer(scene.port)).toBe('1.2.0');
    expect(await runningIn(scene)).toEqual(['web 1.2.0 running']);
  });
});

describe('a first release that is bad', () => {
  it('is taken away, blocks with advice, and leaves nothing running', async () => {
    const scene = await createScene();
    await scene.compose(scene.web());
    await scene.publish({ web: (await scene.push('1.0.0', flavours.crash)).pinned });
    const once = await scene.once();
    assertCode(once, 3);
    expect(once.stdout).toMatch(
      /web +blocked +1\.0\.0[\s\S]*1\.0\.0 failed here[\s\S]*→ publish another version/,
    );
    expect(await containersOf(scene)).toEqual([]);
  });
});

const withJob = (scene: Awaited<ReturnType<typeof createScene>>, restart = 'no'): string =>
  scene.web(
    [scene.ports, 'depends_on: {migrate: {condition: service_completed_successfully}}'],
    service('migrate', [`image: ${scene.repository('migrate')}`, `restart: "${restart}"`]),
  );

describe('a job', () => {
  it('runs before the service that waits for it, once per release of either', async () => {
    const scene = await createScene();
    await scene.compose(withJob(scene));
    const web = await scene.push('1.0.0');
    const migrate = await scene.push('1.0.0', job(0), 'migrate');
    await scene.publish({ web: web.pinned, migrate: migrate.pinned });
    const once = await scene.once();
    assertCode(once, 0);
    expect(await runningIn(scene)).toEqual(['migrate 1.0.0 exited', 'web 1.0.0 running']);
    const before = await containersOf(scene);
    expect((await scene.once()).code).toBe(0);
    expect(await containersOf(scene)).toEqual(before);
  });

  it('does not run while the service that waits for it cannot begin', async () => {
    const scene = await createScene();
    const name = `${scene.environment}-lan`;
    const compose = withJob(scene).replace(scene.ports, 'networks: [lan]');
    await scene.compose(`${compose}networks: {lan: {external: true, name: ${name}}}\n`);
    const web = await scene.push('1.0.0');
    const migrate = await scene.push('1.0.0', job(0), 'migrate');
    await scene.publish({ web: web.pinned, migrate: migrate.pinned });
    const refused = await scene.once();
    assertCode(refused, 3);
    expect(refused.stdout).toContain(`the external network ${name} does not exist`);
    expect(await containersOf(scene)).toEqual([]);
    const network = await scene.docker.createNetwork({ Name: name });
    onTestFinished(async () => {
      await scene.cleanup();
      await network.remove();
    });
    assertCode(await scene.once(), 0);
    expect(await runningIn(scene)).toEqual(['migrate 1.0.0 exited', 'web 1.0.0 running']);
  });

  it('with on-failure is tried again', async () => {
    const scene = await createScene();
    await scene.compose(withJob(scene, 'on-failure'));
    const web = await scene.push('1.0.0');
    const entry = '[ -e /tried ] && exit 0\n: > /tried\nexit 1';
    const migrate = await scene.push('1.0.0', { entry, expose: [] }, 'migrate');
    await scene.publish({ web: web.pinned, migrate: migrate.pinned });
    assertCode(await scene.once(), 0);
    expect(await runningIn(scene)).toEqual(['migrate 1.0.0 exited', 'web 1.0.0 running']);
  });

  it('that fails quarantines the one that waits; the old one serves on untouched', async () => {
    const scene = await createScene();
    await scene.compose(withJob(scene));
    const web = await scene.push('1.0.0');
    const migrate = await scene.push('1.0.0', job(0), 'migrate');
    await scene.publish({ web: web.pinned, migrate: migrate.pinned });
    expect((await scene.once()).code).toBe(0);
    const before = await onlyContainer(scene, 'web');
    const next = await scene.push('1.1.0');
    const failing = await scene.push('1.1.0', job(3), 'migrate');
    await scene.publish({ web: next.pinned, migrate: failing.pinned });
    const once = await scene.once();
    assertCode(once, 3);
    expect(once.stdout).toMatch(
      /its job migrate failed: [\s\S]*→ publish another version, or try it again: supercargo retry web/,
    );
    expect(await onlyContainer(scene, 'web')).toEqual(before);
  });
});
