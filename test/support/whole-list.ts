import type { DesiredManifest, JudgedReport } from '../../src/core/fleet/host-findings.ts';
import { hasLabels, type HostLabels } from '../../src/core/fleet/host-labels.ts';
import type { HostReport } from '../../src/core/fleet/host-report.ts';
import { judgeHost } from '../../src/core/fleet/host-verdict.ts';
import type { HostVerdict } from '../../src/core/fleet/verdict-text.ts';
import { compareNaturally } from '../../src/core/natural-order.ts';

interface JudgedHost<R> {
  readonly host: string;
  readonly verdict: HostVerdict;
  /** Undefined if the host never reported. */
  readonly report: R | undefined;
}

/** The expected hosts, or all that have reported, in natural order. Pages are compared with this list. */
export const judgeFleet = <R extends JudgedReport>(
  reports: readonly R[],
  expected: readonly string[] | undefined,
  desired: DesiredManifest | undefined,
  nowMs: number,
): readonly JudgedHost<R>[] => {
  const byHost = new Map(reports.map((report) => [report.host, report]));
  return [...(expected ?? byHost.keys())].toSorted(compareNaturally).map((host) => {
    const report = byHost.get(host);
    return { host, report, verdict: judgeHost(report, desired, nowMs) };
  });
};

/** Those whose last report has all these labels, and those without a report. */
export const selectHosts = (
  hosts: readonly JudgedHost<HostReport>[],
  where: HostLabels | undefined,
): readonly JudgedHost<HostReport>[] =>
  hosts.filter(
    ({ report }) =>
      where === undefined || report === undefined || hasLabels(report.status.labels ?? {}, where),
  );

/** Hosts by a key of each. */
export const countBy = <T>(
  items: readonly T[],
  keysOf: (item: T) => readonly string[],
): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const key of items.flatMap(keysOf)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
};
