import type { Container } from '../../state/actual.ts';
import type { Release } from '../../state/release.ts';
import type { ServiceContext } from '../plan-input.ts';
import type { Verdict } from '../container-health.ts';
import { isUp, type Slot } from '../slot.ts';
import { type Step, act, pending, some } from '../step.ts';
import { drainActions } from './connection-draining.ts';

const drainingOthers = (c: ServiceContext, { others }: Slot): readonly (readonly [Container, number])[] =>
  others.flatMap((o): (readonly [Container, number])[] => {
    const sinceMs = c.record.drains?.[o.id];
    return isUp(o) && sinceMs !== undefined ? [[o, sinceMs]] : [];
  });

export const othersDrain = (c: ServiceContext, { others }: Slot): Step | undefined => {
  const actions = some(others.filter(isUp).flatMap((o) => drainActions(c, o)));
  return actions && act(actions, 'the old one takes no new connections any more');
};

/** Keeps the draining old container until the new one has served for the monitor time. */
export const bake = (c: ServiceContext, release: Release, slot: Slot): Step | undefined => {
  const since = drainingOthers(c, slot).map(([, sinceMs]) => sinceMs);
  if (since.length === 0) return undefined;
  const until = Math.max(...since) + release.spec.monitorMs;
  const seconds = String(release.spec.monitorMs / 1000);
  return c.input.nowMs < until
    ? pending('bake', `it serves, and is watched for ${seconds} s before the old one goes`, until)
    : undefined;
};

/** Fails a new container that breaks while it serves alone: the old one can still take over again. */
export const bakeFault = (c: ServiceContext, slot: Slot): Verdict | undefined => {
  const since = drainingOthers(c, slot).map(([, sinceMs]) => sinceMs);
  const { current } = slot;
  const detail = current?.detail;
  if (!current || !detail || since.length === 0) return undefined;
  const sinceMs = Math.max(...since);
  // The engine would have restarted it, so it was stopped by hand: it starts again and has not failed.
  const isStopped = !isUp(current) && ['always', 'unless-stopped'].includes(detail.restart.name);
  const hasEnded =
    !isUp(current) && !isStopped && (detail.finishedAtMs ?? 0) > Math.max(sinceMs, c.input.watchingSinceMs);
  const hasRestarted = detail.restartCount > 0 && (detail.startedAtMs ?? 0) > sinceMs;
  // A container that went down with the engine, before this agent watched again, did not fail by itself.
  const hasFallen = current.state === 'restarting' || hasEnded || hasRestarted;
  if (hasFallen)
    return {
      kind: 'failed',
      reason: 'crashed',
      message: `it died while it served, exit code ${String(detail.exitCode)}`,
    };
  // Stopping a container makes it unhealthy.
  if (detail.health !== 'unhealthy' || current.state !== 'running') return undefined;
  const output = detail.healthOutput === undefined ? '' : `; the last check said: ${detail.healthOutput}`;
  return { kind: 'failed', reason: 'unhealthy', message: `it turned unhealthy while it served${output}` };
};
