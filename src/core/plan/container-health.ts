import type { Port } from '../compose/project-model.ts';
import { present } from '../compose/readers.ts';
import type { Container, ContainerDetail, EngineFacts } from '../state/actual.ts';
import type { ReleaseSpec } from '../state/release.ts';
import { withoutValues } from '../state/redact.ts';
import type { EpochMs } from '../time.ts';
import { longestProofMs, longestStartingMs } from './health-check-time.ts';
import type { ProbeRequest } from './host-plan.ts';
import type { FailureReason, WaitReason } from '../vocabulary/reasons.ts';

/** Whether a container is good (docs/COMPOSE.md, "How a new version comes"). */
export type Verdict =
  | { readonly kind: 'good' }
  /** It ended with 0 and is not meant to run again. */
  | { readonly kind: 'completed' }
  /** It does not run, and nothing speaks against a start. */
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'pending';
      /** Absent means `health`. */
      readonly reason?: WaitReason;
      readonly until: EpochMs;
      readonly message: string;
      readonly probes: readonly ProbeRequest[];
    }
  | {
      readonly kind: 'failed';
      readonly reason: FailureReason;
      readonly message: string;
      /** An answer makes it good after all. */
      readonly probes?: readonly ProbeRequest[];
    };

export interface JudgeInput {
  readonly container: Container;
  readonly spec: ReleaseSpec;
  readonly nowMs: EpochMs;
  readonly answeredSinceMs: EpochMs | undefined;
  /** What its last probe got instead of an answer. */
  readonly unanswered: string | undefined;
  readonly engine: EngineFacts;
  /** When the old container stopped. The deadline begins no earlier. */
  readonly notBeforeMs: EpochMs;
  /** Since when this agent observes; 0 means always. */
  readonly watchingSinceMs: EpochMs;
  /** A job is good once it has ended with 0, not while it runs. */
  readonly isJob: boolean;
  /** When this release proved itself here; undefined if it has yet to. */
  readonly provenAtMs: EpochMs | undefined;
  /** It was started again, and load balancers hear that it serves only once it is good once more. */
  readonly isReturning: boolean;
}

/** Three restarts before it is good are a crash loop; one or two may be a wait for another service. */
const CRASH_LOOP_RESTARTS = 3;

export const judgeContainer = (i: JudgeInput): Verdict => {
  const { container, spec } = i;
  const detail = container.detail;
  if (detail?.startFault !== undefined)
    return { kind: 'failed', reason: 'crashed', message: withoutValues(detail.startFault, [spec]) };
  if (!detail || detail.startedAtMs === undefined) return { kind: 'idle' };
  switch (container.state) {
    case 'created':
    case 'removing':
    case 'dead':
    case 'paused':
      return { kind: 'idle' };
    case 'exited':
      return judgeExited(i, detail);
    case 'restarting':
    case 'running': {
      const verdict = container.state === 'restarting' ? pending(i, 'it is restarting', []) : judgeRunning(i);
      // Counted only until it is good: a service that crashed three times in a year is in no crash loop.
      // A job with on-failure says itself how often it is tried.
      if (verdict.kind === 'pending' && !i.isJob && detail.restartCount >= CRASH_LOOP_RESTARTS) {
        return {
          kind: 'failed',
          reason: 'crashed',
          message: crashText(detail),
          ...(i.isReturning && { probes: verdict.probes }),
        };
      }
      const { atMs, withinMs } = deadlineOf(i);
      if (verdict.kind !== 'pending' || i.nowMs < atMs) return verdict;
      const within = `within ${String(Math.round(withinMs / 1000))} s`;
      const output = detail.healthOutput === undefined ? '' : `; the last check said: ${detail.healthOutput}`;
      const hasCrashed = detail.restartCount > 0;
      const isUnhealthy = detail.health !== 'none' && !i.isJob;
      const reason = hasCrashed ? 'crashed' : isUnhealthy ? 'unhealthy' : 'not-ready';
      if (i.isJob) {
        const ended = hasCrashed ? `ended with 0 ${within}: ${crashText(detail)}` : `ended ${within}`;
        return { kind: 'failed', reason, message: `it has not ${ended}` };
      }
      const why = hasCrashed ? crashText(detail) : verdict.message;
      const message = `not good ${within}: ${why}${output}`;
      return { kind: 'failed', reason, message, ...(i.isReturning && { probes: verdict.probes }) };
    }
  }
};

const crashText = ({ restartCount, exitCode, oomKilled }: ContainerDetail): string =>
  `it crashed ${restartCount === 1 ? 'once' : `${String(restartCount)} times`}, ` +
  exitText(exitCode, oomKilled);

const exitText = (code: number, oomKilled: boolean): string =>
  oomKilled ? 'out of memory' : `last exit code ${String(code)}`;

const judgeExited = (i: JudgeInput, detail: ContainerDetail): Verdict => {
  const { name: policy } = i.spec.container.restart;
  // The engine would have restarted it, so the agent or an operator stopped it: it may start again.
  if (policy === 'always' || policy === 'unless-stopped' || detail.restart.name !== policy)
    return { kind: 'idle' };
  if (detail.exitCode === 0) return { kind: 'completed' };
  if (wasKilled(i, detail)) return { kind: 'idle' };
  return {
    kind: 'failed',
    reason: 'exited',
    message: `it ended, ${exitText(detail.exitCode, detail.oomKilled)}`,
  };
};

/** Exit codes of SIGKILL (128 + 9) and SIGTERM (128 + 15). */
const SIGNALLED = new Set([137, 143]);
/** The exit code that an engine records for a container that ended while the engine was down. */
const LOST = 255;

/**
 * A candidate that went down with the engine or the host has not failed. It runs again until its deadline (a
 * job runs at least once), so that one which kills itself does not loop forever.
 */
const wasKilled = (i: JudgeInput, detail: ContainerDetail): boolean => {
  const isLost = detail.exitCode === LOST && (detail.finishedAtMs ?? 0) <= i.watchingSinceMs;
  const firstMs = Math.max(detail.createdAtMs, i.notBeforeMs, i.watchingSinceMs);
  const endsAtMs = firstMs + longestProofMs(i.spec, detail);
  return (
    i.provenAtMs === undefined &&
    !detail.oomKilled &&
    (SIGNALLED.has(detail.exitCode) || isLost) &&
    i.nowMs < endsAtMs
  );
};

interface Deadline {
  readonly atMs: EpochMs;
  /** The time that it gave. */
  readonly withinMs: number;
}

/**
 * Restarts move `startedAt`, so the deadline of a restarted candidate counts from its creation. It never ends
 * while the health check may still say `starting`: the engine counts that from the last start.
 */
const deadlineOf = (i: JudgeInput): Deadline => {
  const { container, spec, notBeforeMs, watchingSinceMs, provenAtMs, isJob } = i;
  const detail = container.detail;
  const isLatest = detail?.restartCount === 0 || provenAtMs !== undefined;
  const first = (isLatest ? detail?.startedAtMs : detail?.createdAtMs) ?? 0;
  // No candidate fails for a time in which the agent did not observe it.
  const seenMs = Math.max(notBeforeMs, watchingSinceMs);
  const atMs = Math.max(first, seenMs) + Math.max(spec.healthyWithinMs, spec.monitorMs);
  const startingMs = detail?.health === 'starting' && !isJob ? longestStartingMs(detail.healthcheck) : 0;
  const checkedAtMs = Math.max(detail?.startedAtMs ?? 0, seenMs) + startingMs;
  return startingMs > 0 && checkedAtMs > atMs
    ? { atMs: checkedAtMs, withinMs: startingMs }
    : { atMs, withinMs: spec.healthyWithinMs };
};

const pending = (
  i: JudgeInput,
  message: string,
  probes: readonly ProbeRequest[],
  untilMs?: EpochMs,
): Verdict => ({
  kind: 'pending',
  until: untilMs ?? deadlineOf(i).atMs,
  message,
  probes,
});

const judgeRunning = (i: JudgeInput): Verdict => {
  const { container, spec, isJob } = i;
  const detail = container.detail;
  if (isJob) return pending(i, 'the job runs', []);
  if (detail && detail.health !== 'none') {
    return detail.health === 'healthy'
      ? { kind: 'good' }
      : pending(i, `its health check says ${detail.health}`, []);
  }
  const startedAtMs = detail?.startedAtMs ?? 0;
  const monitoredMs = startedAtMs + spec.monitorMs;
  // A proven release stays good without an answer: an agent that has just started has none yet.
  const isOld = i.provenAtMs !== undefined && !i.isReturning;
  if (isOld && (startedAtMs <= (i.provenAtMs ?? 0) || i.nowMs >= monitoredMs)) return { kind: 'good' };
  const hasAnswered = i.answeredSinceMs === startedAtMs;
  if (isBetweenRuns(i) && !hasAnswered) return pending(i, 'it has no address at the moment', []);
  const got = i.unanswered === undefined ? '' : `: ${i.unanswered}`;
  if (spec.ready) {
    if (hasAnswered) return { kind: 'good' };
    const { kind, port } = spec.ready;
    const http = kind === 'http' ? spec.ready : undefined;
    const what = http ? `http ${http.path} on port` : 'tcp port';
    const probe = probeOf(i, port, http && { path: http.path, ...present({ headers: http.headers }) });
    if (probe) return pending(i, `${what} ${String(port)} is not ready yet${got}`, [probe]);
  }
  const port = spec.container.ports.find((p) => p.protocol === 'tcp');
  const probe = port && probeOf(i, port.containerPort, undefined);
  if (probe && !hasAnswered)
    return pending(i, `port ${String(port.containerPort)} is not open yet${got}`, [probe]);
  if (i.nowMs < monitoredMs) {
    return pending(
      i,
      `it has no health check: watched for ${String(spec.monitorMs / 1000)} s`,
      [],
      monitoredMs,
    );
  }
  return { kind: 'good' };
};

/** It is listed as running but has no address: it has just ended, and no probe asked whether it is ready. */
const isBetweenRuns = ({ container, engine, spec }: JudgeInput): boolean =>
  engine.remoteHost === undefined &&
  spec.container.networkMode.kind === 'networks' &&
  container.detail?.networks.every((n) => n.ip === '') === true &&
  (spec.ready !== undefined || spec.container.ports.some((p) => p.protocol === 'tcp'));

/** From another host than the engine's, only published ports are reachable. */
const probeOf = (i: JudgeInput, port: number, http: ProbeRequest['http']): ProbeRequest | undefined => {
  const { container, engine, spec } = i;
  const ref = { id: container.id, name: container.name };
  if (engine.remoteHost !== undefined) {
    const published = spec.container.ports.find(
      (p: Port) => p.containerPort === port && p.hostPort !== undefined,
    );
    return published?.hostPort === undefined
      ? undefined
      : { container: ref, host: engine.remoteHost, port: published.hostPort, http };
  }
  const mode = spec.container.networkMode;
  if (mode.kind === 'mode' && mode.mode === 'host') return { container: ref, host: '127.0.0.1', port, http };
  const ip = container.detail?.networks.find((n) => n.ip !== '')?.ip;
  return ip === undefined ? undefined : { container: ref, host: ip, port, http };
};
