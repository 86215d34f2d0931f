import { SILENT_MS } from '../../core/fleet/host-findings.ts';
import type { EpochMs } from '../../core/time.ts';
import type { HostWord } from '../../core/turns/host-word.ts';
import { isReserved } from '../../core/turns/report-word.ts';
import { wordOf } from '../fleet/fleet-index.ts';
import type { Reports } from '../fleet/reports.ts';

/**
 * What the last reports of an environment say to the rules of turns. While the store hears no host all of
 * them fall silent. The first report afterwards does not leave the others silent: they were not, as far as it
 * knows, and one of them that does not serve would lose its place.
 */
export const hostWords = (
  reports: Pick<Reports, 'all' | 'hearing'>,
  environment: string,
  nowMs: EpochMs,
): readonly HostWord[] => {
  const { heardMs, atMs, run } = reports.hearing(environment);
  const unheardMs = Math.max(0, nowMs - atMs);
  return reports
    .all(environment)
    .filter(({ host }) => !isReserved(host))
    .map((report) => {
      const silentMs = heardMs - report.heardMs;
      const sinceMs = report.run === run ? silentMs + unheardMs : nowMs - report.receivedAtMs;
      return { ...wordOf(report), silentMs, isSilent: sinceMs > SILENT_MS };
    });
};
