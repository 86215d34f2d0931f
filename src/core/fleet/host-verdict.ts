import type { EpochMs } from '../time.ts';
import {
  concernedOf,
  findingsOf,
  hasFailed,
  isBehind,
  isLater,
  isSilent,
  otherVersionOf,
  type JudgedReport,
  type JudgedService,
  type JudgedStatus,
  type DesiredManifest,
} from './host-findings.ts';
import type { Finding, HostFault, HostVerdict } from './verdict-text.ts';
import { isOutcome, type VerdictKind } from '../vocabulary/outcomes.ts';

const faultOf = (s: JudgedService): HostFault => ({
  service: s.service,
  reason: s.failure?.reason ?? s.reason ?? s.outcome,
  message: s.failure?.message ?? s.message ?? s.outcome,
  advice: s.advice,
  log: s.failure?.log ?? [],
});

const hostFault = ({ reason, word, message, advice }: Finding): HostFault => ({
  service: null,
  reason: reason ?? word,
  message,
  advice,
  log: [],
});

/** Faults that keep the manifest from running until an operator acts. */
const faultsOf = (
  status: JudgedStatus,
  desired: DesiredManifest | undefined,
  findings: readonly Finding[],
): readonly HostFault[] => {
  const refuses = desired !== undefined && status.manifest.rejection?.serial === desired.serial;
  const ofHost = findings.filter((f) => f.word === 'no-ledger' || (refuses && f.word === 'refused'));
  if (ofHost.length > 0) return ofHost.map(hostFault);
  if (isBehind(status, desired) || otherVersionOf(status, desired)) return [];
  return concernedOf(status, desired).filter(hasFailed).map(faultOf);
};

/** Serves nobody, even if no service of the manifest runs here. */
const isDrained = ({ draining }: JudgedStatus): boolean => draining !== undefined && draining !== null;

/**
 * A host that has accepted a manifest but not planned yet is pending, and so is one with an unknown outcome.
 */
const isOpen = (status: JudgedStatus, desired: DesiredManifest | undefined): boolean =>
  isBehind(status, desired) ||
  otherVersionOf(status, desired) !== undefined ||
  !status.engine.online ||
  !isOutcome(status.outcome) ||
  isDrained(status) ||
  concernedOf(status, desired).some((s) => s.outcome !== 'converged');

const kindOf = (
  report: JudgedReport,
  desired: DesiredManifest | undefined,
  faults: readonly HostFault[],
  nowMs: EpochMs,
): VerdictKind => {
  const { status } = report;
  const isRunning = status.agent.running;
  if (isSilent(report, nowMs)) return isRunning ? 'silent' : 'stopped';
  if (faults.length > 0) return 'failed';
  const isOther = !isBehind(status, desired) && otherVersionOf(status, desired) !== undefined;
  if (isOther && isLater(status, desired)) return 'superseded';
  if (!isOpen(status, desired)) return 'converged';
  // A finished switch stays finished when the agent ends, as after `supercargo once`.
  return isRunning ? 'pending' : 'stopped';
};

const textOf = ({ service, message }: Finding): string =>
  service === null ? message : `${service}: ${message}`;

/**
 * A host's progress towards the manifest, by its last report. The page, `fleet`, `publish --wait` and the
 * hub's metrics all use this function. Without a published manifest the host is judged by itself.
 */
export const judgeHost = (
  report: JudgedReport | undefined,
  desired: DesiredManifest | undefined,
  nowMs: EpochMs,
): HostVerdict => {
  const findings = findingsOf(report, desired, nowMs);
  const [first] = findings;
  const faults = report === undefined ? [] : faultsOf(report.status, desired, findings);
  const kind = report === undefined ? 'silent' : kindOf(report, desired, faults, nowMs);
  const isLost = kind === 'silent' || kind === 'stopped';
  return {
    kind,
    word: first?.word ?? 'converged',
    service: first?.service ?? null,
    reason: first?.reason ?? null,
    message: first ? textOf(first) : 'it runs what it should',
    advice: first?.advice ?? null,
    until: first?.until ?? null,
    faults: kind === 'failed' ? faults : [],
    ...(isLost && report && { sinceMs: report.seenAtMs }),
  };
};
