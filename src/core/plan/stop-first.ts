import type { ContainerSpec } from '../compose/project-model.ts';
import type { Container, Limits } from '../state/actual.ts';
import type { Action } from './action.ts';
import type { ServiceContext, Target } from './plan-input.ts';
import { hasDrifted } from './endpoint-drift.ts';
import { judgeContainer, type Verdict } from './container-health.ts';
import { liveName, networksNeed } from './required-resources.ts';
import { prepare } from './prepare.ts';
import { awaitOut, awaitPorts } from './edge/port-release.ts';
import { EDGE_NETWORK, edgeNetwork } from './edge/edge-view.ts';
import { absentDonor, joins, restartedDonor } from './shared-namespace.ts';
import {
  armIfNeeded,
  claimName,
  DEFAULT_GRACE_MS,
  isUp,
  quiesce,
  refOf,
  startOf,
  type Slot,
} from './slot.ts';
import { isReadyToSwap, letsGo, portHolders, type PortHolder } from './port-conflicts.ts';
import { wait } from './gate.ts';
import { type Step, act, stuck } from './step.ts';

/**
 * The stop-first ladder of one slot, derived from the observed containers: create → disarm others → stop
 * others → names → networks → arm → start → judge. Every rung is one step, so that after a crash the next
 * pass goes on. Forward, rollback and repair climb the same ladder; only the target differs.
 */
export const stopFirst = (c: ServiceContext, target: Target, slot: Slot, startStopped: boolean): Step => {
  const { current, others } = slot;
  if (!current) return prepare(c, target, slot);
  const verdict = verdictOf(c, target, slot);
  const isOver = verdict.kind === 'completed' && !(startStopped && !isUp(current));
  const cutOff = isOver ? undefined : awaitDonor(c, target, current);
  if (cutOff) return cutOff;
  const isBad = verdict.kind === 'failed' || verdict.kind === 'completed';
  if (isBad && !(startStopped && !isUp(current))) return { kind: 'judged', verdict };
  const edge =
    target.release && ((isUp(current) ? undefined : awaitPorts(c, target.release)) ?? awaitOut(c, others));
  if (edge) return edge;
  const quiet = quiesce(others);
  if (quiet) {
    const holder = isUp(current) ? undefined : releasing(c, target).find((h) => !isReadyToSwap(c, h));
    return holder ? awaitPort(holder) : act(quiet, `make room for ${current.name}`);
  }
  const named = claimName(c, target, slot);
  if (named) return act(named, 'give the container its name');
  const drifted = repairInPlace(c, target, slot, true);
  const hasRun = current.detail?.startedAtMs !== undefined;
  if (drifted)
    return act(
      drifted,
      hasRun && others.length === 0 ? 'put back what was changed by hand' : 'it takes over',
    );
  if (current.state === 'paused')
    return act([{ kind: 'unpause', container: refOf(current) }], 'it was paused by hand');
  if (isUp(current)) return { kind: 'judged', verdict };
  return start(c, target, slot);
};

/** A container in a dead namespace is not judged: it waits for its donor, and then starts again. */
const awaitDonor = (c: ServiceContext, target: Target, current: Container): Step | undefined => {
  const absent = absentDonor(c, target.release);
  if (absent) return stuck(absent);
  const restarted = restartedDonor(c.input.actual, target.release, current);
  if (!restarted) return undefined;
  const graceMs = current.detail?.stopGraceMs ?? DEFAULT_GRACE_MS;
  return act(
    [{ kind: 'stop', container: refOf(current), graceMs }],
    `it ${joins(restarted)}, which has been restarted`,
  );
};

const start = (c: ServiceContext, target: Target, { current, replica }: Slot): Step => {
  if (!current) return { kind: 'judged', verdict: { kind: 'idle' } };
  const holder = releasing(c, target)[0];
  if (holder) return awaitPort(holder);
  const why =
    current.detail?.startedAtMs === undefined ? `start replica ${String(replica)}` : 'it was stopped';
  return act([startOf(current, target)], why);
};

/** Our containers that hold a port of this release and are about to let go. */
const releasing = (c: ServiceContext, target: Target): readonly PortHolder[] =>
  target.release ? portHolders(c, target.release).filter((h) => letsGo(c, h)) : [];

const awaitPort = ({ port, name }: PortHolder): Step =>
  stuck(wait('removal', `port ${port} is still held by ${name}`));

export const verdictOf = (c: ServiceContext, target: Target, { current, others }: Slot): Verdict => {
  if (!current) return { kind: 'idle' };
  const { input } = c;
  const spec = target.release?.spec;
  if (!spec) return isUp(current) ? { kind: 'good' } : { kind: 'idle' };
  return judgeContainer({
    container: current,
    spec,
    nowMs: input.nowMs,
    answeredSinceMs: input.answered[current.id],
    unanswered: input.unanswered[current.id],
    engine: input.actual.engine,
    watchingSinceMs: input.watchingSinceMs,
    notBeforeMs: Math.max(0, ...others.map((o) => o.detail?.finishedAtMs ?? 0)),
    isJob: c.isJob,
    provenAtMs: c.record.good[0]?.release.id === target.id ? c.record.good[0].goodAtMs : undefined,
  });
};

/** Restores declared networks, restart policy and limits on the present container. */
export const repairInPlace = (
  c: ServiceContext,
  target: Target,
  { current }: Slot,
  isNamed: boolean,
): readonly [Action, ...Action[]] | undefined => {
  const detail = current?.detail;
  const spec = target.release?.spec;
  if (!current || !detail) return undefined;
  const mode = spec?.container.networkMode;
  if (mode?.kind === 'networks' && target.release) {
    const networks = networksNeed(c.input, target.release);
    if (networks.kind === 'act') return networks.actions;
    for (const attachment of mode.attachments) {
      const network = liveName(c.input, spec?.networks ?? {}, attachment.network);
      if (network === undefined) continue;
      const endpoint = detail.networks.find((n) => n.network === network);
      const alias = isNamed ? c.service.name : undefined;
      const action = { container: refOf(current), network, attachment, alias };
      if (!endpoint) return [{ kind: 'connect', ...action }];
      if (hasDrifted(endpoint, attachment, alias)) return [{ kind: 'rejoin', ...action }];
    }
  }
  const edge = spec?.exposure === 'edge' ? edgeNetwork(c.input.actual)?.name : undefined;
  if (edge !== undefined && detail.networks.every((n) => n.network !== edge)) {
    // `withAddresses` gives the address, for all services together.
    const attachment = { network: EDGE_NETWORK, aliases: [] };
    return [{ kind: 'connect', container: refOf(current), network: edge, attachment, alias: undefined }];
  }
  const armed = armIfNeeded(current);
  if (armed) return armed;
  const limits = spec && isUp(current) ? changedLimits(c, spec.container, detail.limits) : undefined;
  return limits && [{ kind: 'limit', container: refOf(current), limits }];
};

/**
 * Declared limits that were changed by hand. Only limits that the spec declares and the engine enforces are
 * compared: the engine silently drops others, and `docker update` cannot remove a limit.
 */
const changedLimits = (c: ServiceContext, spec: ContainerSpec, live: Limits): Partial<Limits> | undefined => {
  const desired: Partial<Limits> = {
    ...(spec.memoryBytes && { memoryBytes: spec.memoryBytes }),
    ...(spec.memorySwapBytes && { memorySwapBytes: spec.memorySwapBytes }),
    ...(spec.memoryReservationBytes && { memoryReservationBytes: spec.memoryReservationBytes }),
    ...(spec.nanoCpus && { nanoCpus: spec.nanoCpus }),
    ...(spec.cpuShares && { cpuShares: spec.cpuShares }),
    ...(spec.cpuset !== undefined && spec.cpuset !== '' && { cpuset: spec.cpuset }),
    ...(spec.pidsLimit !== undefined && spec.pidsLimit > 0 && { pidsLimit: spec.pidsLimit }),
  };
  const changed = c.input.actual.engine.enforces.filter(
    (key) => desired[key] !== undefined && desired[key] !== live[key],
  );
  return changed.length === 0 ? undefined : desired;
};
