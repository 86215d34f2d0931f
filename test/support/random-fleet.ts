import * as fc from 'fast-check';
import { agentFactsOf } from '../../src/core/fleet/agent-facts.ts';
import type { HostReport } from '../../src/core/fleet/host-report.ts';
import type { IndexedFleet, IndexedHost } from '../../src/core/fleet/select-page.ts';
import { readReport } from '../../src/core/hub/read-report.ts';
import { compareNaturally } from '../../src/core/natural-order.ts';
import type { Status, TurnsStatus } from '../../src/core/status/status-document.ts';
import { fleetOfAll, strangeStatus } from './fleet-of-all.ts';
import { hostStatus, NOW_MS } from './status.ts';

const ENVIRONMENT = 'staging';

const turns = (store: TurnsStatus['store'], mode: TurnsStatus['mode']): Partial<Status> => ({
  turns: { mode, life: 'a', seq: 1, asked: [], store, message: null, revision: null },
});

const label = fc.constantFrom<Partial<Status>>(
  {},
  { labels: { zone: 'a' } },
  { labels: { zone: 'b', canary: 'true' } },
);
const answers = fc.constantFrom<Partial<Status>>(
  {},
  turns('answers', 'manifest'),
  turns('none', 'manifest'),
  turns('none', 'always'),
);
const what = fc.constantFrom<Partial<Status>>(
  ...fleetOfAll.map(({ status }) => status),
  strangeStatus(),
  hostStatus({ agent: { ...hostStatus().agent, running: false } }),
);
/** Around three minutes, and long ago. */
const age = fc.constantFrom(0, 179_000, 181_000, 86_400_000);
const name = fc.stringMatching(/^(web|db)-[0-9]{1,2}$/);

/** The last reports of a fleet at `NOW_MS`. */
export const randomReports = fc
  .uniqueArray(fc.tuple(name, what, label, answers, age), { selector: ([host]) => host, maxLength: 30 })
  .map((hosts) =>
    hosts.map(([host, status, labels, turnsOf, ageMs]): HostReport => {
      const given = hostStatus({ ...status, ...labels, ...turnsOf, environment: ENVIRONMENT, host });
      return { host, seenAtMs: NOW_MS - ageMs, status: given };
    }),
  );

/** What a hub has of such a report: no text. */
export const indexedReport = ({ host, seenAtMs, status }: HostReport, newsRevision = 1): IndexedHost => {
  const read = readReport(Buffer.from(JSON.stringify(status)), ENVIRONMENT, host);
  if (read.kind === 'refused') throw new Error(read.refusal.message);
  return {
    host,
    receivedAtMs: seenAtMs,
    newsRevision,
    summary: { ...read.summary, agent: agentFactsOf(status) },
  };
};

export const indexedFleet = (hosts: readonly IndexedHost[], revision = 1): IndexedFleet => {
  const byHost = new Map(hosts.map((host) => [host.host, host]));
  return {
    life: 'life',
    revision,
    hosts: [...byHost.values()].toSorted((a, b) => compareNaturally(a.host, b.host)),
    find: (host) => byHost.get(host),
  };
};
