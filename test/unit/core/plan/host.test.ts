import { describe, expect, it } from 'vitest';
import type { PlanInput } from '../../../../src/core/plan/input.ts';
import { planHost } from '../../../../src/core/plan/host.ts';
import type { Hold, Ledger } from '../../../../src/core/state/ledger.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { ENVIRONMENT, planInput, START_MS, type Published } from '../../../support/world.ts';
import { deploy, running, scenario, WEB } from './scenario.ts';

const web = (version: string): Readonly<Record<string, string>> => ({ web: `org/web:${version}` });
const images = {
  'org/web:1': {},
  'org/web:2': {},
  'org/web:9': { health: 'unhealthy' },
  'org/api:1': {},
  'org/api:2': {},
} as const;
const hold = (all: boolean): Hold => ({
  reason: 'Friday',
  owner: 'ops',
  sinceMs: START_MS,
  untilMs: undefined,
  all,
});

const deployed = async (compose = WEB, versions = web('1')): Promise<ReturnType<typeof scenario>> => {
  const s = scenario(compose, images);
  await deploy(s, versions);
  s.since();
  return s;
};

describe('what keeps a switch from beginning', () => {
  const rollout = { startAtMs: START_MS + 1e9, durationSeconds: 0, startFraction: 0 };
  const later: Published = { serial: 2, rollout };
  it.each<[string, Published, Partial<PlanInput>, Hold | undefined, string, readonly string[]]>([
    ['a rollout whose turn has not come', later, {}, undefined, 'wait phase', ['pull org/web:2']],
    ['a hold', { serial: 2 }, {}, hold(false), 'wait hold', ['pull org/web:2']],
    ['a hold of everything', { serial: 2 }, {}, hold(true), 'wait hold', []],
    [
      'an expired manifest',
      { serial: 2, expiresAtMs: START_MS },
      {},
      undefined,
      'blocked expired',
      ['pull org/web:2'],
    ],
    [
      'a manifest that is trusted no more',
      { serial: 2 },
      { distrust: { message: 'm', advice: 'a' } },
      undefined,
      'blocked trust',
      [],
    ],
  ])(
    '%s: images are fetched early, nothing that runs changes',
    async (_, published, more, held, told, steps) => {
      const s = await deployed();
      s.agent.wish = { compose: WEB, versions: web('2'), published, more };
      s.agent.ledger = { ...s.agent.ledger, hold: held };
      expect(outcomesOf(await s.agent.settle())).toEqual({ web: told });
      expect(s.since()).toEqual(steps);
      expect(running(s)).toEqual(['web 1']);
    },
  );

  it('repairs drift while a phase, a hold or an expired manifest keeps the switch closed; a hold of everything stops that too', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('2'), published: { ...later, expiresAtMs: START_MS } };
    for (const [all, steps] of [
      [false, ['start web 1']],
      [true, []],
    ] as const) {
      s.agent.ledger = { ...s.agent.ledger, hold: hold(all) };
      await s.agent.settle();
      s.since();
      s.engine.byHand.stop(s.engine.actual().containers[0]?.name ?? '');
      await s.agent.settle();
      expect(s.since()).toEqual(steps);
    }
  });

  it('a phase tells until when it waits, and the switch begins then', async () => {
    const s = await deployed();
    s.agent.wish = { compose: WEB, versions: web('2'), published: later };
    const plan = await s.agent.settle();
    expect(plan.nextAtMs).toBe(rollout.startAtMs);
    s.engine.advance(rollout.startAtMs - s.engine.now());
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 2']);
  });
});

describe('which version', () => {
  const TWO = `
services:
  web: {image: org/web, restart: always}
  api: {image: org/api, restart: always}
`;
  it('blocks only the service whose manifest entry is of another repository', async () => {
    const s = scenario(TWO, images);
    const plan = await deploy(s, { web: 'org/api:1', api: 'org/api:1' });
    expect(outcomesOf(plan)).toEqual({ web: 'blocked repository', api: 'converged' });
  });

  it('waits for a service that nobody has published, and keeps what runs when it is published no more', async () => {
    const s = scenario(TWO, images);
    expect(outcomesOf(await deploy(s, { api: 'org/api:1' }))).toEqual({
      web: 'wait unpublished',
      api: 'converged',
    });
    expect(outcomesOf(await deploy(s, { web: 'org/web:1' }))).toEqual({
      web: 'converged',
      api: 'wait unpublished',
    });
    expect(running(s)).toEqual(['api 1', 'web 1']);
  });

  it('takes the version of another service', async () => {
    const compose = `
services:
  web: {image: org/web, restart: always}
  sidecar: {image: org/web, restart: always, x-supercargo: {version-from: web}}
`;
    const s = scenario(compose, images);
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'converged', sidecar: 'converged' });
    expect(running(s)).toEqual(['sidecar 1', 'web 1']);
  });

  it('asks once what a tag means', async () => {
    const s = scenario(WEB, images);
    s.agent.wish = { compose: WEB, versions: web('1'), published: { serial: 1, tagsOnly: true } };
    await s.agent.settle();
    expect(s.since().filter((step) => step.startsWith('resolve'))).toEqual(['resolve-tag org/web:1']);
    await s.agent.settle();
    expect(s.since()).toEqual([]);
  });
});

describe('services that nobody declares any more', () => {
  const TWO = `${WEB}  api: {image: org/api, restart: always}\n`;
  it('are stopped, removed and forgotten', async () => {
    const s = await deployed(TWO, { web: 'org/web:1', api: 'org/api:1' });
    s.agent.wish = { ...s.agent.wish, compose: WEB };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(['disarm api 1', 'stop api 1', 'remove api 1', 'forget']);
  });

  it('invariant 8: stay if nothing else would be left, unless that is said to be meant', async () => {
    const s = await deployed(TWO, { web: 'org/web:1', api: 'org/api:1' });
    s.agent.wish = { ...s.agent.wish, compose: 'services: {}' };
    expect(outcomesOf(await s.agent.settle())).toEqual({ api: 'blocked empty', web: 'blocked empty' });
    expect(s.since()).toEqual([]);
    s.agent.wish = { ...s.agent.wish, compose: 'services: {}\nx-supercargo: {allow-empty: true}' };
    await s.agent.settle();
    expect(s.engine.actual().containers).toEqual([]);
  });

  it('make room for a service of another name that takes their port', async () => {
    const s = await deployed(TWO, { web: 'org/web:1', api: 'org/api:1' });
    s.agent.wish = {
      ...s.agent.wish,
      compose: TWO.replace('web:', 'www:'),
      versions: { www: 'org/web:1', api: 'org/api:1' },
    };
    expect(outcomesOf(await s.agent.settle())).toEqual({ api: 'converged', www: 'converged' });
    expect(running(s)).toEqual(['api 1', 'www 1']);
  });

  it('the last one standing does not give its port away by itself', async () => {
    const s = await deployed();
    s.agent.wish = { ...s.agent.wish, compose: WEB.replace('web:', 'www:'), versions: { www: 'org/web:1' } };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'blocked empty', www: 'blocked port' });
    expect(running(s)).toEqual(['web 1']);
  });
});

describe('ports and names of others', () => {
  it('invariant 2: a port that a foreign container has blocks the service, and nothing is stopped', async () => {
    const s = scenario(WEB, images);
    s.engine.byHand.run({ name: 'old', port: 80 });
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'blocked port' });
    expect(running(s)).toEqual(['old']);
  });

  it('a name that a foreign container has blocks the service', async () => {
    const s = scenario(WEB + '    container_name: the-web\n', images);
    s.engine.byHand.run({ name: 'the-web' });
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'blocked name' });
    expect(running(s)).toEqual(['the-web']);
  });

  const pair = (one: number, two: number): string => `
services:
  one: {image: org/web, restart: always, ports: ['${String(one)}:1']}
  two: {image: org/api, restart: always, ports: ['${String(two)}:1']}
`;
  const both = { one: 'org/web:1', two: 'org/api:1' };

  it('two services swap their ports', async () => {
    const s = await deployed(pair(80, 81), both);
    s.agent.wish = { ...s.agent.wish, compose: pair(81, 80) };
    expect(outcomesOf(await s.agent.settle())).toEqual({ one: 'converged', two: 'converged' });
    expect(
      s.engine
        .actual()
        .containers.map((c) => [c.owner?.service, c.ports[0]?.hostPort])
        .toSorted(),
    ).toEqual([
      ['one', 81],
      ['two', 80],
    ]);
  });

  it('the release that comes back does not wait for ever for a port that the other service has now', async () => {
    const s = await deployed(pair(80, 81), both);
    s.agent.wish = {
      compose: pair(81, 80),
      versions: { ...both, one: 'org/web:9' },
      published: { serial: 2 },
    };
    expect(outcomesOf(await s.agent.settle())).toEqual({ one: 'blocked port', two: 'converged' });
    expect(running(s)).toEqual(['two 1']);
  });

  it('a holder that went back to its last good release keeps its port', async () => {
    const s = await deployed(pair(80, 81), both);
    s.engine.registry.push('org/api:9', { exits: 1 });
    s.agent.wish = {
      compose: pair(80, 82),
      versions: { ...both, two: 'org/api:9' },
      published: { serial: 2 },
    };
    await s.agent.settle();
    s.agent.wish = { ...s.agent.wish, compose: pair(81, 82) };
    expect(outcomesOf(await s.agent.settle())).toEqual({ one: 'blocked port', two: 'rolled-back 9 → 1' });
    expect(running(s)).toEqual(['one 1', 'two 1']);
  });

  it('invariant 3: nothing is stopped for a port that its holder can not give away yet', async () => {
    const s = await deployed(pair(80, 81), both);
    s.engine.registry.setState('down');
    s.agent.wish = {
      compose: pair(81, 82),
      versions: { one: 'org/web:1', two: 'org/api:2' },
      published: { serial: 2 },
    };
    for (let n = 0; n < 10; n += 1) await s.agent.tick();
    expect(running(s)).toEqual(['one 1', 'two 1']);
    s.engine.registry.setState('up');
    expect(outcomesOf(await s.agent.outlast())).toEqual({ one: 'converged', two: 'converged' });
    expect(running(s)).toEqual(['one 1', 'two 2']);
  });
});

describe('a foreign container that a service replaces', () => {
  const ADOPTING = `${WEB}    x-supercargo: {replaces: old}\n`;
  it('is stopped and kept until the first release is good, then removed', async () => {
    const s = scenario(ADOPTING, images);
    s.engine.byHand.run({ name: 'old', port: 80, restart: 'always' });
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'converged' });
    expect(s.since()).toEqual([
      'pull org/web:1',
      'adopt old',
      'create-network test_default',
      'create web 1 unarmed',
      'disarm old',
      'stop old',
      'arm web 1',
      'start web 1',
      'remember web 1',
      'remove old',
    ]);
    expect(running(s)).toEqual(['web 1']);
  });

  it('comes back as it was when the first release is bad', async () => {
    const s = scenario(`${ADOPTING}    container_name: old\n`, images);
    s.engine.byHand.run({ name: 'old', port: 80, restart: 'always' });
    expect(outcomesOf(await deploy(s, web('9')))).toEqual({ web: 'rolled-back 9 → old' });
    expect(s.engine.actual().containers.map((c) => [c.name, c.state, c.detail?.restart.name])).toEqual([
      ['old', 'running', 'always'],
    ]);
  });

  it('of another environment is never taken', async () => {
    const s = scenario(ADOPTING, images);
    s.engine.byHand.run({ name: 'old', port: 80, otherEnvironment: 'production' });
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'blocked port' });
    expect(running(s)).toEqual(['old']);
  });
});

describe('networks and volumes', () => {
  const withNetwork = (definition: string): string => `
services: {web: {image: org/web, restart: always, networks: [back]}}
networks: {back: ${definition}}
`;
  it('a changed definition gets a new name, and the old network goes when nothing needs it', async () => {
    const s = await deployed(withNetwork('{}'));
    s.agent.wish = { ...s.agent.wish, compose: withNetwork('{internal: true}') };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    const [network] = s.engine.actual().networks;
    expect(s.engine.actual().networks).toHaveLength(1);
    expect(network?.name).toMatch(/^test_back-[0-9a-f]{8}$/);
    expect(s.since()).toEqual([
      `create-network ${network?.name ?? ''}`,
      'create web 1 unarmed',
      'disarm web 1',
      'stop web 1',
      'arm web 1',
      'start web 1',
      'remember web 1',
      'remove web 1',
      'remove-network test_back',
    ]);
  });

  it.each([
    ['network', withNetwork('{external: true}'), 'blocked network'],
    [
      'volume',
      'services: {web: {image: org/web, volumes: ["v:/v"]}}\nvolumes: {v: {external: true}}',
      'blocked volume',
    ],
  ])(
    'an external %s that does not exist blocks the service before anything stops',
    async (_, compose, told) => {
      const s = await deployed();
      s.agent.wish = { ...s.agent.wish, compose };
      expect(outcomesOf(await s.agent.settle())).toEqual({ web: told });
      expect(s.since()).toEqual([]);
      expect(running(s)).toEqual(['web 1']);
    },
  );
});

describe('dependencies', () => {
  const needing = (condition: string): string => `
services:
  api: {image: org/api, restart: always, depends_on: {db: {condition: ${condition}}}}
  db: {image: org/db, restart: always}
`;
  const versions = (db: string): Readonly<Record<string, string>> => ({
    api: 'org/api:1',
    db: `org/db:${db}`,
  });
  const dbs = {
    ...images,
    'org/db:1': { health: 'healthy', afterMs: 2_000 },
    'org/db:2': { health: 'unhealthy' },
  } as const;

  it.each(['service_started', 'service_healthy'])(
    'a new release waits until what it needs is there: %s',
    async (condition) => {
      const s = scenario(needing(condition), dbs);
      expect(outcomesOf(await deploy(s, versions('1')))).toEqual({ db: 'converged', api: 'converged' });
      expect(s.since().filter((step) => /^(start|create) /.test(step))).toEqual([
        'create db 1',
        'start db 1',
        'create api 1',
        'start api 1',
      ]);
    },
  );

  it('three in a row start one after the other, each at its new version', async () => {
    const compose = `
services:
  a: {image: org/db, restart: always, depends_on: [b]}
  b: {image: org/db, restart: always, depends_on: [c]}
  c: {image: org/db, restart: always}
`;
    const s = scenario(compose, { 'org/db:1': {}, 'org/db:3': {} });
    const all = (version: string): Readonly<Record<string, string>> =>
      Object.fromEntries(['a', 'b', 'c'].map((n) => [n, `org/db:${version}`]));
    await deploy(s, all('1'));
    s.since();
    await deploy(s, all('3'));
    expect(s.since().filter((step) => step.startsWith('start'))).toEqual([
      'start c 3',
      'start b 3',
      'start a 3',
    ]);
  });

  it('is blocked while what it needs is bad, and is not blamed for it', async () => {
    const s = scenario(needing('service_healthy'), dbs);
    expect(outcomesOf(await deploy(s, versions('2')))).toEqual({
      db: 'blocked quarantined',
      api: 'blocked dependency',
    });
    expect(s.agent.ledger.services['api']).toBeUndefined();
  });

  const JOB = `
services:
  api: {image: org/api, restart: always, depends_on: {migrate: {condition: service_completed_successfully}}}
  migrate: {image: "org/migrate:1"}
`;
  const starts = (steps: readonly string[]): readonly string[] =>
    steps.filter((step) => /^(start|quarantine)/.test(step));

  it('a job runs once for each release of those that wait for it', async () => {
    const s = scenario(JOB, { ...images, 'org/migrate:1': { exits: 0, afterMs: 500 } });
    await deploy(s, { api: 'org/api:1' });
    expect(starts(s.since())).toEqual(['start migrate 1', 'start api 1']);
    await deploy(s, { api: 'org/api:1' });
    expect(starts(s.since())).toEqual([]);
    expect(outcomesOf(await deploy(s, { api: 'org/api:2' }))).toEqual({
      migrate: 'converged',
      api: 'converged',
    });
    expect(starts(s.since())).toEqual(['start migrate 1', 'start api 2']);
  });

  it('a job that fails quarantines the release that waits for it, which never started', async () => {
    const s = scenario(JOB, { ...images, 'org/migrate:1': { exits: 1 } });
    expect(outcomesOf(await deploy(s, { api: 'org/api:1' }))).toEqual({
      migrate: 'blocked quarantined',
      api: 'blocked quarantined',
    });
    expect(starts(s.since())).toEqual(['start migrate 1', 'quarantine 1 exited', 'quarantine 1 job-failed']);
  });

  it('a job that hangs has failed at its deadline', async () => {
    const s = scenario(JOB, { ...images, 'org/migrate:1': {} });
    expect(outcomesOf(await deploy(s, { api: 'org/api:1' }))).toEqual({
      migrate: 'blocked quarantined',
      api: 'blocked quarantined',
    });
  });

  it('a job that the host pins waits for the turn of the manifest that names its dependents', async () => {
    const s = scenario(JOB, { ...images, 'org/migrate:1': { exits: 0 } });
    s.agent.wish = {
      compose: JOB,
      versions: { api: 'org/api:1' },
      published: { serial: 1, rollout: { startAtMs: START_MS + 1e9, durationSeconds: 0, startFraction: 0 } },
    };
    expect(outcomesOf(await s.agent.settle())).toEqual({ migrate: 'wait phase', api: 'wait phase' });
    expect(starts(s.since())).toEqual([]);
  });

  it('a job that goes down with the engine runs again', async () => {
    const s = scenario(JOB, { ...images, 'org/migrate:1': { exits: 0, afterMs: 5_000 } });
    s.agent.wish = { compose: JOB, versions: { api: 'org/api:1' } };
    while (!s.agent.steps.includes('start migrate 1')) await s.agent.tick();
    s.engine.restartDaemon();
    expect(outcomesOf(await s.agent.settle())).toEqual({ migrate: 'converged', api: 'converged' });
    expect(starts(s.since())).toEqual(['start migrate 1', 'start migrate 1', 'start api 1']);
  });
});

describe('housekeeping', () => {
  const version = async (s: ReturnType<typeof scenario>, tag: string): Promise<void> => {
    s.engine.registry.push(`org/web:${tag}`, {});
    await deploy(s, web(tag));
  };
  const tags = (s: ReturnType<typeof scenario>): readonly string[] =>
    s.engine
      .actual()
      .images.flatMap((i) => i.tags.filter((t) => t.repository.endsWith('org/web')).map((t) => t.tag))
      .toSorted();

  it('keeps the images of the last good releases, each under a tag of our own, and removes older ones', async () => {
    const s = await deployed();
    for (const tag of ['2', '3', '4']) await version(s, tag);
    expect(tags(s)).toEqual(['3', '4']);
    const kept = s.engine
      .actual()
      .images.flatMap((i) => i.tags.filter((t) => t.repository.includes(`supercargo-${ENVIRONMENT}`)));
    expect(kept).toHaveLength(2);
  });

  it('invariant 2: never removes an image that has a name of somebody else, or that a container uses', async () => {
    const s = await deployed();
    s.engine.byHand.run({ name: 'old', image: 'org/web:1' });
    await version(s, '2');
    const two = s.engine.actual().images.find((i) => i.tags.some((t) => t.tag === '2'));
    if (two) {
      const action = {
        kind: 'tag-image',
        imageId: two.id,
        repository: 'supercargo-production',
        tag: 'web-1',
      } as const;
      await s.engine.apply(action, ENVIRONMENT, () => undefined, new AbortController().signal);
    }
    for (const tag of ['3', '4', '5']) await version(s, tag);
    expect(tags(s)).toEqual(['1', '2', '4', '5']);
    expect(s.agent.steps.filter((step) => step.includes('✗'))).toEqual([]);
  });

  it('rests after a failure instead of asking again at once', async () => {
    const s = await deployed();
    const signal = new AbortController().signal;
    const definition = {
      fixedName: undefined,
      external: false,
      driverOptions: {},
      internal: false,
      attachable: false,
      enableIpv6: false,
      labels: {},
    };
    await s.engine.apply(
      { kind: 'create-network', name: 'test_stale', network: 'stale', hash: 'x', definition },
      ENVIRONMENT,
      () => undefined,
      signal,
    );
    s.engine.byHand.run({ name: 'guest', networks: ['test_stale'] });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(['remove-network test_stale ✗ ENGINE']);
    s.engine.byHand.remove('guest');
    await s.agent.outlast();
    expect(s.since()).toEqual(['remove-network test_stale']);
  });
});

describe('a plan', () => {
  it('is plain JSON, and the same for the same input', () => {
    const input = planInput({ compose: WEB, versions: web('1') });
    const plan = planHost(input);
    expect(planHost(structuredClone(input))).toEqual(plan);
    expect(JSON.parse(JSON.stringify(plan))).toMatchObject({
      services: [{ service: 'web', declared: true }],
    });
  });

  it('does not fail on a label that names an absurd replica', async () => {
    const s = await deployed();
    const [c] = s.engine.actual().containers;
    s.engine.byHand.run({ name: 'absurd' });
    s.engine.byHand.change('absurd', { owner: c?.owner && { ...c.owner, replica: Number.MAX_SAFE_INTEGER } });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 1']);
  });

  it('restores service although the ledger can not be written', async () => {
    const s = await deployed();
    const ledger: Ledger = s.agent.ledger;
    s.engine.byHand.remove(s.engine.actual().containers[0]?.name ?? '');
    await s.agent.settle();
    expect(running(s)).toEqual(['web 1']);
    expect(s.agent.ledger).toBe(ledger);
  });
});
