import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverName } from '../../../../../src/core/edge/haproxy-names.ts';
import type { Container } from '../../../../../src/core/state/actual.ts';
import type { HostPlan } from '../../../../../src/core/plan/host-plan.ts';
import { isBusy, outcomesOf } from '../../../../support/simulated-agent.ts';
import type { SimulatedEngine } from '../../../../support/simulated-engine.ts';
import {
  BAD,
  blow,
  kill,
  mishap,
  publish,
  relay,
  scale,
  start,
  type Command,
  type Run,
  type Watch,
} from './edge-history.ts';
import { FALLS_AGAIN_AND_AGAIN, FALLS_BEFORE_THE_NEXT_EDGE, FOUND } from './counterexamples.ts';
import { named, rotation, serving } from './scenes.ts';
import { restsForEver } from '../at-rest.ts';
import { runs } from '../property-runs.ts';

const PATIENCE_MS = 600_000;

const isRunning = (c: Container): boolean => c.state === 'running' || c.state === 'restarting';
const foreignOf = (engine: SimulatedEngine): unknown =>
  engine
    .actual()
    .containers.filter((c) => !c.owner && !c.edge)
    .map(({ id, name, state, detail }) => ({ id, name, state, restart: detail?.restart }));
const FOREIGN = foreignOf(start({}).engine);

interface Invariant extends Watch {
  readonly end?: (run: Run) => void | Promise<void>;
}

/** No action takes away what serves: before it, and after it. */
const neverFewer = (): Watch => {
  let before = 0;
  return {
    before: (engine) => {
      before = serving(engine).size;
    },
    after: (engine, action, floor) => {
      const after = serving(engine).size;
      if (after < Math.min(before, floor))
        throw new Error(
          `${action.kind}: ${String(before)} served, now ${String(after)}: ${rotation(engine).join(' | ')}`,
        );
    },
  };
};

/** Nobody is sent to a container that is being stopped. */
const nobodySent: Watch = {
  before: (engine, action) => {
    if (action.kind !== 'stop') return;
    const { containers } = engine.actual();
    const stopped = containers.find((c) => c.id === action.container.id);
    if (stopped?.owner && isRunning(stopped) && named(engine).has(serverName(stopped.id)))
      throw new Error(`${stopped.name} is stopped while an edge names it: ${rotation(engine).join(' | ')}`);
  },
};

const distinctAddresses: Watch = {
  after: (engine) => {
    const ips = engine
      .actual()
      .containers.flatMap((c) => c.detail?.networks.flatMap((n) => n.fixedIps ?? []) ?? []);
    expect(ips).toEqual([...new Set(ips)]);
  },
};

const foreignStay: Watch = { after: (engine) => expect(foreignOf(engine)).toEqual(FOREIGN) };
const restfulPlans: Watch = { onPlan: restsForEver };
const plainPlans: Watch = { onPlan: (plan) => expect(JSON.parse(JSON.stringify(plan))).toEqual(plan) };

const normal = (engine: SimulatedEngine): unknown => ({
  containers: engine
    .actual()
    .containers.filter((c) => c.owner)
    .map((c) => {
      // One that falls again and again is up at one moment, and about to be at the next.
      const state = isRunning(c) ? 'up' : c.state;
      return [c.owner?.service, c.owner?.replica, c.owner?.version, state, c.detail?.restart.name].join(' ');
    })
    .toSorted(),
  edges: engine
    .actual()
    .containers.filter((c) => c.edge)
    .map((c) => [c.state, c.edge?.shape]),
  rotation: rotation(engine),
});

/** Stop-first watches nobody once he is good: one that falls later is told, and kept. */
const isBadKept = (run: Run): boolean =>
  BAD.includes(run.agent().ledger.services['web']?.good[0]?.release.version ?? '');

/** The last good release serves with every replica; one edge, which says what its file says; nothing else is left. */
const expectGood = async (run: Run): Promise<void> => {
  const plan = await run.agent().plan();
  expect(isBusy(plan)).toBe(false);
  if (isBadKept(run)) return;
  const told = plan.services.map((s) => s.decision);
  expect(told.filter((d) => d.kind !== 'converged' && d.kind !== 'rolled-back')).toEqual([]);
  const { services } = run.agent().ledger;
  const good = services['web']?.good[0]?.release;
  const own = run.engine.actual().containers.filter((c) => c.owner?.service === 'web');
  expect(own.map((c) => [c.owner?.release, c.state])).toEqual(own.map(() => [good?.id, 'running']));
  const blamed = services['web']?.failure?.version;
  expect([...BAD, undefined]).toContain(blamed);
  const edges = run.engine.actual().containers.filter((c) => c.edge);
  expect(edges.map((c) => c.state)).toEqual(['running']);
  const port = good?.spec.container.ports[0]?.containerPort;
  if (good?.spec.exposure === 'edge')
    expect(serving(run.engine, `web:${String(port)}`).size).toBe(run.replicas());
  expect(serving(run.engine, 'api:7000').size).toBe(1);
  const [edge] = run.engine.actual().edges.filter((e) => e.instance === edges[0]?.edge?.instance);
  expect(edge?.state?.servers.map((s) => s.name).toSorted()).toEqual([...named(run.engine)].toSorted());
};

/** Settled, then all of these commands, then settled again, under the eyes of the invariant. */
const live = async (list: readonly Command[], invariant: Invariant): Promise<HostPlan> => {
  let isOn = false;
  const on =
    <A extends readonly unknown[]>(f: ((...args: A) => void) | undefined) =>
    (...args: A) => {
      if (isOn) f?.(...args);
    };
  const run = start({
    before: on(invariant.before),
    after: on(invariant.after),
    onPlan: on(invariant.onPlan),
  });
  await run.settle();
  isOn = true;
  for (const command of list) await run.apply(command);
  const plan = await run.settle();
  await invariant.end?.(run);
  return plan;
};

const endOf = async (run: Run): Promise<unknown> => ({
  host: normal(run.engine),
  // Which of its troubles is told of one that falls again and again depends on the moment, too.
  told: isBadKept(run) ? 'bad' : outcomesOf(await run.agent().plan()),
});

/** Each change alone, on one host as it is, on the other with an agent that is killed meanwhile. */
const endsOf = async (list: readonly Command[], kills: readonly Command[]) => {
  const calm = start({});
  const hurt = start({});
  await calm.settle();
  await hurt.settle();
  for (const [index, command] of list.entries()) {
    await calm.apply(command);
    await calm.settle();
    await hurt.apply(command);
    const death = kills[index % kills.length];
    if (death) await hurt.apply(death);
    await hurt.settle();
  }
  return { calm: await endOf(calm), hurt: await endOf(hurt) };
};

/**
 * A change of the order is good as soon as every replica answers. Whether they all do before the first one
 * turns bad depends on how long the switch takes, which a kill changes: both ends are right.
 */
const isRace = (list: readonly Command[]): boolean =>
  list.some((c) => c.kind === 'publish' && (c.version === 'sickens' || c.version === 'dies')) &&
  list.some((c) => c.kind === 'lay out' && ('order' in c.change || 'port' in c.change));

const tidy = fc.oneof(
  { arbitrary: publish, weight: 3 },
  { arbitrary: mishap, weight: 5 },
  { arbitrary: scale, weight: 1 },
  { arbitrary: kill, weight: 1 },
);
const rough = fc.oneof(
  { arbitrary: tidy, weight: 6 },
  { arbitrary: relay, weight: 2 },
  { arbitrary: blow, weight: 2 },
);

describe('whatever happens on a simulated host with an edge', () => {
  it.each<[string, fc.Arbitrary<Command>, () => Invariant]>([
    ['invariant 1: with start-first, no action takes away a replica that serves', tidy, neverFewer],
    ['nothing is stopped while an edge that may send to it names it', rough, () => nobodySent],
    ['invariant 2: foreign containers are never touched', rough, () => foreignStay],
    ['no two containers have one address', rough, () => distinctAddresses],
    [
      'ends with a good release behind one edge, in a bounded number of steps',
      rough,
      () => ({ end: expectGood }),
    ],
    ['every plan survives JSON', rough, () => plainPlans],
    ['a plan at rest is the same at any later time', rough, () => restfulPlans],
  ])(
    '%s',
    async (_, commands, invariant) => {
      await fc.assert(
        fc.asyncProperty(fc.array(commands, { maxLength: 10 }), async (list) => {
          expect(isBusy(await live(list, invariant()))).toBe(false);
        }),
        runs,
      );
    },
    PATIENCE_MS,
  );

  it.each(FOUND)('%s', async (_, list) => {
    expect(isBusy(await live(list, { ...nobodySent, end: expectGood }))).toBe(false);
  });

  it('an edge that is about to start knows who is sent to by then', async () => {
    expect(isBusy(await live(FALLS_BEFORE_THE_NEXT_EDGE, neverFewer()))).toBe(false);
  });

  it('a release that falls again and again once it was good ends the same with a killed agent', async () => {
    const { calm, hurt } = await endsOf(FALLS_AGAIN_AND_AGAIN, [{ kind: 'kill', at: 0, when: 'after' }]);
    expect(hurt).toEqual(calm);
  });

  it(
    'everything goes the same way each time, so that what was found once can be tried again',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(rough, { maxLength: 10 }), async (list) => {
          const told = async (): Promise<unknown> => {
            const plans: HostPlan[] = [];
            const run = start({ onPlan: (plan) => void plans.push(plan) });
            await run.settle();
            for (const command of list) await run.apply(command);
            await run.settle();
            return { plans, actual: run.engine.actual(), ledger: run.agent().ledger };
          };
          expect(await told()).toEqual(await told());
        }),
        runs,
      );
    },
    PATIENCE_MS,
  );

  it(
    'invariant 5: killing the agent at any moment, and starting it again, ends in the same state as not killing it',
    async () => {
      const changes = fc
        .array(fc.oneof(publish, scale, relay), { minLength: 1, maxLength: 4 })
        .filter((list) => !isRace(list));
      await fc.assert(
        fc.asyncProperty(changes, fc.array(kill, { minLength: 1, maxLength: 4 }), async (list, kills) => {
          const { calm, hurt } = await endsOf(list, kills);
          expect(hurt).toEqual(calm);
        }),
        runs,
      );
    },
    PATIENCE_MS,
  );
});
