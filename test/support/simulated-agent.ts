import { donorsIn } from '../../src/core/compose/namespaces.ts';
import { AgentError } from '../../src/core/errors.ts';
import { formatImage } from '../../src/core/image/reference.ts';
import type { Action } from '../../src/core/plan/action.ts';
import { planHost } from '../../src/core/plan/plan-host.ts';
import { edgeHostAddresses } from '../../src/core/plan/edge/port-availability.ts';
import { identify } from '../../src/core/plan/ownership.ts';
import {
  EDGE_TARGET,
  failedStepKey,
  type PlanInput,
  type FailedStep,
} from '../../src/core/plan/plan-input.ts';
import { attemptOf, nextFailedStep, withoutLifted } from '../../src/core/plan/failed-step.ts';
import { asksForListeners, type Decision, type HostPlan } from '../../src/core/plan/host-plan.ts';
import { isEdgeAction, isEngineAction } from '../../src/core/ports/engine.ts';
import { changeLedger } from '../../src/core/state/ledger-change.ts';
import { withPastRecords, withPastTimes } from '../../src/core/state/clock.ts';
import { emptyLedger, serviceRecord, withContainers, type Ledger } from '../../src/core/state/ledger.ts';
import type { SimulatedEngine } from './simulated-engine.ts';
import { ENVIRONMENT, planInput, type Published } from './world.ts';
import { isShortWait } from '../../src/core/vocabulary/reasons.ts';

export interface Wish {
  readonly compose: string;
  readonly versions?: Readonly<Record<string, string>>;
  readonly published?: Published;
  readonly more?: Partial<PlanInput>;
}

export interface AgentOptions {
  /** Called before each action; what it throws kills the agent there. */
  readonly before?: (action: Action) => void;
  /** Called when an action has taken effect; what it throws kills the agent before it learns of it. */
  readonly after?: (action: Action) => void;
  readonly onPlan?: (plan: HostPlan, input: PlanInput) => void;
  /** What survives a kill: another agent's. */
  readonly ledger?: Ledger;
}

export interface SimulatedAgent {
  wish: Wish;
  ledger: Ledger;
  /** What was done, in order: `start web 1.0.0`. */
  readonly steps: string[];
  /** Looks, plans, takes the next steps. Resolves to the plan. */
  readonly tick: () => Promise<HostPlan>;
  /** Until nothing is left to do but to wait for something outside. @throws when that takes more ticks than `limit`. */
  readonly settle: (limit?: number) => Promise<HostPlan>;
  /** The same, and every action that failed is tried again when its rest is over. @throws when there is no end of that. */
  readonly outlast: (limit?: number) => Promise<HostPlan>;
  readonly plan: () => Promise<HostPlan>;
  /** What it would plan on. */
  readonly observe: () => Promise<PlanInput>;
}

const signal = new AbortController().signal;
const TICK_MS = 10;

/** The agent's loop without its clock, disk and log: observe, plan, take every next step, observe again. */
export const createSimulatedAgent = (
  engine: SimulatedEngine,
  wish: Wish,
  options: AgentOptions = {},
): SimulatedAgent => {
  const failedSteps = new Map<string, FailedStep>();
  const answered = new Map<string, number>();
  let watchingSinceMs = engine.now();
  let lastLookMs = watchingSinceMs;
  let lastPlan: HostPlan | undefined;

  const record = (ids: readonly string[]): void => {
    const alive = new Set(engine.actual().containers.map((c) => c.id));
    agent.ledger = withContainers(agent.ledger, ids, alive);
  };

  const observe = async (): Promise<PlanInput> => {
    const isAsked = lastPlan === undefined || asksForListeners(lastPlan);
    if (engine.now() < lastLookMs) {
      watchingSinceMs = engine.now();
      failedSteps.clear();
    }
    lastLookMs = engine.now();
    const clock = { nowMs: lastLookMs, watchingSinceMs };
    const { project } = planInput(agent.wish);
    const named = Object.values(project.services).flatMap((s) => s.replaces ?? []);
    const replaces = [...named, ...donorsIn(project)];
    const known = agent.ledger.containers ?? [];
    const seen = await engine.observe({ environment: ENVIRONMENT, replaces, known }, signal);
    const instances = seen.containers.flatMap((c) => (c.edge ? [c.edge.instance] : []));
    const addresses = isAsked
      ? edgeHostAddresses(project, agent.ledger, agent.wish.more?.edge ?? {})
      : undefined;
    const actual = { ...seen, ...(await engine.edges.observe(instances, addresses, signal)) };
    const more = {
      nowMs: engine.now(),
      failedSteps: withoutLifted(failedSteps, planInput({ ...agent.wish, ledger: agent.ledger }).desired),
      answered: Object.fromEntries(answered),
      unanswered: {},
      watchingSinceMs,
      ...agent.wish.more,
    };
    const ledger = withPastRecords(agent.ledger, clock);
    const input = planInput({ ...agent.wish, actual: withPastTimes(actual, clock), ledger, more });
    const identified = identify(input);
    record(identified.recognised);
    return { ...input, actual: identified.actual };
  };

  const perform = async (service: string, action: Action): Promise<void> => {
    if (isEdgeAction(action)) return engine.edges.apply(action, signal);
    if (isEngineAction(action)) {
      const applied = await engine.apply(action, ENVIRONMENT, () => undefined, signal);
      if (applied?.kind === 'container') record([applied.id]);
      return;
    }
    const tag = action.kind === 'resolve-tag' ? await engine.resolveTag(action.image, signal) : undefined;
    agent.ledger = changeLedger(agent.ledger, {
      service,
      action,
      findings: { ...(tag && { tag }), log: ['its last words'] },
      nowMs: engine.now(),
      keepReleases: 2,
      serial: agent.wish.published?.serial ?? 1,
    });
  };

  const take = async (service: string, served: string, action: Action): Promise<boolean> => {
    const release =
      action.kind === 'create' ? action.release.id : action.kind === 'start' ? action.release : served;
    const key = failedStepKey(service, action.kind === 'resolve-tag' ? action.key : release);
    const words = brief(action, engine.actual());
    let isDone = true;
    options.before?.(action);
    try {
      await perform(service, action);
      agent.steps.push(words);
      if (failedSteps.get(key)?.action === action.kind) failedSteps.delete(key);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      isDone = false;
      agent.steps.push(`${words} ✗ ${error.code}`);
      const isRepair = serviceRecord(agent.ledger, service).good[0]?.release.id === release;
      const previous = failedSteps.get(key);
      const failedStep = nextFailedStep({
        action,
        release,
        error,
        previous,
        isRepair,
        attempt: attemptOf(planInput({ ...agent.wish, ledger: agent.ledger }).desired, release),
        nowMs: engine.now(),
        random: 0.99,
      });
      failedSteps.set(key, failedStep);
    }
    options.after?.(action);
    return isDone;
  };

  const execute = async (plan: HostPlan): Promise<void> => {
    for (const { service, decision, staging, desired, target } of plan.services) {
      for (const action of staging) await take(service, desired?.release ?? '', action);
      for (const action of decision.kind === 'act' ? decision.actions : [])
        await take(service, target ?? '', action);
    }
    const edge = plan.edge?.decision;
    for (const action of edge?.kind === 'act' ? edge.actions : [])
      if (!(await take('', EDGE_TARGET, action))) break;
    for (const action of plan.housekeeping) await take('', '', action);
  };

  const probe = (plan: HostPlan): void => {
    for (const { container } of plan.services.flatMap((s) => s.probes)) {
      const startedAtMs =
        engine.actual().containers.find((c) => c.id === container.id)?.detail?.startedAtMs ?? 0;
      if (engine.answers(container.id)) answered.set(container.id, startedAtMs);
    }
  };

  const agent: SimulatedAgent = {
    wish,
    ledger: options.ledger ?? emptyLedger(ENVIRONMENT),
    steps: [],
    plan: async () => planHost(await observe()),
    observe,
    tick: async () => {
      const input = await observe();
      const plan = planHost(input);
      lastPlan = plan;
      options.onPlan?.(plan, input);
      await execute(plan);
      probe(plan);
      engine.advance(TICK_MS);
      return plan;
    },
    settle: async (limit = 1_500) => {
      for (let count = 0; count < limit; count += 1) {
        const plan = await agent.tick();
        if (isBusy(plan)) continue;
        const decisions = [
          ...plan.services.map((s) => s.decision),
          ...(plan.edge ? [plan.edge.decision] : []),
        ];
        if (!decisions.some((d) => d.kind === 'wait' && isShortWait(d.reason))) return plan;
        // Time goes by in steps that no container's life is shorter than.
        const restMs = (plan.nextAtMs ?? engine.now()) - engine.now();
        engine.advance(Math.max(TICK_MS, Math.min(1_000, restMs)));
      }
      throw new Error(
        `not settled after ${String(limit)} ticks: ${JSON.stringify(outcomesOf(await agent.plan()))}\n${agent.steps.slice(-30).join('\n')}`,
      );
    },
    outlast: async (limit = 20) => {
      for (let count = 0; count < limit; count += 1) {
        const plan = await agent.settle();
        const rests = [...failedSteps.values()].map((s) => s.untilMs).filter((ms) => ms > engine.now());
        if (rests.length === 0 && !isBusy(await agent.plan())) return plan;
        if (rests.length > 0) engine.advance(Math.min(...rests) - engine.now());
      }
      throw new Error(`${String(limit)} failed steps in a row: ${agent.steps.slice(-30).join('\n')}`);
    },
  };
  return agent;
};

export const isBusy = ({ services, edge, housekeeping }: HostPlan): boolean =>
  housekeeping.length > 0 ||
  edge?.decision.kind === 'act' ||
  services.some((s) => s.decision.kind === 'act' || s.staging.length > 0);

/** `start web 1.0.0` for ours, `stop old-web` for foreign containers; other replicas than the first as `web.2`. */
export const brief = (action: Action, actual: PlanInput['actual']): string => {
  const who = (ref: { readonly id: string; readonly name: string }): string => {
    const owner = actual.containers.find((c) => c.id === ref.id)?.owner;
    const isEdge = actual.containers.some((c) => c.id === ref.id && c.edge !== undefined);
    if (isEdge) return 'edge';
    return owner ? subject(owner.service, owner.replica, owner.version) : ref.name;
  };
  const server = (name: string): string => {
    const container = actual.containers.find((c) => c.id.startsWith(name));
    return container ? who(container) : name;
  };
  switch (action.kind) {
    case 'create-edge':
      return `create-edge${action.predecessor === undefined ? '' : ' beside the last'}`;
    case 'leave-edge':
    case 'edge-discard':
      return action.kind;
    case 'edge-write':
      return `edge-write ${action.config.backends.flatMap((b) => b.servers.map((s) => `${b.name}=${server(s.name)}`)).join(', ')}`;
    case 'edge-add-server':
      return `edge-add ${server(action.server.name)}`;
    case 'edge-set-state':
      return `edge-${action.state} ${server(action.server)}`;
    case 'edge-cut-sessions':
      return `edge-cut ${server(action.server)}`;
    case 'edge-close-port':
      return `edge-close ${String(action.frontend.hostPort)}`;
    case 'edge-answer':
      return `edge-answer ${Object.entries(action.answers)
        .map(([service, { isUp }]) => `/${service} ${isUp ? '200' : '503'}`)
        .join(', ')}`;
    case 'edge-remove-server':
      return `edge-remove ${server(action.server)}`;
    case 'drain':
      return `drain${action.draining ? '' : ' ends'} ${action.containers.map(who).join(', ')}`;
    case 'pull':
    case 'resolve-tag':
      return `${action.kind} ${formatImage({ ...action.image.reference, digest: undefined })}`;
    case 'create':
      return `create ${subject(action.release.service, action.replica, action.release.version)}${action.armed ? '' : ' unarmed'}`;
    case 'create-network':
    case 'remove-network':
    case 'create-volume':
      return `${action.kind} ${action.name}`;
    case 'rename':
      return `rename ${who(action.container)} ${action.to.replace(/[0-9a-f]{8,}$/, '#')}`;
    case 'connect':
    case 'rejoin':
      return `${action.kind} ${who(action.container)} ${action.network}`;
    case 'tag-image':
      return `tag-image ${action.repository}:${action.tag.replace(/[0-9a-f]{8}$/, '#')}`;
    case 'remove-image':
      return `remove-image ${action.references.map((r) => r.replace(/-[0-9a-f]{8}$/, '-#')).join(' ')}`;
    case 'adopt':
      return `adopt ${action.adoption.name}`;
    case 'remember':
      return `remember ${action.release.service} ${action.release.version}${action.completed ? ' completed' : ''}`;
    case 'quarantine':
      return `quarantine ${action.failure.version} ${action.failure.reason}`;
    case 'forget':
      return 'forget';
    case 'disarm':
    case 'arm':
    case 'start':
    case 'unpause':
    case 'stop':
    case 'remove':
    case 'limit':
      return `${action.kind} ${who(action.container)}`;
  }
};

const subject = (service: string, replica: number, version: string): string =>
  `${service}${replica === 1 ? '' : `.${String(replica)}`} ${version}`;

/** One line of a decision: its kind, and what tells it from others of that kind. */
export const outcome = (decision: Decision | undefined): string => {
  switch (decision?.kind) {
    case undefined:
      return 'nothing';
    case 'converged':
      return 'converged';
    case 'act':
      return `act ${decision.actions.map((a) => a.kind).join(', ')}`;
    case 'wait':
    case 'blocked':
      return `${decision.kind} ${decision.reason}`;
    case 'rolled-back':
      return `rolled-back ${decision.from} → ${decision.to}`;
  }
};

export const outcomesOf = (plan: HostPlan): Readonly<Record<string, string>> =>
  Object.fromEntries(plan.services.map((s) => [s.service, outcome(s.decision)]));
