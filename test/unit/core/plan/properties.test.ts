import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../src/core/errors.ts';
import type { Action } from '../../../../src/core/plan/action.ts';
import type { HostPlan } from '../../../../src/core/plan/plan.ts';
import type { EngineAction } from '../../../../src/core/ports/engine.ts';
import type { Container } from '../../../../src/core/state/actual.ts';
import {
  createSimulatedAgent,
  isBusy,
  outcomesOf,
  type SimulatedAgent,
  type Wish,
} from '../../../support/simulated-agent.ts';
import { createSimulatedEngine, type SimulatedEngine } from '../../../support/simulated-engine.ts';

const COMPOSE = `
services:
  api:
    image: org/api
    restart: always
    container_name: the-api
    ports: ['80:8888']
    volumes: [/cache]
    depends_on: {migrate: {condition: service_completed_successfully}, worker: {condition: service_started}}
  migrate:
    image: org/migrate:1
    restart: "no"
  worker:
    image: org/worker
    restart: unless-stopped
    networks: [back]
    deploy: {replicas: 2, update_config: {parallelism: 1}}
networks:
  back: {}
`;

const BAD = ['3', '4'];
const VERSIONS = ['1', '2', ...BAD];
const SERVICES = ['api', 'worker'] as const;

class Killed extends Error {}

type Command =
  | { readonly kind: 'publish'; readonly service: (typeof SERVICES)[number]; readonly version: string }
  | {
      readonly kind: 'drift';
      readonly how: 'stop' | 'remove' | 'rename' | 'pause' | 'disarm' | 'disconnect';
      readonly pick: number;
    }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'fault'; readonly action: EngineAction['kind']; readonly times: number }
  | { readonly kind: 'offline' }
  | { readonly kind: 'ticks'; readonly count: number }
  | { readonly kind: 'kill'; readonly at: number; readonly when: 'before' | 'after' };

const publish = fc.record({
  kind: fc.constant('publish' as const),
  service: fc.constantFrom(...SERVICES),
  version: fc.constantFrom(...VERSIONS),
});
const kill = fc.record({
  kind: fc.constant('kill' as const),
  at: fc.integer({ min: 0, max: 12 }),
  when: fc.constantFrom('before' as const, 'after' as const),
});
const kinds: readonly EngineAction['kind'][] = [
  'pull',
  'create',
  'create-network',
  'disarm',
  'arm',
  'rename',
  'start',
  'stop',
  'remove',
  'tag-image',
  'remove-image',
];
const disturbance: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('drift' as const),
    how: fc.constantFrom(
      'stop' as const,
      'remove' as const,
      'rename' as const,
      'pause' as const,
      'disarm' as const,
      'disconnect' as const,
    ),
    pick: fc.nat(9),
  }),
  fc.record({ kind: fc.constant('reboot' as const) }),
  fc.record({
    kind: fc.constant('fault' as const),
    action: fc.constantFrom(...kinds),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant('offline' as const) }),
  fc.record({ kind: fc.constant('ticks' as const), count: fc.integer({ min: 1, max: 25 }) }),
);

interface Run {
  readonly engine: SimulatedEngine;
  readonly agent: () => SimulatedAgent;
  readonly apply: (command: Command) => Promise<void>;
  readonly settle: () => Promise<HostPlan>;
}

interface Watch {
  /** Before each action. */
  readonly before?: (engine: SimulatedEngine, action: Action, agent: SimulatedAgent) => void;
  /** After each action. */
  readonly after?: (engine: SimulatedEngine) => void;
  readonly onPlan?: (plan: HostPlan) => void;
}

/** A host with a foreign container on it, and an agent that can be killed between any two actions. */
const start = (watch: Watch): Run => {
  const engine = createSimulatedEngine();
  for (const name of ['org/api', 'org/worker']) {
    engine.registry.push(`${name}:1`, { health: 'healthy', afterMs: 50 });
    engine.registry.push(`${name}:2`, { volumes: ['/state'] });
    engine.registry.push(`${name}:3`, { health: 'unhealthy' });
    engine.registry.push(`${name}:4`, { exits: 1 });
  }
  engine.registry.push('org/migrate:1', { exits: 0, afterMs: 100 });
  engine.byHand.run({ name: 'foreign', image: 'org/api:1', restart: 'always' });
  let wish: Wish = {
    compose: COMPOSE,
    versions: { api: 'org/api:1', worker: 'org/worker:1' },
    published: { serial: 1 },
  };
  let killAt: { left: number; when: 'before' | 'after' } | undefined;
  const dieIf = (when: 'before' | 'after'): void => {
    if (killAt?.when !== when) return;
    killAt.left -= 1;
    if (killAt.left >= 0) return;
    killAt = undefined;
    throw new Killed();
  };
  const born = (ledger?: SimulatedAgent['ledger']): SimulatedAgent =>
    createSimulatedAgent(engine, wish, {
      before: (action) => {
        dieIf('before');
        watch.before?.(engine, action, agent);
      },
      after: () => {
        watch.after?.(engine);
        dieIf('after');
      },
      onPlan: (plan) => watch.onPlan?.(plan),
      ...(ledger && { ledger }),
    });
  let agent = born();
  const alive = async <T>(use: () => Promise<T>): Promise<T> => {
    try {
      return await use();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      agent = born(agent.ledger);
      return alive(use);
    }
  };
  const apply = async (command: Command): Promise<void> => {
    switch (command.kind) {
      case 'publish':
        wish = {
          ...wish,
          versions: { ...wish.versions, [command.service]: `org/${command.service}:${command.version}` },
          published: { serial: (wish.published?.serial ?? 0) + 1 },
        };
        agent.wish = wish;
        return;
      case 'drift':
        return drift(engine, command);
      case 'reboot':
        return engine.restartDaemon();
      case 'fault':
        return engine.fail({
          kind: command.action,
          times: command.times,
          error: new AgentError('ENGINE', 'it stumbles', { retry: 'later' }),
        });
      case 'offline':
        engine.setOffline(true);
        await agent.tick().catch((error: unknown) => expect(error).toMatchObject({ code: 'ENGINE_OFFLINE' }));
        return engine.setOffline(false);
      case 'kill':
        killAt = { left: command.at, when: command.when };
        return;
      case 'ticks':
        for (let n = 0; n < command.count; n += 1) await alive(() => agent.tick());
    }
  };
  return { engine, agent: () => agent, apply, settle: () => alive(() => agent.outlast()) };
};

const drift = (engine: SimulatedEngine, { how, pick }: Extract<Command, { kind: 'drift' }>): void => {
  // A job that somebody stops has failed: that is no drift.
  const own = engine.actual().containers.filter((c) => c.owner && c.owner.service !== 'migrate');
  const container = own[pick % Math.max(1, own.length)];
  if (!container) return;
  const { byHand } = engine;
  switch (how) {
    case 'stop':
    case 'remove':
    case 'pause':
      return byHand[how](container.name);
    case 'rename':
      return byHand.rename(container.name, `renamed-${container.id.slice(0, 6)}`);
    case 'disarm':
      return byHand.update(container.name, 'no');
    case 'disconnect':
      return byHand.disconnect(container.name, container.detail?.networks[0]?.network ?? '');
  }
};

const isRunning = (c: Container): boolean => c.state === 'running' || c.state === 'restarting';
const slotOf = (c: Container): string => `${c.owner?.service ?? ''}.${String(c.owner?.replica ?? 0)}`;
const ownOf = (engine: SimulatedEngine): readonly Container[] =>
  engine.actual().containers.filter((c) => c.owner);

const doubles = (containers: readonly Container[]): readonly string[] => {
  const slots = containers.map(slotOf);
  return slots.filter((slot, index) => slots.indexOf(slot) !== index);
};

const checkContainers = (engine: SimulatedEngine): void => {
  const own = ownOf(engine);
  expect(doubles(own.filter(isRunning))).toEqual([]);
  expect(doubles(own.filter((c) => c.detail?.restart.name !== 'no'))).toEqual([]);
};

/** Whoever is stopped has a successor with everything it needs, or is a failed release with nothing to go back to. */
const checkStop = (engine: SimulatedEngine, action: Action, agent: SimulatedAgent): void => {
  if (action.kind !== 'stop') return;
  const actual = engine.actual();
  const stopped = actual.containers.find((c) => c.id === action.container.id);
  if (!stopped?.owner || !isRunning(stopped)) return;
  const record = agent.ledger.services[stopped.owner.service];
  if (record?.good.length === 0 && record.failure?.release === stopped.owner.release) return;
  const successors = actual.containers.filter(
    (c) => c.owner && c.id !== stopped.id && slotOf(c) === slotOf(stopped),
  );
  const isReady = (c: Container): boolean =>
    actual.images.some((i) => i.id === c.imageId) &&
    (c.detail?.networks ?? []).every((n) => actual.networks.some((x) => x.name === n.network));
  expect(successors.filter(isReady)).not.toEqual([]);
};

const normal = (engine: SimulatedEngine): readonly object[] =>
  ownOf(engine)
    .map((c) => ({
      slot: slotOf(c),
      version: c.owner?.version,
      name: c.name,
      state: c.state,
      restart: c.detail?.restart.name,
      networks: c.detail?.networks.map((n) => n.network),
    }))
    .toSorted((a, b) => a.slot.localeCompare(b.slot));

/** Enough to meet most interleavings in a second or two; more by `RUNS=2000`, for whoever changes the planner. */
const runs = { numRuns: Number(process.env['RUNS'] ?? 20) };
const PATIENCE_MS = 600_000;

const foreignOf = (engine: SimulatedEngine): unknown =>
  engine
    .actual()
    .containers.filter((c) => !c.owner)
    .map(({ id, name, state, detail }) => ({ id, name, state, restart: detail?.restart }));

/** Every replica runs the last good release, under its name, with its policy; nothing else is left; no good version is quarantined. */
const expectGood = (run: Run, plan: HostPlan): void => {
  const { services } = run.agent().ledger;
  const own = ownOf(run.engine)
    .filter((c) => c.owner?.service !== 'migrate')
    .toSorted((a, b) => slotOf(a).localeCompare(slotOf(b)));
  const wanted = [
    ['api.1', services['api']?.good[0]?.release.id, 'the-api', 'always'],
    ...[1, 2].map((replica) => {
      const release = services['worker']?.good[0]?.release.id;
      return [
        `worker.${String(replica)}`,
        release,
        `test-worker-${String(replica)}-${(release ?? '').slice(0, 8)}`,
        'unless-stopped',
      ];
    }),
  ];
  expect(own.map((c) => [slotOf(c), c.owner?.release, c.name, c.detail?.restart.name])).toEqual(wanted);
  expect(own.every((c) => c.state === 'running')).toBe(true);
  const blamed = Object.entries(services).flatMap(([name, r]) =>
    r.failure && name !== 'migrate' ? [r.failure.version] : [],
  );
  expect(blamed.filter((version) => !BAD.includes(version))).toEqual([]);
  const told = plan.services.filter((s) => s.service !== 'migrate').map((s) => s.decision.kind);
  expect(told.filter((kind) => kind !== 'converged' && kind !== 'rolled-back')).toEqual([]);
};

interface Invariant extends Watch {
  readonly end?: (run: Run, plan: HostPlan) => void | Promise<void>;
}

const FOREIGN = foreignOf(start({}).engine);

describe('whatever happens on a simulated host', () => {
  const commands = fc.array(
    fc.oneof(
      { arbitrary: publish, weight: 3 },
      { arbitrary: disturbance, weight: 5 },
      { arbitrary: kill, weight: 1 },
    ),
    { maxLength: 12 },
  );
  it.each<[string, Invariant]>([
    [
      'invariant 2: foreign containers are never touched',
      {
        after: (engine) => expect(foreignOf(engine)).toEqual(FOREIGN),
        end: ({ engine }) => expect(foreignOf(engine)).toEqual(FOREIGN),
      },
    ],
    [
      'invariant 3: nothing is stopped before everything its replacement needs is local',
      { before: checkStop },
    ],
    [
      'at most one container of a slot runs, and at most one has a restart policy in force',
      { after: checkContainers },
    ],
    [
      'faults that stop lead to a good release in a bounded number of steps, and no good version is blamed',
      { end: expectGood },
    ],
    [
      'invariant 7: planning a converged host says converged and calls nothing that writes',
      { end: async (run) => expect(isBusy(await run.agent().plan())).toBe(false) },
    ],
    [
      'every plan survives JSON',
      { onPlan: (plan) => expect(JSON.parse(JSON.stringify(plan))).toEqual(plan) },
    ],
  ])(
    '%s',
    async (_, { end, ...watch }) => {
      await fc.assert(
        fc.asyncProperty(commands, async (list) => {
          const run = start(watch);
          await run.settle();
          for (const command of list) await run.apply(command);
          const plan = await run.settle();
          expect(isBusy(plan)).toBe(false);
          await end?.(run, plan);
        }),
        runs,
      );
    },
    PATIENCE_MS,
  );

  it(
    'invariant 5: killing the agent at any moment, and starting it again, ends in the same state as not killing it',
    async () => {
      const deploys = fc.array(publish, { minLength: 1, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(deploys, fc.array(kill, { minLength: 1, maxLength: 4 }), async (list, kills) => {
          const calm = start({});
          const rough = start({});
          await calm.settle();
          await rough.settle();
          for (const [index, command] of list.entries()) {
            await calm.apply(command);
            await calm.settle();
            await rough.apply(command);
            const death = kills[index % kills.length];
            if (death) await rough.apply(death);
            await rough.settle();
          }
          expect(normal(rough.engine)).toEqual(normal(calm.engine));
          expect(outcomesOf(await rough.agent().plan())).toEqual(outcomesOf(await calm.agent().plan()));
        }),
        runs,
      );
    },
    PATIENCE_MS,
  );
});
