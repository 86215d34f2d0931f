import { hasRunInFleet } from '../state/fleet-jobs.ts';
import { serviceRecord } from '../state/ledger.ts';
import type { Release } from '../state/release.ts';
import { isoSeconds } from '../time.ts';
import type { Heard } from '../turns/turn-view.ts';
import type { Forward } from './goal.ts';
import type { Decision } from './host-plan.ts';
import type { Dependencies } from './dependency.ts';
import { failedStepDecision, restingFailedStep } from './failed-step.ts';
import { wait } from './gate.ts';
import { longestStartingMs } from './health-check-time.ts';
import { hasBegun, type PlanInput, type ServiceContext } from './plan-input.ts';
import { quarantineOf } from './quarantine.ts';
import { contextOf } from './service-context.ts';
import { kindOf } from './switching.ts';
import type { TurnNeed } from './turn-need.ts';

/** Root's way out where the store hands out no turns. */
export const SWITCH_NOW = 'supercargo switch-now --reason R';

/** What stands before a switch that nothing but its dependencies and its turn can delay. */
export interface LastGate {
  /** Undefined if the switch may begin. */
  readonly obstacle?: Decision;
  /** Absent if it needs no turn, or cannot ask for one yet. */
  readonly turn?: TurnNeed;
}

/** A host asks last: everything else that could delay the switch is settled. */
export const lastGate = (c: ServiceContext, goal: Forward, dependencies: Dependencies): LastGate => {
  if (dependencies.kind === 'obstacle') return { obstacle: dependencies.decision };
  const unasked = goal.release.fleetJob && whyUnasked(c, goal.release);
  if (unasked !== undefined) return { obstacle: wait('turn', unasked) };
  if (!goal.release.fleetJob && !needsTurns(c.input)) return {};
  // A turn that begins nothing is given back; a step that failed rests without one.
  const failedStep = restingFailedStep(c, goal.release.id);
  if (failedStep?.code === 'RELEASE') return {};
  if (failedStep) return { obstacle: failedStepDecision(failedStep, c.service.name) };
  const { name } = c.service;
  const behind = dependencies.kind === 'behind-turn' ? dependencies : undefined;
  const jobs = behind?.jobs ?? [];
  const need = (state: TurnNeed['state'], runs: readonly string[]): TurnNeed => ({
    state,
    jobs: runs,
    mostMs: [name, ...runs].reduce((sum, service) => sum + longestSwitchMs(c.input, service), 0),
  });
  const dependents = c.isJob && !goal.release.fleetJob ? dueDependents(c) : [];
  if (dependents.length > 0) {
    const runs = [name, ...jobs];
    if (!behind && c.jobsInTurn.has(name)) return { turn: need('granted', runs) };
    const text = `runs once ${dependents.join(' and ')} may begin`;
    return { obstacle: behind?.decision ?? wait('turn', text), turn: need('awaited', runs) };
  }
  if (behind && !behind.isForJob) return { obstacle: behind.decision, turn: need('awaited', jobs) };
  const closed = closedTurn(c, goal);
  if (closed) return { obstacle: closed, turn: need('wanted', jobs) };
  return { ...(behind && { obstacle: behind.decision }), turn: need('granted', jobs) };
};

/** Why no host of the fleet can be chosen for the job. Without a store, every host would run it. */
const whyUnasked = ({ input, service: { name } }: ServiceContext, { image }: Release): string | undefined => {
  const needs = (what: string): string => `${name} runs once in the fleet, and needs ${what}`;
  if (!input.turns)
    return needs(`a pace: supercargo pace ${input.environment} --max-parallel 1, or SUPERCARGO_TURNS=always`);
  return image.reference.digest === undefined
    ? needs(`a digest in the manifest: supercargo publish ${input.environment} writes one`)
    : undefined;
};

const needsTurns = ({ turns, ledger, manifest }: PlanInput): boolean =>
  turns !== undefined && ledger.switchNow?.serial !== (manifest?.serial ?? 0);

/** What the switch waits for without a turn; undefined if it has one, or goes on without an answer. */
const closedTurn = (c: ServiceContext, { release, attempt }: Forward): Decision | undefined => {
  const heard = heardOf(c, release.id, attempt);
  switch (heard?.kind) {
    case undefined:
      return wait(
        'turn',
        'has asked the report store for a turn, which answers once a place is free, or after 25 s',
      );
    case 'granted':
      return undefined;
    case 'refused':
      return wait(heard.reason, heard.message);
    case 'unanswered': {
      // Where no store can say that no other host runs it, a person decides about a job of the fleet.
      const isDecided = release.fleetJob !== undefined && !needsTurns(c.input);
      if (kindOf(c, release) !== 'first' && !isDecided)
        return wait('turn', `${heard.message}; root can begin without a turn: ${SWITCH_NOW}`);
      const what = release.fleetJob ? 'the job' : 'the first release';
      const message = `${heard.message}; ${what} begins without a turn at ${isoSeconds(heard.untilMs)}`;
      return c.input.nowMs < heard.untilMs ? wait('turn', message, heard.untilMs) : undefined;
    }
  }
};

/** What was heard about another release or attempt says nothing about this one. */
const heardOf = ({ input, service }: ServiceContext, release: string, attempt: number): Heard | undefined => {
  const heard = input.turns?.heard[service.name];
  return heard?.release === release && heard.attempt === attempt ? heard : undefined;
};

/** Services that wait for this job and are about to switch: the job runs within their turn. */
const dueDependents = ({ input, service: { name }, opensAtMs }: ServiceContext): readonly string[] =>
  Object.values(input.project.services)
    .filter((s) => s.dependsOn.some((d) => d.service === name && d.condition === 'completed'))
    .filter((s) => {
      const wanted = input.desired[s.name];
      if (wanted?.kind !== 'release') return false;
      const { release, attempt } = wanted;
      return (
        serviceRecord(input.ledger, s.name).good[0]?.release.id !== release.id &&
        !hasRunInFleet(input.ledger, release) &&
        quarantineOf(input, s.name, release.id, attempt) === undefined &&
        !hasBegun(contextOf(input, s, opensAtMs), release.id)
      );
    })
    .map((s) => s.name);

/** For the edge to reach a port, and for steps of the engine. */
const RESERVE_MS = 60_000;

/** A sum that errs on the long side: batches follow each other, each with every limit that it may use up. */
const longestSwitchMs = ({ project, edge }: PlanInput, name: string): number => {
  const service = project.services[name];
  if (!service) return 0;
  const { replicas, update, healthyWithinMs, drainMs, container } = service;
  const batches = update.parallelism === 0 ? 1 : Math.max(1, Math.ceil(replicas / update.parallelism));
  const proofMs = Math.max(healthyWithinMs, longestStartingMs(container.healthcheck)) + update.monitorMs;
  const leavingMs = drainMs + container.stopGraceMs + 2 * (edge.health?.leadMs ?? 0);
  return batches * (proofMs + leavingMs + update.delayMs + RESERVE_MS);
};
