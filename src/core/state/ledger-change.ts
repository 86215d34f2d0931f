import type { Action } from '../plan/action.ts';
import { isEngineAction, type TagMeaning } from '../ports/engine.ts';
import type { EpochMs } from '../time.ts';
import { serviceRecord, withService, type Ledger } from './ledger.ts';

/** What the world added to a ledger action while it was executed. */
export interface Findings {
  readonly tag?: TagMeaning;
  readonly log?: readonly string[];
}

export interface LedgerChange {
  readonly service: string;
  readonly action: Action;
  readonly findings: Findings;
  readonly nowMs: EpochMs;
  readonly keepReleases: number;
  readonly serial: number;
}

/** Old answers that no manifest asks for any more are dropped beyond this many. */
const MAX_TAGS = 200;

/** The ledger after an action; the same object where the action does not concern it. */
export const changeLedger = (ledger: Ledger, change: LedgerChange): Ledger => {
  const { service, action, findings, nowMs } = change;
  const record = serviceRecord(ledger, service);
  if (isEngineAction(action)) return ledger;
  switch (action.kind) {
    case 'adopt':
      return withService(ledger, service, { adoption: action.adoption });
    case 'remember': {
      const { release, imageId, completed } = action;
      const older = record.good.filter((g) => g.release.id !== release.id);
      const good = [{ release, imageId, completed, goodAtMs: nowMs }, ...older].slice(0, change.keepReleases);
      // What failed before is history once another release is good.
      return withService(ledger, service, { good, failure: undefined });
    }
    case 'quarantine':
      return withService(ledger, service, {
        failure: { ...action.failure, log: findings.log ?? [], failedAtMs: nowMs },
      });
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
