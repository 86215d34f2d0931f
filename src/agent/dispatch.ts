import { toAgentError, type AgentError } from '../core/errors.ts';
import type { Action } from '../core/plan/action.ts';
import { attemptOf } from '../core/plan/failed-step.ts';
import type { HostPlan, ServicePlan } from '../core/plan/host-plan.ts';
import { EDGE_TARGET, failedStepKey, serviceOf, type FailedStep } from '../core/plan/plan-input.ts';
import type { PullProgress } from '../core/ports/engine.ts';
import type { DesiredHost } from '../core/state/desired.ts';
import type { createExecutor } from './execute.ts';
import type { IntakeReader } from './intake.ts';
import type { createLanes } from './lanes.ts';

const HOUSEKEEPING = '';

/** What the actions are taken for. */
interface Work {
  /** The service; empty for the host. */
  readonly name: string;
  /** The release that the actions serve. */
  readonly served: string;
  readonly why: string;
}

/** Cannot be the name of a service. */
const EDGE_LANE = 'edge of the host';

/** The host as the reconciler knows it. */
interface Host {
  readonly desired: () => DesiredHost | undefined;
  /** The engine went offline during a step; the next observation shows the result. */
  readonly lost: (error: AgentError) => void;
}

/** Runs the steps of a plan in lanes, and remembers those that failed. */
export const createDispatcher = (
  lanes: ReturnType<typeof createLanes>,
  execute: ReturnType<typeof createExecutor>,
  intake: IntakeReader,
  host: Host,
) => {
  const failedSteps = new Map<string, FailedStep>();
  /** The release that the last step of a service worked for. */
  const lastTarget = new Map<string, string | undefined>();
  const progress = new Map<string, PullProgress>();

  const runOne = async (work: Work, action: Action, signal: AbortSignal): Promise<boolean> => {
    const { name, served, why } = work;
    const release = releaseServed(action, served);
    const key = failedStepKey(name, release);
    const serial = intake.state().manifest?.serial ?? 0;
    const onProgress = (p: PullProgress): void => void progress.set(name, p);
    try {
      const attempt = attemptOf(host.desired()?.services ?? {}, release);
      const desired = host.desired()?.services[name];
      const spec = desired?.kind === 'release' ? desired.release.spec : undefined;
      const job = { service: name, action, why, release, spec, serial, attempt, onProgress };
      const failedStep = await execute(job, failedSteps.get(key), signal);
      if (failedStep) failedSteps.set(key, failedStep);
      else if (failedSteps.get(key)?.action === action.kind) failedSteps.delete(key);
      return failedStep === undefined;
    } catch (error) {
      host.lost(toAgentError(error));
      return false;
    } finally {
      if (action.kind === 'pull') progress.delete(name);
    }
  };

  /** Runs actions in parallel, but enables new servers before it drains old ones. True if all succeeded. */
  const run = async (work: Work, actions: readonly Action[], signal: AbortSignal): Promise<boolean> => {
    const groups = [actions.filter(isTakingOver), actions.filter((a) => !isTakingOver(a))];
    const done: boolean[] = [];
    for (const group of groups.filter((g) => g.length > 0))
      done.push(...(await Promise.all(group.map((action) => runOne(work, action, signal)))));
    return done.every(Boolean);
  };

  /** Whether only drained containers are being stopped, while another release is to begin. */
  const isOvertaken = ({ service, target, desired }: ServicePlan): boolean =>
    target !== undefined &&
    target === desired?.release &&
    target !== lastTarget.get(service) &&
    lanes.of(service)?.actions.every((a) => a.kind === 'stop' && a.isDrained) === true;

  const dispatch = (plan: HostPlan, observation: number): void => {
    for (const service of plan.services) {
      const { decision, staging } = service;
      // The next pass plans without these containers.
      if (isOvertaken(service)) lanes.setAside(service.service);
      else if (decision.kind === 'act') {
        const isStarted = lanes.start(service.service, observation, decision.actions, async (signal) => {
          const work = { name: service.service, served: service.target ?? '', why: decision.why };
          await run(work, decision.actions, signal);
        });
        if (isStarted) lastTarget.set(service.service, service.target);
      }
      const lane = `${service.service} staging`;
      const busy = lanes.of(lane);
      if (staging.length > 0) {
        // A newer version is desired, so the old one's pull is aborted. With nothing left to pull, the work
        // goes on: the image has yet to be verified and tagged.
        if (busy && JSON.stringify(busy.actions) !== JSON.stringify(staging)) lanes.abort(lane);
        lanes.start(lane, observation, staging, async (signal) => {
          const work = { name: service.service, served: service.desired?.release ?? '', why: '' };
          await run(work, staging, signal);
        });
      }
    }
    const edge = plan.edge?.decision;
    if (edge?.kind === 'act')
      lanes.start(EDGE_LANE, observation, edge.actions, async (signal) => {
        // Each step needs the one before it: the container starts with the file.
        const work = { name: HOUSEKEEPING, served: EDGE_TARGET, why: edge.why };
        for (const action of edge.actions) if (!(await run(work, [action], signal))) return;
      });
    if (plan.housekeeping.length > 0 && !lanes.isBusy()) {
      lanes.start(HOUSEKEEPING, observation, plan.housekeeping, async (signal) => {
        await run(
          { name: HOUSEKEEPING, served: '', why: 'nothing needs it any more' },
          plan.housekeeping,
          signal,
        );
      });
    }
  };

  const actions = (): readonly Action[] => [
    ...lanes.entries().flatMap(([, busy]) => busy.actions),
    ...lanes.aside(),
  ];

  return {
    dispatch,
    actions,
    failedSteps: (): ReadonlyMap<string, FailedStep> => failedSteps,
    progress: (): ReadonlyMap<string, PullProgress> => progress,

    /** Whether a step of the edge runs, or ended after this observation began. */
    isEdgeBusy: (observation: number): boolean =>
      lanes.of(EDGE_LANE) !== undefined || lanes.hasEndedSince(observation, EDGE_LANE),

    /** Ids of containers that are being stopped, and that no other step waits for. */
    leaving: (): readonly string[] =>
      lanes.aside().flatMap((a) => ('container' in a ? [a.container.id] : [])),

    /** Addresses of containers whose creation is under way. */
    reserved: (): readonly string[] => reservedBy(actions()),

    /** Lets failed steps be tried at once: of this service, or all. */
    forgetFailedSteps: (service?: string): void => {
      for (const key of failedSteps.keys())
        if (service === undefined || serviceOf(key) === service) failedSteps.delete(key);
    },
  };
};

const isTakingOver = (a: Action): boolean => a.kind === 'edge-set-state' && a.state === 'ready';

const reservedBy = (actions: readonly Action[]): readonly string[] =>
  actions.flatMap((a) => {
    if (a.kind === 'create') return a.edge ? [a.edge.ip] : [];
    return a.kind === 'connect' && a.attachment.ipv4 !== undefined ? [a.attachment.ipv4] : [];
  });

/** The release that an action serves; some actions name it themselves. */
const releaseServed = (action: Action, served: string): string => {
  if (action.kind === 'resolve-tag') return action.key;
  if (action.kind === 'create') return action.release.id;
  return action.kind === 'start' ? action.release : served;
};
