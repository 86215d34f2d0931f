import type { ImageOrigin } from '../image/image-origin.ts';
import type { Action } from '../plan/action.ts';
import { isEdgeAction, isEngineAction, type TagMeaning } from '../ports/engine.ts';
import type { EpochMs } from '../time.ts';
import { fleetJobOf, withDoneJobs } from './fleet-jobs.ts';
import {
  failuresOf,
  serviceRecord,
  withFailures,
  withService,
  type Failure,
  type FetchedImage,
  type Ledger,
  type ServiceRecord,
} from './ledger.ts';

/** What the execution of an action found out, for the ledger. */
export interface Findings {
  readonly tag?: TagMeaning;
  readonly log?: readonly string[];
  readonly origin?: ImageOrigin;
}

export interface LedgerChange {
  readonly service: string;
  readonly action: Action;
  readonly findings: Findings;
  readonly nowMs: EpochMs;
  readonly keepReleases: number;
  readonly serial: number;
}

/** Upper limit for resolved tags; the oldest are dropped first. */
const MAX_TAGS = 200;
const MAX_DRAINS = 200;
const MAX_FETCHED = 5;

const MAX_FAILURES = 10;

/** The failure of the desired release stays first, because reports show the first one. */
const failuresWith = (
  record: ServiceRecord,
  { failure, isFallback }: Extract<Action, { kind: 'quarantine' }>,
  { log = [] }: Findings,
  failedAtMs: EpochMs,
): readonly Failure[] => {
  const failed: Failure = { ...failure, log, failedAtMs };
  const [first, ...others] = failuresOf(record).filter((f) => f.release !== failure.release);
  if (!first) return [failed];
  return (isFallback ? [first, failed, ...others] : [failed, first, ...others]).slice(0, MAX_FAILURES);
};

/** Records where the image of a release came from. */
export const withFetched = (ledger: Ledger, service: string, fetched: FetchedImage): Ledger => {
  const others = (serviceRecord(ledger, service).fetched ?? []).filter((f) => f.release !== fetched.release);
  return withService(ledger, service, { fetched: [fetched, ...others].slice(0, MAX_FETCHED) });
};

/** Returns the ledger after an action, or the same object if the action does not concern it. */
export const changeLedger = (ledger: Ledger, change: LedgerChange): Ledger => {
  const { service, action, findings, nowMs } = change;
  const record = serviceRecord(ledger, service);
  if (isEngineAction(action) || isEdgeAction(action)) return ledger;
  switch (action.kind) {
    case 'adopt':
      return withService(ledger, service, { adoption: action.adoption });
    case 'remember': {
      const { release, imageId, completed } = action;
      const older = record.good.filter((g) => g.release.id !== release.id);
      const good = [{ release, imageId, completed, goodAtMs: nowMs }, ...older].slice(0, change.keepReleases);
      // A good release makes earlier failures history. A fallback keeps the failure that is its reason.
      const failed = action.isFallback ? failuresOf(record).filter((f) => f.release !== release.id) : [];
      const job = fleetJobOf(release);
      const known = job ? withDoneJobs(ledger, [job], nowMs) : ledger;
      return withService(known, service, { good, ...withFailures(failed) });
    }
    case 'quarantine':
      return withService(ledger, service, withFailures(failuresWith(record, action, findings, nowMs)));
    case 'drain': {
      const ids = action.containers.map((container) => container.id);
      const others = Object.entries(record.drains ?? {}).filter(([id]) => !ids.includes(id));
      const now = ids.map((id): [string, EpochMs] => [id, record.drains?.[id] ?? nowMs]);
      // Entries of removed containers stay behind, so only the newest entries are kept.
      const drains = Object.fromEntries([...others, ...(action.draining ? now : [])].slice(-MAX_DRAINS));
      return withService(ledger, service, { drains });
    }
    case 'forget': {
      const { [service]: _gone, ...services } = ledger.services;
      return { ...ledger, services };
    }
    case 'resolve-tag': {
      if (!findings.tag) return ledger;
      const entries = Object.entries(ledger.tags)
        .filter(([key]) => key !== action.key)
        .slice(-(MAX_TAGS - 1));
      return {
        ...ledger,
        tags: { ...Object.fromEntries(entries), [action.key]: { ...findings.tag, serial: change.serial } },
      };
    }
  }
};
