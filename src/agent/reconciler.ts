import { isDeepStrictEqual } from 'node:util';
import { donorsIn } from '../core/compose/namespaces.ts';
import { toAgentError, type AgentError } from '../core/errors.ts';
import { serviceOf, type PlanInput } from '../core/plan/plan-input.ts';
import { edgeHostAddresses } from '../core/plan/edge/port-availability.ts';
import { mayBeOurs } from '../core/plan/ownership.ts';
import { asksForListeners, isUnsettled, type HostPlan } from '../core/plan/host-plan.ts';
import { withoutLifted } from '../core/plan/failed-step.ts';
import type { DesiredHost } from '../core/state/desired.ts';
import type { Actual } from '../core/state/actual.ts';
import { withPastRecords, withPastTimes } from '../core/state/clock.ts';
import { createDispatcher } from './dispatch.ts';
import { createExecutor } from './execute.ts';
import { createIdentifier } from './container-recognition.ts';
import type { IntakeReader } from './intake.ts';
import { createLanes } from './lanes.ts';
import type { Recorder } from './recorder.ts';
import type { AgentOptions, AgentPorts } from './agent-ports.ts';
import { createPlanning } from './planning.ts';
import { createProbing } from './probe-containers.ts';
import type { LedgerRecord } from './ledger-record.ts';
import type { Turns } from './turns.ts';

/** Results of the last observation and plan. */
export interface View {
  readonly actual: Actual | undefined;
  readonly desired: DesiredHost | undefined;
  readonly plan: HostPlan | undefined;
  /** Why the engine could not be observed. */
  readonly offline: AgentError | undefined;
}

/** The daemon makes a pass at least once a minute, so a longer gap means that it did not run. */
const LONGEST_GAP_MS = 90_000;

/** One array, because the observer compares this list by reference. */
const NONE: readonly string[] = [];

/**
 * A pass observes, plans, and starts the next step of every service that is not busy. It never waits for a
 * step to end.
 */
export const createReconciler = (
  ports: AgentPorts,
  options: AgentOptions,
  intake: IntakeReader,
  record: LedgerRecord,
  recorder: Recorder,
  turns: Pick<Turns, 'view' | 'see'>,
  wake: () => void,
) => {
  const lanes = createLanes(wake);
  const planning = createPlanning();
  const probing = createProbing(ports.probe, wake);
  const identifier = createIdentifier(ports, record, recorder);
  const execute = createExecutor(ports, options, record, recorder, () => identifier.alive());
  const dispatcher = createDispatcher(lanes, execute, intake, {
    desired: () => view.desired,
    lost: (error) => {
      view = { ...view, offline: error };
    },
  });
  let watchingSinceMs = ports.now();
  let lastObservationMs = watchingSinceMs;
  let view: View = { actual: undefined, desired: undefined, plan: undefined, offline: undefined };

  /** Number of the last observation. */
  let lastObservation = 0;

  const inputOf = (actual: Actual): { input: PlanInput; desired: DesiredHost } | undefined => {
    const { project, manifest, distrust } = intake.state();
    if (!project) return undefined;
    const ledger = record.current();
    const desired = planning.resolve({
      project,
      manifest,
      ledger,
      platform: actual.engine.platform,
    });
    const { environment } = options;
    const identified = identifier.identify({
      environment,
      project,
      desired: desired.services,
      ledger,
      actual,
    });
    const clock = { nowMs: ports.now(), watchingSinceMs };
    const input: PlanInput = {
      environment,
      host: options.host,
      nowMs: clock.nowMs,
      keepReleases: options.keepReleases,
      windows: options.windows ?? [],
      project,
      desired: desired.services,
      manifest,
      distrust,
      actual: withPastTimes(asLeaving(identified, dispatcher.leaving()), clock),
      ledger: withPastRecords(ledger, clock),
      failedSteps: withoutLifted(dispatcher.failedSteps(), desired.services),
      answered: probing.answered(),
      unanswered: probing.unanswered(),
      watchingSinceMs,
      edge: options.edge,
      mirrors: options.mirrors ?? [],
      isEdgeBusy: dispatcher.isEdgeBusy(lastObservation),
      reserved: dispatcher.reserved(),
      turns: turns.view(manifest, clock.nowMs),
    };
    return { input, desired };
  };

  /**
   * After a time in which the agent did not run, or with a clock that was set back, watching starts anew. A
   * clock that was set back also ends every wait, because its end is wrong.
   */
  const noteGap = (): void => {
    const gapMs = ports.now() - lastObservationMs;
    if (gapMs >= 0 && gapMs <= LONGEST_GAP_MS) return;
    watchingSinceMs = ports.now();
    if (gapMs >= 0) return;
    dispatcher.forgetFailedSteps();
    intake.forgetBackoff();
    ports.log.write('warn', 'agent.warned', {
      message: `the clock was set back by ${String(Math.ceil(-gapMs / 1000))} s`,
    });
  };

  const observe = async (signal: AbortSignal): Promise<Actual | undefined> => {
    noteGap();
    const { project } = intake.state();
    const replaces = Object.values(project?.services ?? {}).flatMap((s) => s.replaces ?? []);
    const donors = project ? donorsIn(project) : [];
    const adopted = Object.values(record.current().services).flatMap((s) => s.adoption?.containerId ?? []);
    const { environment, ownContainerId } = options;
    try {
      const known = record.current().containers ?? NONE;
      const scope = { environment, replaces: [...replaces, ...adopted, ...donors], known };
      const seen = await ports.engine.observe(scope, signal);
      const instances = seen.containers.flatMap((container) =>
        container.edge ? [container.edge.instance] : [],
      );
      // The list of listeners is long on a busy host, so it is read only if an edge may start or a port may
      // become free.
      const mayStart = view.plan === undefined || asksForListeners(view.plan);
      const addresses =
        mayStart && project ? edgeHostAddresses(project, record.current(), options.edge) : undefined;
      const edges = await ports.edges.observe(instances, addresses, signal);
      const containers = markSelf(seen.containers, ownContainerId);
      const actual = asBefore(view.actual, { ...seen, containers, ...edges });
      if (view.offline) {
        watchingSinceMs = ports.now();
        // Errors from before the engine went offline say nothing about the engine that is back.
        dispatcher.forgetFailedSteps();
        ports.log.write('info', 'engine.reached', { version: actual.engine.version });
      }
      view = { ...view, actual, offline: undefined };
      return actual;
    } catch (thrown) {
      // The agent is shutting down, which says nothing about the engine.
      if (signal.aborted) return undefined;
      const error = toAgentError(thrown);
      if (!view.offline)
        ports.log.write('error', 'engine.lost', { message: error.message, advice: error.advice });
      view = { ...view, offline: error };
      return undefined;
    } finally {
      lastObservationMs = ports.now();
    }
  };

  /** Without a ledger, a host with containers of ours has lost it; a host without them is new. */
  const judgeLedger = async (actual: Actual, isWriter: boolean): Promise<void> => {
    try {
      const { project } = intake.state();
      const hasContainers = actual.containers.some((container) =>
        mayBeOurs(options.environment, project, container),
      );
      const found = await record.settle(hasContainers, isWriter);
      // The manifest in the ledger must be in force before planning.
      if (found === 'read') intake.checkKept();
      if (found === 'created') ports.log.write('info', 'ledger.created');
      if (found === 'lost' && isWriter)
        ports.log.write('error', 'ledger.failed', { message: record.trouble()?.message });
    } catch (error) {
      record.fail(toAgentError(error));
    }
  };

  return {
    view: (): View => view,
    progress: dispatcher.progress,
    busy: dispatcher.actions,

    /** Observes and plans; starts nothing. */
    observe: async (signal: AbortSignal): Promise<PlanInput | undefined> => {
      const actual = await observe(signal);
      if (!actual) return undefined;
      await judgeLedger(actual, false);
      if (record.trouble()) return undefined;
      const made = inputOf(actual);
      view = { ...view, desired: made?.desired, plan: made && planning.plan(made.input) };
      return made?.input;
    },

    /** Observes, and returns the input for a plan. */
    inputNow: async (signal: AbortSignal): Promise<PlanInput | undefined> => {
      const actual = await observe(signal);
      return actual && !record.trouble() ? inputOf(actual)?.input : undefined;
    },

    settleLedger: async (signal: AbortSignal): Promise<void> => {
      const actual = await observe(signal);
      if (actual) await judgeLedger(actual, true);
    },

    pass: async (signal: AbortSignal): Promise<void> => {
      const observation = lanes.nextObservation();
      lastObservation = observation;
      const actual = await observe(signal);
      if (!actual || signal.aborted) return;
      await judgeLedger(actual, true);
      if (record.trouble()) {
        view = { ...view, plan: undefined };
        return;
      }
      const made = inputOf(actual);
      if (!made) return;
      await identifier.record();
      const plan = planning.plan(made.input);
      view = { ...view, desired: made.desired, plan };
      probing.update(
        plan.services.flatMap((s) => s.probes),
        actual,
      );
      dispatcher.dispatch(plan, observation);
      turns.see(plan);
    },

    /** Whether a step of the service is in progress, or ended after the last observation began. */
    isBusy: (service: string): boolean =>
      lanes.of(service) !== undefined || lanes.hasEndedSince(lastObservation, service),

    /** No step is in progress, and none begins before something outside changes or a long wait ends. */
    isSettled: (): boolean => {
      const { plan } = view;
      if (lanes.isBusy() || lanes.hasEndedSince(lastObservation)) return false;
      if (!plan) return true;
      return (
        plan.housekeeping.length === 0 &&
        !isUnsettled(plan.edge?.decision) &&
        plan.services.every((s) => s.staging.length === 0 && !isUnsettled(s.decision))
      );
    },

    /** Whether a step of this service failed, and waits for its next try or an operator. */
    hasFailedStep: (service: string): boolean =>
      [...dispatcher.failedSteps().keys()].some((key) => serviceOf(key) === service),

    /** Lets failed steps be tried at once, as after a cleared quarantine. */
    forgetFailedSteps: dispatcher.forgetFailedSteps,

    close: async (limitMs: number): Promise<void> => {
      probing.close();
      await lanes.close(limitMs);
    },
  };
};

/** Keeps the old object if nothing changed, so that results made from it are reused. */
const asBefore = (before: Actual | undefined, now: Actual): Actual =>
  before && isDeepStrictEqual(before, now) ? before : now;

/** A container that nothing waits for is planned as if the engine were removing it. */
const asLeaving = (actual: Actual, ids: readonly string[]): Actual =>
  ids.length === 0
    ? actual
    : {
        ...actual,
        containers: actual.containers.map((container) =>
          ids.includes(container.id) ? { ...container, state: 'removing' as const } : container,
        ),
      };

const markSelf = (containers: Actual['containers'], id: string | undefined): Actual['containers'] =>
  id === undefined
    ? containers
    : containers.map((container) =>
        container.id === id ? { ...container, isSelf: true as const } : container,
      );
