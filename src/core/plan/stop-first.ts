import type { Container } from '../state/actual.ts';
import type { ServiceContext, Target } from './plan-input.ts';
import { inService, whyRepaired, whyStarted } from './back-in-service.ts';
import { judgeContainer, type Verdict } from './container-health.ts';
import { prepare } from './prepare.ts';
import { repairInPlace } from './repair-in-place.ts';
import { awaitOut, awaitPorts, blockedByEndpoint } from './edge/port-release.ts';
import { leadBefore } from './edge/health-lead.ts';
import { isReturning } from './edge/returning.ts';
import { absentDonor, endedCutOff, joins, restartedDonor } from './shared-namespace.ts';
import { claimName, DEFAULT_GRACE_MS, isUp, quiesce, refOf, startOf, type Slot } from './slot.ts';
import { exclusiveText, holdersFor, isReadyToSwap, letsGo, type Holder } from './exclusive-resources.ts';
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
  const clash = target.release && !isUp(current) ? blockedByEndpoint(c, target.release) : undefined;
  if (clash) return clash;
  const edge =
    target.release && ((isUp(current) ? undefined : awaitPorts(c, target.release)) ?? awaitOut(c, others));
  if (edge) {
    const served = c.own.filter((o) => o.id !== current.id);
    const lead = leadBefore(c, served);
    return lead ? stuck(lead) : edge;
  }
  const quiet = quiesce(others);
  if (quiet) {
    const holder = isUp(current) ? undefined : releasing(c, target).find((h) => !isReadyToSwap(c, h));
    if (holder) return awaitHolder(holder);
    const lead = leadBefore(c, others);
    return lead ? stuck(lead) : act(quiet, `make room for ${current.name}`);
  }
  const named = claimName(c, target, slot);
  if (named) return act(named, 'give the container its name');
  const drifted = repairInPlace(c, target, slot, true);
  const hasRun = current.detail?.startedAtMs !== undefined;
  if (drifted)
    return act(drifted, hasRun && others.length === 0 ? whyRepaired(c, current, drifted) : 'it takes over');
  if (current.state === 'paused')
    return act([{ kind: 'unpause', container: refOf(current) }], 'it was paused by hand');
  if (isUp(current))
    return (verdict.kind === 'good' ? inService(c, current) : undefined) ?? { kind: 'judged', verdict };
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
  if (holder) return awaitHolder(holder);
  const why =
    current.detail?.startedAtMs === undefined ? `start replica ${String(replica)}` : whyStarted(c, current);
  return act([startOf(current, target)], why);
};

/** Our containers that hold what this release needs for itself, and are about to let go. */
const releasing = (c: ServiceContext, target: Target): readonly Holder[] =>
  target.release ? holdersFor(c, target.release).filter((h) => letsGo(c, h)) : [];

const awaitHolder = ({ held, name }: Holder): Step =>
  stuck(wait('removal', `${exclusiveText(held)} is still held by ${name}`));

export const verdictOf = (c: ServiceContext, target: Target, { current, others }: Slot): Verdict => {
  if (!current) return { kind: 'idle' };
  const { input } = c;
  const spec = target.release?.spec;
  if (!spec) return isUp(current) ? { kind: 'good' } : { kind: 'idle' };
  if (endedCutOff(input.actual, target.release, current)) return { kind: 'idle' };
  const provenAtMs = c.record.good[0]?.release.id === target.id ? c.record.good[0].goodAtMs : undefined;
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
    provenAtMs,
    isReturning: provenAtMs !== undefined && isReturning(c, current, provenAtMs),
  });
};
