import { renderHostMetrics, type DeployCounts } from '../core/metrics/host-metrics.ts';
import type { Delivery, ReportSink } from '../core/ports/report-sink.ts';
import { fingerprintOf, substanceOf } from '../core/status/fingerprint.ts';
import { reportText } from '../core/status/report-text.ts';
import type { ReportStatus, Status } from '../core/status/status-document.ts';
import { isoTime, type EpochMs } from '../core/time.ts';
import { createReporter, type Reporter, type ReporterOptions } from './reporter.ts';
import type { Recorder } from './recorder.ts';
import type { AgentPorts } from './agent-ports.ts';

/** Sends this host's status to the report store and writes it to the metrics file. */
export interface Reporting {
  /** Takes the status after a pass. Never waits, never throws. */
  readonly see: (status: Status) => void;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Sends the last change; waits at most `limitMs`. */
  readonly close: (limitMs: number) => Promise<void>;
  /** Null if no report store is configured. */
  readonly state: () => ReportStatus | null;
}

/** Counts proved and failed releases by their events. */
export const createDeployCounter = (
  recorder: Recorder,
): { recorder: Recorder; counts: () => readonly DeployCounts[] } => {
  const counts = new Map<string, DeployCounts>();
  const count = (service: unknown, result: 'proved' | 'failed'): void => {
    if (typeof service !== 'string') return;
    const known = counts.get(service) ?? { service, proved: 0, failed: 0 };
    counts.set(service, { ...known, [result]: known[result] + 1 });
  };
  return {
    recorder: {
      ...recorder,
      write: (level, event, fields) => {
        recorder.write(level, event, fields);
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
  /** Numbers what is sent to the store. */
  readonly nextSeq: () => number;
}

const reporterOf = (
  { ports: { random }, host, status }: Shared,
  send: (status: Status, signal: AbortSignal) => Promise<Delivery>,
  handlers: Pick<ReporterOptions, 'onDelivery' | 'onFailure' | 'onRecovery'>,
): Reporter =>
  createReporter({
    host,
    random,
    current: () => {
      const now = status();
      return { fingerprint: fingerprintOf(now), send: (signal) => send(now, signal) };
    },
    ...handlers,
  });

const statusReporter = (shared: Shared, sink: ReportSink, onDelivery: () => void): Reporter => {
  const { log } = shared.ports;
  // No await between the status and its number: a report with a higher number says what is true later.
  const numbered = (status: Status): Status =>
    status.turns ? { ...status, turns: { ...status.turns, seq: shared.nextSeq() } } : status;
  const send = async (current: Status, signal: AbortSignal): Promise<Delivery> => {
    const status = numbered(current);
    const [substance, seq] = [substanceOf(status), status.turns?.seq];
    return sink.send({ text: () => reportText(status), substance, seq }, signal);
  };
  return reporterOf(shared, send, {
    onDelivery,
    onFailure: ({ code, message, advice }) => log.write('warn', 'report.failed', { code, message, advice }),
    onRecovery: () => log.write('info', 'report.delivered', { url: sink.url() }),
  });
};

const metricsReporter = (
  shared: Shared,
  file: NonNullable<AgentPorts['metrics']>,
  counts: () => readonly DeployCounts[],
): Reporter => {
  const { log } = shared.ports;
  const send = async (status: Status): Promise<Delivery> => {
    const written = await file.write(renderHostMetrics(status, counts()));
    return written.ok ? { kind: 'delivered' } : { kind: 'failed', error: written.error };
  };
  return reporterOf(shared, send, {
    onDelivery: () => undefined,
    onFailure: ({ message, advice }) => log.write('warn', 'metrics.failed', { message, advice }),
    onRecovery: () => log.write('info', 'metrics.written', { path: file.path }),
  });
};

export const createReporting = (shared: Shared, counts: () => readonly DeployCounts[]): Reporting => {
  const { reports, metrics, now } = shared.ports;
  let sentAtMs: EpochMs | undefined;
  const toStore = reports && statusReporter(shared, reports, () => (sentAtMs = now()));
  const toFile = metrics && metricsReporter(shared, metrics, counts);
  const reporters = [toStore, toFile].filter((reporter) => reporter !== undefined);
  return {
    see: (status) => {
      if (reporters.length === 0) return;
      const fingerprint = fingerprintOf(status);
      for (const reporter of reporters) reporter.see(fingerprint);
    },
    run: async (signal) => {
      await Promise.all(reporters.map((reporter) => reporter.run(signal)));
    },
    close: async (limitMs) => {
      await Promise.all(reporters.map((reporter) => reporter.close(limitMs)));
    },
    state: () =>
      reports === undefined
        ? null
        : {
            url: reports.url(),
            sentAt: sentAtMs === undefined ? null : isoTime(sentAtMs),
            message: toStore?.failure()?.message ?? null,
          },
  };
};
