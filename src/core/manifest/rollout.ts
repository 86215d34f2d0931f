import type { Rollout } from './manifest.ts';
import type { EpochMs } from '../time.ts';
import { uniformOf } from '../uniform.ts';

export interface RolloutPlace {
  readonly environment: string;
  readonly serial: number;
  /** SUPERCARGO_HOST of this host. */
  readonly host: string;
  /** Undefined: everyone at once. */
  readonly rollout: Rollout | undefined;
}

/** When every host that is in from the start was let in: before any clock. */
const ALWAYS: EpochMs = 0;

/** This host's place in the queue: a hash of `ENV/SERIAL/HOST`. */
export const rolloutPosition = ({ environment, serial, host }: Omit<RolloutPlace, 'rollout'>): number =>
  uniformOf(`${environment}/${serial}/${host}`);

/**
 * The first millisecond at which this host is in (position < startFraction + (1 − startFraction) · clamp((now
 * − startAt) / durationSeconds, 0, 1)). By that formula the clamp holds the share at `startFraction` before
 * `startAt`: those hosts are canaries and in as soon as the manifest is accepted (0 is returned), and
 * `startAt` is when the others begin to follow. With `startFraction` 0 nobody is in before `startAt`. With a
 * duration of 0 everybody is in at `startAt`.
 */
export const rolloutOpensAt = (place: RolloutPlace): EpochMs => {
  if (place.rollout === undefined) return ALWAYS;
  const { startAtMs, durationSeconds, startFraction } = place.rollout;
  const position = rolloutPosition(place);
  if (position < startFraction) return ALWAYS;
  const durationMs = durationSeconds * 1000;
  const share = (position - startFraction) / (1 - startFraction);
  return startAtMs + Math.min(durationMs, Math.floor(share * durationMs) + 1);
};

export const isIn = (place: RolloutPlace, nowMs: EpochMs): boolean => nowMs >= rolloutOpensAt(place);
