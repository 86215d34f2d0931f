import { serverName } from '../../edge/haproxy-names.ts';
import { isoSeconds } from '../../time.ts';
import type { Container } from '../../state/actual.ts';
import type { Release } from '../../state/release.ts';
import type { ServiceRecord } from '../../state/ledger.ts';
import type { Action } from '../action.ts';
import { wait } from '../gate.ts';
import type { PlanInput, ServiceContext } from '../plan-input.ts';
import type { Decision } from '../host-plan.ts';
import { isUp, quiesce, refOf, retire } from '../slot.ts';
import { some } from '../step.ts';
import {
  currentEdge,
  edgeNetwork,
  edgeParts,
  isSentTo,
  isSilent,
  isWritten,
  serversOf,
  sessionsOf,
} from './edge-view.ts';

export interface Drained {
  readonly input: PlanInput;
  readonly record: ServiceRecord;
  readonly drainMs: number;
  /** Others find it by name, so its connections cannot be counted, and its drain is only a time. */
  readonly byTime: boolean;
}

export const drainedOf = (c: ServiceContext, release?: Release): Drained => ({
  input: c.input,
  record: c.record,
  drainMs: c.service.drainMs,
  byTime: release?.spec.exposure === 'alias',
});

type Step =
  | { readonly kind: 'act'; readonly actions: readonly Action[] }
  | { readonly kind: 'wait'; readonly decision: Extract<Decision, { kind: 'wait' }> }
  /** It gets no new connections, and none are left. */
  | { readonly kind: 'out' };

/**
 * Takes containers out of rotation and then away: drain → sessions end, or the deadline passes → no file and
 * no edge names it → stop → remove, if that is the `end`. At the deadline a container is stopped with
 * sessions left, which ends them. Returns undefined once all are there.
 */
export const drain = (
  l: Drained,
  containers: readonly Container[],
  why: string,
  end: 'remove' | 'stop' = 'remove',
): Extract<Decision, { kind: 'act' | 'wait' }> | undefined => {
  const steps = containers.map((container) => ({ container, step: outStep(l, container) }));
  const out = steps.filter(({ step }) => step.kind === 'out').map(({ container }) => container);
  const acts = steps.flatMap(({ step }) => (step.kind === 'act' ? step.actions : []));
  const portless = new Set(containers.filter((o) => o.ports.length === 0).map((o) => o.id));
  const actions = some(
    [...acts, ...((end === 'stop' ? quiesce(out) : retire(out)) ?? [])].map((a) =>
      a.kind === 'stop' && portless.has(a.container.id) ? { ...a, isDrained: true as const } : a,
    ),
  );
  if (actions) return { kind: 'act', actions, why };
  const waits = steps.flatMap(({ step }) => (step.kind === 'wait' ? [step.decision] : []));
  return waits.toSorted((a, b) => (a.until ?? Infinity) - (b.until ?? Infinity))[0];
};

const outStep = (l: Drained, container: Container): Step => {
  const { input } = l;
  const { actual, nowMs } = input;
  const sinceMs = l.record.drains?.[container.id];
  const servers = serversOf(actual, container.id);
  const sessions = sessionsOf(actual, container.id);
  const isReached = servers.length > 0 || sessions > 0 || l.byTime;
  if (isUp(container) && isReached) {
    const begun = drainActions(l, container);
    if (begun.length > 0 || sinceMs === undefined) return { kind: 'act', actions: begun };
    const deadlineMs = sinceMs + l.drainMs;
    if ((sessions > 0 || l.byTime) && nowMs < deadlineMs)
      return { kind: 'wait', decision: draining(container, sessions, deadlineMs, l.byTime) };
  }
  // A container that went down by itself is still in rotation: the edge would send to it when it comes back.
  const ready = isUp(container) ? [] : stateActions(input, container, 'drain');
  if (ready.length > 0) return { kind: 'act', actions: ready };
  const why = stillReached(input, container);
  if (why !== undefined) return { kind: 'wait', decision: wait('edge', why) };
  if (sessions > 0) return endSessions(input, container);
  const removals = removeActions(input, container);
  return removals.length > 0 ? { kind: 'act', actions: removals } : { kind: 'out' };
};

/** Why an edge may send to the container, now or after a restart. In doubt, the container stays. */
const stillReached = (input: PlanInput, container: Container): string | undefined => {
  const { actual } = input;
  if (isWritten(actual, container.id)) return `the edge's file still names ${container.name}`;
  const network = edgeNetwork(actual)?.name;
  const isOnEdge = container.detail?.networks.some((n) => n.network === network) === true;
  if (!isOnEdge || !isUp(container)) return undefined;
  if (isSilent(actual)) return 'the edge does not answer';
  if (isSentTo(actual, container.id)) return 'the edge that is being replaced still takes connections';
  // The file that is being written may name it.
  return input.isEdgeBusy ? 'a step of the edge is under way' : undefined;
};

/**
 * Ends the sessions that are left at the deadline. The app is stopped first: on SIGTERM it answers requests
 * that it has begun and closes idle connections, which no client takes for a failure. The edge may still know
 * it then, because it gets nothing new and no other container gets its address. Sessions that are left after
 * that are cut.
 */
const endSessions = (input: PlanInput, container: Container): Step => ({
  kind: 'act',
  actions: quiesce([container]) ?? cutActions(input, container),
});

const draining = (container: Container, sessions: number, deadlineMs: number, byTime: boolean) => {
  const left = byTime ? '' : `, ${String(sessions)} session${sessions === 1 ? '' : 's'} left`;
  return wait('drain', `${container.name} drains until ${isoSeconds(deadlineMs)}${left}`, deadlineMs);
};

/** Lets the container take no new connections, and records the moment once. Empty if that is already so. */
export const drainActions = (
  { input, record }: Pick<Drained, 'input' | 'record'>,
  container: Container,
): readonly Action[] => [
  ...stateActions(input, container, 'drain'),
  ...(record.drains?.[container.id] === undefined
    ? [{ kind: 'drain' as const, containers: [refOf(container)], draining: true }]
    : []),
];

/** Puts its servers into a state; `drain` is only for those that are `ready`. */
export const stateActions = (
  { actual }: PlanInput,
  container: Container,
  state: 'ready' | 'drain',
): readonly Action[] => {
  const instance = currentEdge(actual)?.instance;
  if (instance === undefined) return [];
  return serversOf(actual, container.id)
    .filter((s) => s.admin !== state && (state === 'ready' || s.admin === 'ready'))
    .map(({ backend, name }) => ({ kind: 'edge-set-state', instance, backend, server: name, state }));
};

const cutActions = ({ actual }: PlanInput, container: Container): readonly Action[] =>
  edgeParts(actual).flatMap(({ instance, seen }) =>
    (seen?.state?.servers ?? [])
      .filter((s) => s.name === serverName(container.id) && s.sessions > 0)
      .map(({ backend, name }): Action => ({ kind: 'edge-cut-sessions', instance, backend, server: name })),
  );

/** Only on the current edge: a leaving edge takes its servers with it. */
const removeActions = ({ actual }: PlanInput, container: Container): readonly Action[] => {
  const instance = currentEdge(actual)?.instance;
  if (instance === undefined) return [];
  return serversOf(actual, container.id).map(({ backend, name }) => ({
    kind: 'edge-remove-server',
    instance,
    backend,
    server: name,
  }));
};
