import { SILENT_MS } from '../core/fleet/host-findings.ts';
import type { EpochMs } from '../core/time.ts';
import type { HostWord } from '../core/turns/host-word.ts';
import { isReserved } from '../core/turns/report-word.ts';
import type { Reports } from './reports.ts';

/**
 * What the last reports of an environment say to the rules of turns. While the hub hears no host all of them fall
 * silent. The first report afterwards does not leave the others silent: they were not, as far as it knows, and
 * one of them that does not serve would lose its place.
 */
export const hostWords = (
  reports: Pick<Reports, 'all' | 'hearing' | 'version'>,
  environment: string,
  nowMs: EpochMs,
): readonly HostWord[] => {
  const { heardMs } = reports.hearing(environment);
  const unheardMs = Math.max(0, nowMs - reports.version(environment).atMs);
  return reports
    .all(environment)
    .filter(({ host }) => !isReserved(host))
    .map(({ summary, receivedAtMs, heardMs: atMs, isOfThisRun }) => {
      const silentMs = heardMs - atMs;
      const sinceMs = isOfThisRun ? silentMs + unheardMs : nowMs - receivedAtMs;
      return { ...summary.word, silentMs, isSilent: sinceMs > SILENT_MS };
    });
};
