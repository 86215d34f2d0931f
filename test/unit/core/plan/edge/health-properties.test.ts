import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWell } from '../../../../../src/core/plan/readiness.ts';
import { serverName } from '../../../../../src/core/edge/haproxy-names.ts';
import type { Action } from '../../../../../src/core/plan/action.ts';
import type { HostPlan } from '../../../../../src/core/plan/host-plan.ts';
import type { HealthSetting } from '../../../../../src/core/plan/plan-input.ts';
import type { SimulatedEngine } from '../../../../support/simulated-engine.ts';
import { runs } from '../property-runs.ts';
import { blow, kill, mishap, publish, scale, start, turn, type Command, type Run } from './edge-history.ts';
import { serving } from './scenes.ts';

const HEALTH: HealthSetting = { hostAddress: '', hostPort: 9000, leadMs: 5_000 };

const answerOf = (engine: SimulatedEngine) => {
  const { edges, containers } = engine.actual();
  const isUp = (instance: string): boolean =>
    containers.some((c) => c.edge?.instance === instance && c.state === 'running');
  return edges.find((e) => e.state && !e.state.isLeaving && isUp(e.instance))?.state?.answers?.['web'];
};

/** The container that gets no new connections after this action. */
const takenOut = (engine: SimulatedEngine, action: Action): string | undefined => {
  if (action.kind === 'stop') return action.container.id;
  if (action.kind !== 'edge-set-state' || action.state !== 'drain') return undefined;
  return engine.actual().containers.find((c) => serverName(c.id) === action.server)?.id;
};

/** What outside clients of `web` are served by is taken away after the lead. */
const expectTold = (engine: SimulatedEngine, stopped: string): void => {
  const own = engine.actual().containers.filter((c) => c.owner?.service === 'web' && isWell(c));
  const leaving = own.find((c) => c.id === stopped);
  if (!leaving) return;
  const behindEdge = [...serving(engine), ...serving(engine, 'web:9999')];
  const isServing = leaving.ports.length > 0 || behindEdge.includes(stopped);
  const isLast = isServing && behindEdge.every((id) => id === stopped);
  if (!isLast) return;
  const answer = answerOf(engine);
  if (!answer || answer.isUp || answer.sinceMs + HEALTH.leadMs > engine.now())
    throw new Error(`${leaving.name} is stopped while load balancers heard ${JSON.stringify(answer)}`);
};

const order: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant('lay out' as const),
  change: fc.record({ order: fc.constantFrom('stop-first' as const, 'start-first' as const) }),
});

const happening = fc.oneof(
  { arbitrary: publish, weight: 3 },
  { arbitrary: turn, weight: 3 },
  { arbitrary: mishap, weight: 4 },
  { arbitrary: kill, weight: 2 },
  { arbitrary: order, weight: 2 },
  { arbitrary: scale, weight: 1 },
  { arbitrary: blow, weight: 1 },
);

/** From every edge that answers, with what it finds out itself. */
const isHeard = (engine: SimulatedEngine, isUp: boolean): boolean => {
  const heard = engine.heard();
  return heard.length === 1 && heard[0]?.endsWith(`/web ${isUp ? '200' : '503'}`) === true;
};

/** What load balancers hear against what is there, once everything has settled. */
const endOf = (run: Run, plan: HostPlan): Readonly<Record<string, string>> => {
  const web = plan.services.find((s) => s.service === 'web');
  const isServed = web?.running.some((r) => r.role === 'serving' && r.state === 'running') === true;
  const { drain } = run.agent().ledger;
  const isOut = drain !== undefined && (drain.untilMs ?? Infinity) > run.engine.now();
  const up = run.engine.actual().containers.filter((c) => c.owner && c.state === 'running');
  const isTold = web?.readiness !== undefined && web.decision.kind !== 'blocked';
  const shouldBeUp = isServed && web?.readiness?.isReady === true;
  return {
    heard: isTold && !isHeard(run.engine, shouldBeUp) ? run.engine.heard().join(' | ') : 'true',
    up: isOut && up.length > 0 ? up.map((c) => c.name).join(', ') : 'as it should be',
  };
};

describe('whatever happens on a simulated host behind a load balancer', () => {
  it('invariant 9: nothing that serves is stopped before load balancers had the lead, and what they hear is true in the end', async () => {
    await fc.assert(
      fc.asyncProperty(order, fc.array(happening, { maxLength: 8 }), async (first, list) => {
        const run = start(
          {
            before: (engine, action) => {
              const id = takenOut(engine, action);
              if (id !== undefined) expectTold(engine, id);
            },
          },
          HEALTH,
        );
        await run.apply(first);
        await run.settle();
        for (const command of [...list, { kind: 'ticks' as const, count: 3 }]) await run.apply(command);
        const plan = await run.settle();
        expect(endOf(run, plan)).toEqual({ heard: 'true', up: 'as it should be' });
      }),
      { ...runs, numRuns: runs.numRuns / 4 },
    );
  });
});
