import type { Rollout } from './manifest.ts';
import type { EpochMs } from '../time.ts';
import { uniformOf } from '../hash-fraction.ts';

export interface RolloutPlace {
  readonly environment: string;
  readonly serial: number;
  /** SUPERCARGO_HOST of this host. */
  readonly host: string;
  /** Undefined: every host switches at once. */
  readonly rollout: Rollout | undefined;
}

/** The opening time of a host that is never held back. */
const ALWAYS: EpochMs = 0;

/** The position of this host in the rollout, in [0, 1): a hash of `ENV/SERIAL/HOST`. */
export const rolloutPosition = ({ environment, serial, host }: Omit<RolloutPlace, 'rollout'>): number =>
  uniformOf(`${environment}/${serial}/${host}`);

/**
 * Returns the first millisecond at which position < startFraction + (1 − startFraction) · clamp((now −
 * startAt) / durationSeconds, 0, 1). Before `startAt` the share is `startFraction`: these hosts are canaries
 * and switch as soon as they accept the manifest (returns 0). The other hosts follow from `startAt` on, all
 * of them at `startAt` if the duration is 0.
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
