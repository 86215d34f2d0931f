import type { SwitchState } from '../../../src/core/turns/host-word.ts';
import type { SwitchKind } from '../../../src/core/turns/turn-request.ts';
import type { Release } from './versions.ts';

/** A container that is not yet judged. */
export interface Candidate {
  readonly release: Release;
  readonly attempt: number;
  /** The store granted it a turn. */
  readonly byTurn: boolean;
  /** A release of the service was good before. */
  readonly hadServed: boolean;
  readonly endsAtMs: number;
}

export interface Grant {
  readonly releaseId: string;
  readonly attempt: number;
  readonly byTurn: boolean;
  readonly askedMonotonicMs: number;
  readonly askedWallMs: number;
}

/** One service on a simulated host: its part of the ledger, and its containers. */
export interface HostService {
  readonly name: string;
  /** Null if the host pins the image. */
  readonly entry: string | null;
  readonly isStartFirst: boolean;
  files: string;
  /** The last good releases, the newest first. */
  good: readonly Release[];
  quarantined: { readonly releaseId: string; readonly attempt: number } | null;
  serving: Release | null;
  candidate: Candidate | null;
  isUnhealthy: boolean;
  /** Until then it does not serve by a fault of this host. */
  brokenUntilMs: number;
  /** When load balancers have heard of it for the lead. */
  leadUntilMs: number;
  /** Its switch by a turn ended, and it does not serve again yet. */
  isAfterTurn: boolean;
  backOffUntilMs: number;
  isRepairing: boolean;
  pulled: ReadonlySet<string>;
  grant: Grant | null;
  /** When it first wished to start without having had an answer of the store. */
  firstWishedAtMs: number | null;
  /** By digest: the virtual time at which it was first good here. */
  readonly goodAtMs: Map<string, number>;
}

export const createHostService = (
  name: string,
  { entry, isStartFirst }: { readonly entry: string | null; readonly isStartFirst: boolean },
  good: Release | undefined,
): HostService => ({
  name,
  entry,
  isStartFirst,
  files: 'files-0',
  good: good ? [good] : [],
  quarantined: null,
  serving: good ?? null,
  candidate: null,
  isUnhealthy: false,
  brokenUntilMs: 0,
  leadUntilMs: 0,
  isAfterTurn: false,
  backOffUntilMs: 0,
  isRepairing: false,
  pulled: new Set(),
  grant: null,
  firstWishedAtMs: null,
  goodAtMs: new Map(),
});

export interface Desired {
  readonly release: Release;
  readonly attempt: number;
}

export const isQuarantined = (service: HostService, { release, attempt }: Desired): boolean =>
  service.quarantined?.releaseId === release.id && service.quarantined.attempt === attempt;

/** How far the service is with the release that it should run, from its ledger and containers alone. */
export const stateOf = (service: HostService, desired: Desired): SwitchState => {
  if (service.good[0]?.id === desired.release.id) return 'good';
  if (isQuarantined(service, desired)) return 'failed';
  return service.candidate?.release.id === desired.release.id ? 'begun' : 'none';
};

export const kindOf = (service: HostService, { release }: Desired): SwitchKind => {
  const [last] = service.good;
  if (!last && !service.serving && !service.candidate) return 'first';
  return service.entry === null || last?.digest === release.digest ? 'files' : 'version';
};

export const servesAt = (service: HostService, nowMs: number): boolean =>
  service.serving !== null &&
  !service.isUnhealthy &&
  nowMs >= service.brokenUntilMs &&
  nowMs >= service.leadUntilMs;
