import type { ReportedService, ReportedStatus } from './reported-status.ts';

type ReportedEdge = NonNullable<ReportedStatus['edge']>;
type ReportedContainer = ReportedService['containers'][number];

const withoutSessions = (edge: ReportedEdge): ReportedEdge => ({
  ...edge,
  containers: edge.containers.map((c) => ({ ...c, sessions: null })),
});

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
 * of open sessions, or in the state of reporting. The agent sends, and a hub wakes its readers, when the
 * fingerprint changes. Both use this function, or each heartbeat would wake every reader.
 */
export const fingerprintOf = ({ at: _at, report: _report, ...status }: ReportedStatus): string => {
  const { checkedAt: _checkedAt, nextAt: _nextAt, ...source } = status.manifest.source;
  return JSON.stringify({
    ...status,
    manifest: { ...status.manifest, source },
    services: status.services.map(withoutDrainSessions),
    edge: status.edge && withoutSessions(status.edge),
  });
};
