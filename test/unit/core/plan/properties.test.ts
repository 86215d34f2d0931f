import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action } from '../../../../src/core/plan/action.ts';
import type { HostPlan } from '../../../../src/core/plan/host-plan.ts';
import type { Container } from '../../../../src/core/state/actual.ts';
import { isBusy, outcomesOf, type SimulatedAgent } from '../../../support/simulated-agent.ts';
import type { SimulatedEngine } from '../../../support/simulated-engine.ts';
import { restsForEver } from './at-rest.ts';
import { BAD, disturbance, kill, publish, start, type Run, type Watch } from './history.ts';
import { runs } from './property-runs.ts';

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
  const armed = own.filter((c) => c.state !== 'dead' && c.detail?.restart.name !== 'no');
  expect(doubles(armed)).toEqual([]);
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

/** Twelve commands of at most three faults each. */
const MOST_FAULTS = 36;

const isGivenUp = (plan: HostPlan): boolean => plan.services.some((s) => s.decision.kind === 'blocked');

/** A start that failed twice has interrupted what serves twice, and is given up until an operator says `retry`. */
const settleGivenUp = async (run: Run, plan: HostPlan): Promise<HostPlan> => {
  let settled = plan;
  for (let left = MOST_FAULTS; left > 0 && isGivenUp(settled); left -= 1) {
    run.restart();
    settled = await run.settle();
  }
  return settled;
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
      { end: async (run, plan) => expectGood(run, await settleGivenUp(run, plan)) },
    ],
    [
      'invariant 7: planning a converged host says converged and calls nothing that writes',
      { end: async (run) => expect(isBusy(await run.agent().plan())).toBe(false) },
    ],
    ['a plan at rest is the same at any later time', { onPlan: restsForEver }],
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
