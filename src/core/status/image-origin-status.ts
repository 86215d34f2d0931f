import { serviceRecord, type Ledger } from '../state/ledger.ts';
import { isoTime } from '../time.ts';
import type { OriginStatus } from './status-document.ts';

/** The origin of the desired release's image; if unknown, that of the last good one. */
export const originOf = (
  ledger: Ledger,
  service: string,
  desired: string | undefined,
): OriginStatus | null => {
  const { fetched = [], good } = serviceRecord(ledger, service);
  const of = (release: string | undefined) => fetched.find((f) => f.release === release);
  const found = of(desired) ?? of(good[0]?.release.id);
  return found
    ? {
        release: found.release,
        kind: found.kind,
        source: found.source,
        fetchedAt: isoTime(found.fetchedAtMs),
        skipped: found.skipped,
      }
    : null;
};
