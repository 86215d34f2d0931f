import { renderHostMetrics, type DeployCounts } from '../core/metrics/host-metrics.ts';
import type { Delivery, ReportSink } from '../core/ports/report-sink.ts';
import { fingerprintOf } from '../core/status/fingerprint.ts';
import { reportText } from '../core/status/report-text.ts';
import type { ReportStatus, Status } from '../core/status/status-document.ts';
import { isoTime, type EpochMs } from '../core/time.ts';
import { createBeacon, type Beacon } from './reporter.ts';
import type { Notes } from './recorder.ts';
import type { AgentPorts } from './agent-ports.ts';

/** What others are told of this host: the report store, and the file that metrics are collected from. */
export interface Reporting {
  /** What a pass gave. Never waits, never throws. */
  readonly see: (status: Status) => void;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** The last change, if that goes quickly. */
  readonly close: (limitMs: number) => Promise<void>;
  /** Null: no report store is named. */
  readonly state: () => ReportStatus | null;
}

/** Counts the releases that were proved or failed, by what is noted of them. */
export const createDeployCounter = (
  notes: Notes,
): { notes: Notes; counts: () => readonly DeployCounts[] } => {
  const counts = new Map<string, DeployCounts>();
  const count = (service: unknown, result: 'proved' | 'failed'): void => {
    if (typeof service !== 'string') return;
    const known = counts.get(service) ?? { service, proved: 0, failed: 0 };
    counts.set(service, { ...known, [result]: known[result] + 1 });
  };
  return {
    notes: {
      write: (level, event, fields) => {
        notes.write(level, event, fields);
        if (event === 'release.proved') count(fields['service'], 'proved');
        if (event === 'release.quarantined') count(fields['service'], 'failed');
      },
    },
    counts: () => [...counts.values()],
  };
};

type ReportingPorts = Pick<AgentPorts, 'reports' | 'metrics' | 'log' | 'now' | 'random'>;

interface Shared {
  readonly ports: ReportingPorts;
  readonly host: string;
  readonly status: () => Status;
}

const reportBeacon = (
  { ports: { log, random }, host, status }: Shared,
  sink: ReportSink,
  onDelivery: () => void,
): Beacon =>
  createBeacon({
    host,
    random,
    look: () => {
      const now = status();
      return { fingerprint: fingerprintOf(now), send: (signal) => sink.send(reportText(now), signal) };
    },
    onDelivery,
    onFailure: ({ code, message, advice }) => log.write('warn', 'report.failed', { code, message, advice }),
    onRecovery: () => log.write('info', 'report.delivered', { url: sink.url }),
  });

const metricsBeacon = (
  { ports: { log, random }, host, status }: Shared,
  file: NonNullable<AgentPorts['metrics']>,
  counts: () => readonly DeployCounts[],
): Beacon =>
  createBeacon({
    host,
    random,
    look: () => {
      const now = status();
      const send = async (): Promise<Delivery> => {
        const written = await file.write(renderHostMetrics(now, counts()));
        return written.ok ? { kind: 'delivered' } : { kind: 'failed', error: written.error };
      };
      return { fingerprint: fingerprintOf(now), send };
    },
    onDelivery: () => undefined,
    onFailure: ({ message, advice }) => log.write('warn', 'metrics.failed', { message, advice }),
    onRecovery: () => log.write('info', 'metrics.written', { path: file.path }),
  });

export const createReporting = (shared: Shared, counts: () => readonly DeployCounts[]): Reporting => {
  const { reports, metrics, now } = shared.ports;
  let sentAtMs: EpochMs | undefined;
  const toStore = reports && reportBeacon(shared, reports, () => (sentAtMs = now()));
  const toFile = metrics && metricsBeacon(shared, metrics, counts);
  const beacons = [toStore, toFile].filter((beacon) => beacon !== undefined);
  return {
    see: (status) => {
      if (beacons.length === 0) return;
      const fingerprint = fingerprintOf(status);
      for (const beacon of beacons) beacon.see(fingerprint);
    },
    run: async (signal) => {
      await Promise.all(beacons.map((beacon) => beacon.run(signal)));
    },
    close: async (limitMs) => {
      await Promise.all(beacons.map((beacon) => beacon.close(limitMs)));
    },
    state: () =>
      reports === undefined
        ? null
        : {
            url: reports.url,
            sentAt: sentAtMs === undefined ? null : isoTime(sentAtMs),
            message: toStore?.failure()?.message ?? null,
          },
  };
};
