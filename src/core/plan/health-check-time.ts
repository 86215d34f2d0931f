import type { Healthcheck } from '../compose/project-model.ts';
import type { ContainerDetail } from '../state/actual.ts';
import type { ReleaseSpec } from '../state/release.ts';

/** The engine's defaults (moby, daemon/health.go). */
const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, retries: 3 };

/**
 * The longest time after a start, in ms, for which the engine may show `starting`. A check that begins within
 * the start period does not count when it fails; after `retries` that count, the engine shows `unhealthy`.
 * Each check begins an interval after the end of the one before.
 */
export const longestStartingMs = (check: Healthcheck | undefined): number => {
  if (check === undefined || check.test?.length === 0) return 0;
  const { intervalMs, timeoutMs, startPeriodMs, retries } = { ...DEFAULTS, ...check };
  const uncountedMs = startPeriodMs === 0 ? 0 : startPeriodMs + timeoutMs;
  return uncountedMs + retries * (intervalMs + timeoutMs);
};

/** The longest time after a start, in ms, in which a new container may become good. */
export const longestProofMs = (spec: ReleaseSpec, detail: ContainerDetail | undefined): number =>
  Math.max(spec.healthyWithinMs, spec.monitorMs, longestStartingMs(detail?.healthcheck));
