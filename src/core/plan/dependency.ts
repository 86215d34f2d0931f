import type { Dependency, Service } from '../compose/project-model.ts';
import { hasRunInFleet } from '../state/fleet-jobs.ts';
import { failureOf, serviceRecord } from '../state/ledger.ts';
import type { Release } from '../state/release.ts';
import { donorServices } from './shared-namespace.ts';
import { wait } from './gate.ts';
import type { PlanInput, ServiceContext } from './plan-input.ts';
import { switchRefusal, unfit } from './prepare.ts';
import { contextOf } from './service-context.ts';
import { type Decision, type ServicePlan } from './host-plan.ts';
import { isUnderWay, type WaitReason } from '../vocabulary/reasons.ts';

type State = 'met' | 'pending' | 'failed';

/** How far the dependencies of a release that has not begun are. */
export type Dependencies =
  | { readonly kind: 'met' }
  /** The first one that it waits for, or cannot get. */
  | { readonly kind: 'obstacle'; readonly decision: Decision }
  /** All that it waits for run within one turn, for which no service has asked yet. */
  | {
      readonly kind: 'behind-turn';
      /** The wait for the first of them. */
      readonly decision: Decision;
      readonly jobs: readonly string[];
      /** One of them is a job that this release waits for. */
      readonly isForJob: boolean;
    };

export const dependenciesOf = (
  c: ServiceContext,
  release: Release,
  attempt: number,
  plans: ReadonlyMap<string, ServicePlan>,
): Dependencies => {
  const needless = c.isJob ? whyNeedless(c, c.service.name) : undefined;
  if (needless !== undefined) return stopped(wait('dependency', needless));
  const donors = donorServices(c.input.project, release);
  const switching = donors.map((name) => plans.get(name)).find((p) => p && isSwitching(p.decision));
  // A donor need not be good: this very service may be what listens on a port of the donor.
  if (switching)
    return stopped(wait('dependency', `it joins a namespace of ${switching.service}, and waits for it`));
  const behind: { readonly dependency: Dependency; readonly plan: ServicePlan }[] = [];
  for (const dependency of c.service.dependsOn) {
    if (dependency.condition === 'started' && donors.includes(dependency.service)) continue;
    const plan = plans.get(dependency.service);
    const state = plan ? stateOf(c, dependency, plan) : 'failed';
    if (state === 'failed') return stopped(failed(c, release, attempt, dependency, plan));
    if (state === 'met') continue;
    if (!plan?.turn || plan.turn.jobs.length === 0) return stopped(waitFor(dependency, plan));
    behind.push({ dependency, plan });
  }
  const [first] = behind;
  if (!first) return { kind: 'met' };
  return {
    kind: 'behind-turn',
    decision: waitFor(first.dependency, first.plan),
    jobs: [...new Set(behind.flatMap(({ plan }) => plan.turn?.jobs ?? []))],
    isForJob: behind.some(({ dependency }) => dependency.condition === 'completed'),
  };
};

const stopped = (decision: Decision): Dependencies => ({ kind: 'obstacle', decision });

/** What a job waits for if services are about to begin that need it, and none of them can; else undefined. */
const whyNeedless = (c: ServiceContext, job: string): string | undefined => {
  const waiting = Object.values(c.input.project.services)
    .filter((s) => s.dependsOn.some((d) => d.service === job) && isDue(c.input, s.name))
    .map((service) => ({ name: service.name, obstacle: obstacleOf(c, service) }));
  const obstacles = waiting.flatMap(({ obstacle }) => obstacle ?? []);
  const [first] = obstacles;
  if (first === undefined || obstacles.length < waiting.length) return undefined;
  return `waits until ${waiting.map(({ name }) => name).join(' or ')} can begin: ${first}`;
};

const isDue = ({ desired, ledger }: PlanInput, service: string): boolean => {
  const wanted = desired[service];
  return (
    wanted?.kind === 'release' &&
    serviceRecord(ledger, service).good[0]?.release.id !== wanted.release.id &&
    !hasRunInFleet(ledger, wanted.release)
  );
};

/** Why it cannot begin, whatever runs before it. */
const obstacleOf = ({ input, opensAtMs }: ServiceContext, service: Service): string | undefined => {
  const wanted = input.desired[service.name];
  if (wanted?.kind !== 'release') return undefined;
  const c = contextOf(input, service, opensAtMs);
  const refused = unfit(input, wanted) ?? switchRefusal(c, wanted.release);
  return refused?.message ?? (c.isJob ? whyNeedless(c, service.name) : undefined);
};

/** The wait lasts as long as that of the dependency. */
const waitFor = ({ service, condition }: Dependency, plan: ServicePlan | undefined): Decision => {
  const message = `waits until ${service} is ${condition}`;
  return plan?.decision.kind === 'wait'
    ? wait('dependency', `${message}: ${plan.decision.message}`, plan.decision.until)
    : wait('dependency', message);
};

/** A service that waits for its turn switches soon; one that is halted serves on as it is. */
const isSettled = (decision: Decision): boolean =>
  decision.kind !== 'act' &&
  !(decision.kind === 'wait' && (SOON.has(decision.reason) || isUnderWay(decision.reason)));

const SOON: ReadonlySet<WaitReason> = new Set(['dependency', 'turn']);

/** Whether another container is about to take its place. */
const isSwitching = (decision: Decision): boolean =>
  decision.kind === 'act' || (decision.kind === 'wait' && SWITCHING.has(decision.reason));

const SWITCHING: ReadonlySet<WaitReason> = new Set(['image', 'dependency', 'removal']);

const stateOf = (c: ServiceContext, { condition }: Dependency, plan: ServicePlan): State => {
  const { decision } = plan;
  if (condition === 'completed') {
    const good = c.input.ledger.services[plan.service]?.good[0];
    const isDone = good?.completed === true && good.release.id === plan.desired?.release;
    const wanted = c.input.desired[plan.service];
    if (isDone || (wanted?.kind === 'release' && hasRunInFleet(c.input.ledger, wanted.release))) return 'met';
    return decision.kind === 'blocked' || decision.kind === 'rolled-back' ? 'failed' : 'pending';
  }
  if (!isSettled(decision)) return 'pending';
  const serving = plan.running.filter((r) => r.state === 'running');
  const isUp =
    condition === 'started'
      ? serving.length > 0
      : serving.some((r) => r.health !== 'unhealthy' && r.health !== 'starting');
  if (isUp || decision.kind === 'converged') return 'met';
  return decision.kind === 'wait' ? 'pending' : 'failed';
};

const failed = (
  c: ServiceContext,
  release: Release,
  attempt: number,
  dependency: Dependency,
  plan: ServicePlan | undefined,
): Decision => {
  const cause = plan && 'message' in plan.decision ? plan.decision.message : 'it is not there';
  // After a job of the fleet, whatever waits for it goes on once any host has done it.
  const isBadJob =
    dependency.condition === 'completed' &&
    c.input.project.services[dependency.service]?.once === undefined &&
    plan?.desired !== undefined &&
    failureOf(serviceRecord(c.input.ledger, dependency.service), plan.desired.release) !== undefined;
  if (!isBadJob || !plan?.desired) {
    return {
      kind: 'blocked',
      reason: 'dependency',
      message: `it needs ${dependency.service}, which is not ${dependency.condition}: ${cause}`,
      advice: `see supercargo explain ${dependency.service}`,
    };
  }
  return {
    kind: 'act',
    why: `its job ${dependency.service} failed`,
    actions: [
      {
        kind: 'quarantine',
        containers: [],
        failure: {
          release: release.id,
          version: release.version,
          attempt,
          reason: 'job-failed',
          job: { service: dependency.service, release: plan.desired.release },
          message: `its job ${dependency.service} failed: ${cause}`,
        },
      },
    ],
  };
};
