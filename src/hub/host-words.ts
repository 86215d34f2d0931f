import { isSilent } from '../core/fleet/host-findings.ts';
import type { EpochMs } from '../core/time.ts';
import type { HostWord } from '../core/turns/host-word.ts';
import { isReserved } from '../core/turns/report-word.ts';
import type { Reports } from './reports.ts';

/** What the last reports of an environment say to the rules of turns. */
export const hostWords = (
  reports: Pick<Reports, 'all' | 'hearing'>,
  environment: string,
  nowMs: EpochMs,
): readonly HostWord[] => {
  const { heardMs } = reports.hearing(environment);
  return reports
    .all(environment)
    .filter(({ host }) => !isReserved(host))
    .map(({ host, summary, receivedAtMs, heardMs: atMs }) => ({
      ...summary.word,
      silentMs: heardMs - atMs,
      isSilent: isSilent({ host, seenAtMs: receivedAtMs, status: summary.judged }, nowMs),
    }));
};
