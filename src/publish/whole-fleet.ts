import { agentFactsOf } from '../core/fleet/agent-facts.ts';
import type { FleetPage } from '../core/fleet/fleet-page.ts';
import type { FleetQuery } from '../core/fleet/fleet-query.ts';
import { readHostReport, type HostReport } from '../core/fleet/host-report.ts';
import { judgeHost } from '../core/fleet/host-verdict.ts';
import { selectPage, type IndexedHost } from '../core/fleet/select-page.ts';
import { reportFolder, reportPath } from '../core/fleet/store-layout.ts';
import { hostOfFile } from '../core/hub/file-names.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import { compareNaturally } from '../core/natural-order.ts';
import type { DocumentStore } from '../core/ports/document-store.ts';
import type { EpochMs } from '../core/time.ts';

const AT_ONCE = 16;

/** In groups, because a store may hold the reports of thousands of hosts. */
const mapInGroups = async <T, R>(
  list: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> => {
  const results: R[] = [];
  for (let at = 0; at < list.length; at += AT_ONCE)
    results.push(...(await Promise.all(list.slice(at, at + AT_ONCE).map(work))));
  return results;
};

/** Reads the reports of these hosts, or of all, one by one. Unreadable ones are left out. */
export const readEachReport = async (
  store: DocumentStore,
  environment: string,
  hosts: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<readonly HostReport[]> => {
  const names =
    hosts ?? (await store.list(reportFolder(environment), signal))?.flatMap((name) => hostOfFile(name) ?? []);
  const found = await mapInGroups(names ?? [], async (host) => {
    const stored = await store.read(reportPath(environment, host), signal);
    const report = stored && readHostReport(stored, Date.now());
    return report?.host === host && report.status.environment === environment ? [report] : [];
  });
  return found.flat();
};

const indexed = ({ host, seenAtMs, status }: HostReport): IndexedHost => ({
  host,
  receivedAtMs: seenAtMs,
  newsRevision: 0,
  summary: {
    serial: status.manifest.serial,
    labels: status.labels,
    judged: status,
    agent: agentFactsOf(status),
  },
});

/** One page of all hosts: what a hub answers to the query, made of the reports themselves. */
export const pageOfReports = (
  reports: readonly HostReport[],
  { target, query }: { readonly target: Manifest | undefined; readonly query: FleetQuery },
  nowMs: EpochMs,
): FleetPage => {
  const byHost = new Map(reports.map((report) => [report.host, report]));
  const hosts = [...byHost.values()].map(indexed).toSorted((a, b) => compareNaturally(a.host, b.host));
  const index = new Map(hosts.map((host) => [host.host, host]));
  const { totals, hosts: picked } = selectPage(
    { life: '', revision: 0, hosts, find: (host) => index.get(host) },
    { ...query, limit: query.limit === 0 ? 0 : Infinity, since: undefined, after: undefined },
    { desired: target, nowMs, highestPublished: 0, isBounded: false },
  );
  return {
    atMs: nowMs,
    revision: '',
    isWhole: true,
    incompleteUntilMs: undefined,
    totals,
    hosts: picked.map(({ host }) => {
      const report = byHost.get(host);
      return { host, report, verdict: judgeHost(report, target, nowMs) };
    }),
    next: undefined,
  };
};
