import type { Manifest } from '../manifest/model.ts';
import { oneLine } from '../manifest/text.ts';
import { versionOf } from '../publish/version-request.ts';
import type { ServiceStatus } from '../status/status.ts';
import { isoTime, type EpochMs } from '../time.ts';
import type { HostReport } from './report.ts';

/** How far one host is with one published manifest. */
export type HostVerdict =
  | { readonly kind: 'converged' }
  | { readonly kind: 'pending'; readonly message: string; readonly until: string | null }
  | { readonly kind: 'failed'; readonly faults: readonly [HostFault, ...HostFault[]] }
  /** A later manifest names another version: this one will never run here. */
  | { readonly kind: 'superseded'; readonly message: string }
  /** Its agent has said that it ends: nothing happens there until one is started. */
  | { readonly kind: 'stopped'; readonly sinceMs: EpochMs }
  /** It does not report; undefined: it never did. */
  | { readonly kind: 'silent'; readonly sinceMs: EpochMs | undefined };

export interface HostFault {
  /** Null: it concerns the host. */
  readonly service: string | null;
  readonly reason: string;
  readonly message: string;
  readonly advice: string | null;
  /** Last lines of the container that failed. */
  readonly log: readonly string[];
}

/** Three heartbeats. */
export const SILENT_MS = 180_000;

const faultOf = (s: ServiceStatus): HostFault => ({
  service: s.service,
  reason: s.failure?.reason ?? s.reason ?? s.outcome,
  message: s.failure?.message ?? s.message ?? s.outcome,
  advice: s.advice,
  log: s.failure?.log ?? [],
});

const refusedBy = ({ status }: HostReport, serial: number): HostFault | undefined => {
  const { rejection } = status.manifest;
  return rejection?.serial === serial
    ? {
        service: null,
        reason: rejection.reason,
        message: `it refuses serial ${String(serial)}: ${rejection.message}`,
        advice: rejection.advice,
        log: [],
      }
    : undefined;
};

const behind = ({ status }: HostReport): HostVerdict => {
  const { serial, source, rejection } = status.manifest;
  const has = serial === null ? 'it has no manifest yet' : `it is at serial ${String(serial)}`;
  const why = source.reachable === false && source.message !== null ? `; ${source.message}` : '';
  // Where the signature is wrong, nobody knows of which serial it was: it may be this one or the one before.
  const refuses = rejection === null ? '' : `; it refuses what it is offered: ${rejection.message}`;
  return { kind: 'pending', message: `${has}${why}${refuses}`, until: source.nextAt };
};

/** One host's services against what was published. */
const judgeServices = (report: HostReport, target: Manifest): HostVerdict => {
  const { status } = report;
  const isLater = (status.manifest.serial ?? 0) > target.serial;
  // Pinned by the host, or of another repository: what is published changes nothing there.
  const ignored = new Set(status.manifest.ignored.map((i) => i.service));
  const concerned = status.services.filter((s) => target.services[s.service] && !ignored.has(s.service));
  const other = concerned.find((s) => {
    const wanted = target.services[s.service];
    return wanted && s.desired !== null && s.desired.version !== versionOf(wanted.image);
  });
  if (other) {
    const wants = `serial ${String(status.manifest.serial)} wants ${other.service} ${other.desired?.version ?? ''}`;
    return isLater
      ? { kind: 'superseded', message: wants }
      : { kind: 'pending', message: `${other.service}: it looks at the manifest`, until: null };
  }
  const [first, ...others] = concerned
    .filter((s) => s.outcome === 'rolled-back' || s.outcome === 'blocked')
    .map(faultOf);
  if (first) return { kind: 'failed', faults: [first, ...others] };
  if (!status.engine.online)
    return { kind: 'pending', message: status.engine.message ?? 'its engine does not answer', until: null };
  const open = concerned.find((s) => s.outcome !== 'converged');
  return open
    ? { kind: 'pending', message: `${open.service}: ${open.message ?? open.outcome}`, until: open.until }
    : { kind: 'converged' };
};

const judgeTold = (report: HostReport, target: Manifest): HostVerdict => {
  const refused = refusedBy(report, target.serial);
  if (refused) return { kind: 'failed', faults: [refused] };
  return (report.status.manifest.serial ?? 0) < target.serial
    ? behind(report)
    : judgeServices(report, target);
};

/** How far a host is with this manifest, by what it last told. */
export const judgeHost = (report: HostReport | undefined, target: Manifest, nowMs: EpochMs): HostVerdict => {
  if (!report) return { kind: 'silent', sinceMs: undefined };
  const { seenAtMs: sinceMs, status } = report;
  const isOld = nowMs - sinceMs > SILENT_MS;
  if (isOld) return { kind: status.agent.running ? 'silent' : 'stopped', sinceMs };
  const verdict = judgeTold(report, target);
  // What is done stays done when the agent ends, or was a single `supercargo once`.
  return verdict.kind === 'pending' && !status.agent.running ? { kind: 'stopped', sinceMs } : verdict;
};

const sentenceOf = (verdict: HostVerdict): string => {
  switch (verdict.kind) {
    case 'converged':
      return 'converged';
    case 'pending':
      return verdict.until === null ? verdict.message : `${verdict.message} (until ${verdict.until})`;
    case 'failed':
      return verdict.faults
        .map((f) => (f.service === null ? f.message : `${f.service}: ${f.message}`))
        .join('; ');
    case 'superseded':
      return verdict.message;
    case 'stopped':
      return `no agent runs there since ${isoTime(verdict.sinceMs)}: start it (systemctl start supercargo)`;
    case 'silent':
      return verdict.sinceMs === undefined
        ? 'it has never reported'
        : `it has been silent since ${isoTime(verdict.sinceMs)}`;
  }
};

/** In a few words, one line, whatever the host has written into them. */
export const tellVerdict = (verdict: HostVerdict): string => oneLine(sentenceOf(verdict));
