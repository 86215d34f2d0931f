import type { ReportedService, ReportedStatus } from './reported-status.ts';

type ReportedEdge = NonNullable<ReportedStatus['edge']>;
type ReportedContainer = ReportedService['containers'][number];

const withoutSessions = (edge: ReportedEdge): ReportedEdge => ({
  ...edge,
  containers: edge.containers.map((c) => ({ ...c, sessions: null })),
});

const withoutCounts = (turns: NonNullable<ReportedStatus['turns']>) => {
  const { seq: _seq, revision: _revision, ...others } = turns;
  return others;
};

const isCounted = ({ drain }: ReportedContainer): boolean => drain !== null && drain.sessions !== null;

const withoutDrainSessions = (service: ReportedService): ReportedService =>
  service.containers.some(isCounted)
    ? {
        ...service,
        containers: service.containers.map((c) =>
          c.drain ? { ...c, drain: { ...c.drain, sessions: null } } : c,
        ),
      }
    : service;

/**
 * Equal for two status documents if the second one is only a heartbeat: they differ in times, in the number
 * of open sessions, in the state of reporting, or in what reports are counted by. The agent sends, and a hub
 * wakes its readers, when the fingerprint changes. Both use this function, or each heartbeat would wake every
 * reader.
 */
export const fingerprintOf = ({ at: _at, report: _report, turns, ...status }: ReportedStatus): string => {
  const { checkedAt: _checkedAt, nextAt: _nextAt, ...source } = status.manifest.source;
  return JSON.stringify({
    ...status,
    manifest: { ...status.manifest, source },
    services: status.services.map(withoutDrainSessions),
    edge: status.edge && withoutSessions(status.edge),
    ...(turns && { turns: withoutCounts(turns) }),
  });
};

const drainSessionsOf = ({ services }: ReportedStatus) =>
  services.flatMap(({ containers }) => containers.map(({ drain }) => drain?.sessions));

/**
 * Equal for two status documents if a store that has the first one needs no second one, but only to hear that
 * the host lives. Beside what wakes readers it has what the rules of turns read, and how far drains are.
 */
export const substanceOf = (status: ReportedStatus): string =>
  JSON.stringify([fingerprintOf(status), status.turns?.revision, drainSessionsOf(status)]);
