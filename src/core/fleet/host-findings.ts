import { versionOf, type ImageVersion } from '../image/image-version.ts';
import type { ReportedService, ReportedStatus } from '../status/reported-status.ts';
import type { DecisionStatus } from '../status/status-document.ts';
import { isoSeconds, type EpochMs } from '../time.ts';
import type { ErrorCode } from '../vocabulary/error-codes.ts';
import type { WaitReason } from '../vocabulary/reasons.ts';
import { silentSince, type Finding } from './verdict-text.ts';

/** The part of a manifest that verdicts depend on; a Manifest is one. */
export interface DesiredManifest {
  readonly serial: number;
  readonly services: Readonly<Record<string, { readonly image: ImageVersion }>>;
}

/** The part of a report that verdicts depend on. */
export interface JudgedStatus {
  readonly outcome: string;
  readonly agent: Pick<ReportedStatus['agent'], 'running'>;
  readonly engine: Pick<ReportedStatus['engine'], 'online' | 'message' | 'advice'>;
  readonly manifest: Pick<ReportedStatus['manifest'], 'serial' | 'rejection' | 'source' | 'ignored'>;
  readonly services: readonly JudgedService[];
  readonly edge: Pick<NonNullable<ReportedStatus['edge']>, keyof DecisionStatus> | null;
  readonly problems: ReportedStatus['problems'];
  readonly draining?: ReportedStatus['draining'];
}

export type JudgedService = Pick<ReportedService, 'service' | keyof DecisionStatus | 'desired' | 'failure'>;

export interface JudgedReport {
  readonly host: string;
  readonly seenAtMs: EpochMs;
  readonly status: JudgedStatus;
}

/** Three heartbeats. */
export const SILENT_MS = 180_000;

export const isSilent = ({ seenAtMs }: JudgedReport, nowMs: EpochMs): boolean => nowMs - seenAtMs > SILENT_MS;

const finding = (word: string, message: string, more: Partial<Finding> = {}): Finding => ({
  word,
  service: null,
  reason: null,
  message,
  advice: null,
  until: null,
  log: [],
  ...more,
});

const DRAINED: WaitReason = 'drained';

/** The problem code of a lost or damaged ledger. */
const LEDGER: ErrorCode = 'LEDGER';

export const isBehind = ({ manifest }: JudgedStatus, desired: DesiredManifest | undefined): boolean =>
  desired !== undefined && (manifest.serial ?? 0) < desired.serial;

const hasSerial = ({ manifest: { serial } }: JudgedStatus): string =>
  serial === null ? 'it has no manifest yet' : `it is at serial ${String(serial)}`;

const NEVER = finding('silent', silentSince(undefined), {
  advice: 'check SUPERCARGO_REPORT_URL and SUPERCARGO_HOST there, and that its agent runs',
});

const silence = ({ seenAtMs }: JudgedReport): Finding =>
  finding('silent', silentSince(seenAtMs), {
    advice: 'look at the host and its agent: systemctl status supercargo',
  });

const stopped = ({ seenAtMs, status }: JudgedReport): readonly Finding[] =>
  status.agent.running
    ? []
    : [
        finding('stopped', `its agent has not run since ${isoSeconds(seenAtMs)}`, {
          advice: 'start it (systemctl start supercargo)',
        }),
      ];

const ledgerLost = ({ problems }: JudgedStatus): readonly Finding[] =>
  problems
    .filter(({ code }) => code === LEDGER)
    .map(({ message, advice }) => finding('no-ledger', message, { reason: 'ledger', advice }));

/** With a bad signature the serial is unknown: it may be the desired one or the one before. */
const refusal = (status: JudgedStatus, desired: DesiredManifest | undefined): readonly Finding[] => {
  const { rejection } = status.manifest;
  if (rejection === null) return [];
  const { serial, reason, message, advice } = rejection;
  const what = serial === null ? 'what it is offered' : `serial ${String(serial)}`;
  const has = isBehind(status, desired) && serial !== desired?.serial ? `${hasSerial(status)}; ` : '';
  return [finding('refused', `${has}it refuses ${what}: ${message}`, { reason, advice })];
};

const offline = ({ engine }: JudgedStatus): readonly Finding[] =>
  engine.online
    ? []
    : [finding('offline', engine.message ?? 'its engine does not answer', { advice: engine.advice })];

const behind = (status: JudgedStatus): readonly Finding[] => {
  const { source } = status.manifest;
  const { advice, nextAt: until } = source;
  return source.reachable === false
    ? [finding('unreachable', `${hasSerial(status)}; ${source.message ?? SOURCE}`, { advice, until })]
    : [finding('behind', hasSerial(status), { until })];
};

const SOURCE = 'it cannot read its manifest';

const unreachable = ({ manifest: { source } }: JudgedStatus): readonly Finding[] =>
  source.reachable === false
    ? [finding('unreachable', source.message ?? SOURCE, { advice: source.advice, until: source.nextAt })]
    : [];

const problems = (status: JudgedStatus): readonly Finding[] =>
  status.problems
    .filter(({ code }) => code !== LEDGER)
    .map(({ code, message, advice }) => finding('blocked', message, { reason: code.toLowerCase(), advice }));

const edgeBlocked = ({ edge }: JudgedStatus): readonly Finding[] =>
  edge?.outcome === 'blocked'
    ? [
        finding('blocked', `the edge: ${edge.message ?? edge.outcome}`, {
          reason: edge.reason,
          advice: edge.advice,
        }),
      ]
    : [];

export const hasFailed = ({ outcome }: JudgedService): boolean =>
  outcome === 'rolled-back' || outcome === 'blocked';

const ofService = (s: JudgedService): Finding =>
  finding(s.outcome, s.message ?? s.outcome, {
    service: s.service,
    reason: s.reason,
    advice: s.advice,
    until: s.until,
    log: s.failure?.log ?? [],
  });

/** Services that the manifest affects: not pinned by the host, and of the same repository. */
export const concernedOf = (
  { manifest, services }: JudgedStatus,
  desired: DesiredManifest | undefined,
): readonly JudgedService[] => {
  const ignored = new Set(manifest.ignored.map((i) => i.service));
  return desired === undefined
    ? services
    : services.filter((s) => desired.services[s.service] !== undefined && !ignored.has(s.service));
};

/** An affected service for which the host desires another version than the manifest. */
export const otherVersionOf = (
  status: JudgedStatus,
  desired: DesiredManifest | undefined,
): JudgedService | undefined =>
  concernedOf(status, desired).find((s) => {
    const image = desired?.services[s.service]?.image;
    return image !== undefined && s.desired !== null && s.desired.version !== versionOf(image);
  });

export const isLater = ({ manifest }: JudgedStatus, desired: DesiredManifest | undefined): boolean =>
  desired !== undefined && (manifest.serial ?? 0) > desired.serial;

const otherVersion = (status: JudgedStatus, desired: DesiredManifest | undefined): readonly Finding[] => {
  const other = isBehind(status, desired) ? undefined : otherVersionOf(status, desired);
  if (other === undefined) return [];
  const version = other.desired?.version ?? '';
  const wants = `serial ${String(status.manifest.serial)} wants ${other.service} ${version}`;
  return isLater(status, desired)
    ? [finding('superseded', wants)]
    : [finding('progressing', 'it has the manifest, and plans its steps', { service: other.service })];
};

/** Says for every service of the host why it is stopped, or soon will be. */
const drained = ({ draining }: JudgedStatus): readonly Finding[] => {
  if (!draining) return [];
  const { owner, reason, until, done } = draining;
  const still = done ? '' : '; services still stop';
  return [
    finding('drained', `drained by ${owner}: ${reason}${still}`, {
      advice: 'bring it back with `supercargo undrain` there',
      until,
    }),
  ];
};

const openServices = (status: JudgedStatus): readonly Finding[] =>
  status.services
    .filter((s) => s.outcome !== 'converged' && !hasFailed(s))
    .filter((s) => !status.draining || s.reason !== DRAINED)
    .filter((s) => status.engine.online || s.outcome !== 'offline')
    .map(ofService);

/** A newer agent may report an outcome for a reason that this version does not know. */
const unexplained = (status: JudgedStatus, found: readonly Finding[]): readonly Finding[] =>
  status.outcome === 'converged' || found.length > 0
    ? []
    : [
        finding(
          status.outcome,
          `it reports ${JSON.stringify(status.outcome)}, which this version cannot explain`,
          {
            advice: 'look at `supercargo status` there, or use a supercargo as new as its agent',
          },
        ),
      ];

/**
 * Findings on a host, the most important first: the first one gives the host its verdict. Empty if the host
 * runs the desired manifest, reports, and has no problem.
 */
export const findingsOf = (
  report: JudgedReport | undefined,
  desired: DesiredManifest | undefined,
  nowMs: EpochMs,
): readonly Finding[] => {
  if (report === undefined) return [NEVER];
  const { status } = report;
  const isOld = isSilent(report, nowMs);
  const isLate = isBehind(status, desired);
  const ended = stopped(report);
  const lost = ledgerLost(status);
  const refused = refusal(status, desired);
  // A lost ledger blocks every service, but is reported once.
  const failed = status.services.filter((s) => hasFailed(s) && (lost.length === 0 || s.reason !== 'ledger'));
  const concerned = new Set(concernedOf(status, desired));
  const found = [
    ...(isOld ? [ended[0] ?? silence(report)] : []),
    ...lost,
    ...refused,
    ...offline(status),
    ...(isLate && !isOld ? ended : []),
    // A lost ledger or a refused manifest explains already why the host is behind.
    ...(isLate && lost.length + refused.length === 0 ? behind(status) : []),
    ...failed.filter((s) => concerned.has(s)).map(ofService),
    ...failed.filter((s) => !concerned.has(s)).map(ofService),
    ...problems(status),
    ...edgeBlocked(status),
    ...(isLate || isOld ? [] : ended),
    ...drained(status),
    ...otherVersion(status, desired),
    ...openServices(status),
    ...(isLate ? [] : unreachable(status)),
  ];
  return [...found, ...unexplained(status, found)];
};
