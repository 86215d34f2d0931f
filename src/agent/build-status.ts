import type { HostLabels } from '../core/fleet/host-labels.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import type { ServicePlan } from '../core/plan/host-plan.ts';
import { mayBeOurs } from '../core/plan/ownership.ts';
import { isUp } from '../core/plan/slot.ts';
import type { PullProgress } from '../core/ports/engine.ts';
import {
  failureOf,
  isDrainActive,
  isHoldActive,
  LIFTED,
  serviceRecord,
  type Ledger,
} from '../core/state/ledger.ts';
import { worstOutcome } from '../core/status/exit-code.ts';
import { containerStatus } from '../core/status/container-status.ts';
import { originOf } from '../core/status/image-origin-status.ts';
import { describeDecision, decisionMembers, type DecisionReport } from '../core/status/describe-decision.ts';
import type {
  DrainingStatus,
  FailureStatus,
  ManifestStatus,
  ProblemStatus,
  ReportStatus,
  ServiceStatus,
  Status,
  SwitchStatus,
  SwitchNowStatus,
  TurnsStatus,
} from '../core/status/status-document.ts';
import { isoTime, type EpochMs } from '../core/time.ts';
import type { Intake } from './intake.ts';
import type { LedgerTrouble } from './ledger-record.ts';
import type { View } from './reconciler.ts';

export interface ReportInput {
  readonly environment: string;
  readonly host: string;
  readonly labels: HostLabels;
  readonly nowMs: EpochMs;
  readonly agent: {
    readonly running: boolean;
    readonly version: string;
    readonly pid: number | null;
    readonly sinceMs: EpochMs | null;
  };
  readonly view: View;
  /** Services for which a step is under way that began by a turn. */
  readonly underWay: ReadonlySet<string>;
  readonly intake: Intake;
  readonly ledger: Ledger;
  readonly trouble: LedgerTrouble | undefined;
  readonly progress: ReadonlyMap<string, PullProgress>;
  readonly report: ReportStatus | null;
  /** Undefined if this agent takes no turns, because it only observes. */
  readonly turns: TurnsStatus | undefined;
  /** When the service's outcome and reason became `key`. */
  readonly since: (service: string, key: string) => EpochMs;
}

const iso = (ms: EpochMs | undefined | null): string | null =>
  ms === undefined || ms === null ? null : isoTime(ms);

/** Builds the current status document. Specs, environment variables and credentials never enter it. */
export const buildStatus = (r: ReportInput): Status => {
  const services = servicesOf(r);
  const problems = problemsOf(r);
  const offline = r.view.offline;
  const foreign = r.view.plan?.foreign ?? [];
  return {
    apiVersion: 'supercargo/status/v1',
    environment: r.environment,
    host: r.host,
    labels: r.labels,
    at: isoTime(r.nowMs),
    outcome: worstOutcome([
      ...services.map((s) => s.outcome),
      ...(edgeOf(r)?.outcome === 'blocked' ? (['blocked'] as const) : []),
      ...(offline ? (['offline'] as const) : []),
      ...(r.view.plan ? [] : (['progressing'] as const)),
      ...(problems.length > 0 || r.intake.rejection ? (['blocked'] as const) : []),
    ]),
    agent: {
      running: r.agent.running,
      version: r.agent.version,
      pid: r.agent.pid,
      since: iso(r.agent.sinceMs),
    },
    engine: {
      online: offline === undefined,
      version: r.view.actual?.engine.version ?? null,
      apiVersion: r.view.actual?.engine.apiVersion ?? null,
      message: offline?.message ?? null,
      advice: offline?.advice ?? null,
    },
    manifest: manifestOf(r),
    hold: holdOf(r),
    draining: drainingOf(r, services),
    switchNow: switchNowOf(r),
    services,
    edge: edgeOf(r),
    problems,
    ...(foreign.length > 0 && { foreign }),
    report: r.report,
    ...(r.turns && { turns: { ...turnsOf(r.turns, services), ...jobsOf(r.ledger) } }),
  };
};

/** While nothing is known of a service, its turn is not given back. */
const turnsOf = (turns: TurnsStatus, services: readonly ServiceStatus[]): TurnsStatus => {
  const unknown = services.flatMap((s) => (s.switching === undefined ? [s.service] : []));
  return { ...turns, asked: [...new Set([...turns.asked, ...unknown])].toSorted() };
};

/** The newest are enough for a store that was restored, and keep reports small. */
const MOST_JOBS = 50;

const jobsOf = ({ fleetJobs = [] }: Ledger): Pick<TurnsStatus, 'jobs'> => {
  const jobs = fleetJobs
    .slice(-MOST_JOBS)
    .map(({ service, digest, attempt }) => ({ service, digest, attempt }));
  return jobs.length > 0 ? { jobs } : {};
};

const problemsOf = ({ intake, trouble, view }: ReportInput): readonly ProblemStatus[] => {
  const offline = view.offline && view.offline.code !== 'ENGINE_OFFLINE' ? [view.offline] : [];
  return [
    ...(trouble ? [{ code: 'LEDGER', ...trouble }] : []),
    ...intake.composeProblems.map((p) => ({ code: 'COMPOSE', ...p })),
    ...(intake.trustProblem ? [{ code: 'TRUST', ...intake.trustProblem }] : []),
    ...(intake.ledgerFailure
      ? [
          {
            code: intake.ledgerFailure.code,
            message: intake.ledgerFailure.message,
            advice: intake.ledgerFailure.advice ?? '',
          },
        ]
      : []),
    ...offline.map((e) => ({ code: e.code, message: e.message, advice: e.advice ?? '' })),
  ];
};

const servicesOf = (r: ReportInput): readonly ServiceStatus[] => {
  const { plan, offline } = r.view;
  const [problem] = r.intake.composeProblems;
  const all = (decision: Unplanned): readonly ServiceStatus[] =>
    namesOf(r).map((name) => unplanned(r, name, decision));
  if (offline) return all({ outcome: 'offline', reason: null, ...wordsOf(offline) });
  if (r.trouble) return all({ outcome: 'blocked', reason: 'ledger', ...wordsOf(r.trouble) });
  if (plan) return plan.services.map((service) => serviceOf(r, service));
  if (problem) return all({ outcome: 'blocked', reason: 'compose', ...wordsOf(problem) });
  return all(NOT_OBSERVED);
};

type Unplanned = Pick<ServiceStatus, 'outcome' | 'reason' | 'message' | 'advice'>;

const NOT_OBSERVED: Unplanned = {
  outcome: 'progressing',
  reason: 'observe',
  message: 'the agent has just started and has not observed this host yet',
  advice: null,
};

const wordsOf = ({ message, advice }: { message: string; advice?: string | undefined }) => ({
  message,
  advice: advice ?? '',
});

/** Every service that is declared, is in the ledger, or has a container here. */
const namesOf = ({ intake, ledger, view }: ReportInput): readonly string[] =>
  [
    ...new Set([
      ...Object.keys(intake.project?.services ?? {}),
      ...Object.keys(ledger.services),
      ...(view.actual?.containers.flatMap((container) =>
        container.owner ? [container.owner.service] : [],
      ) ?? []),
    ]),
  ].toSorted();

const unplanned = (r: ReportInput, service: string, decision: Unplanned): ServiceStatus => ({
  service,
  ...decision,
  since: isoTime(r.since(service, `${decision.outcome} ${decision.reason ?? ''}`)),
  until: null,
  desired: null,
  rolledBack: null,
  failure: failureStatus(r.ledger, service),
  progress: null,
  origin: originOf(r.ledger, service, undefined),
  containers: [],
});

const serviceOf = (r: ReportInput, plan: ServicePlan): ServiceStatus => {
  const report = describeDecision(plan.decision);
  return {
    service: plan.service,
    ...decisionMembers(report),
    since: isoTime(r.since(plan.service, sinceKey(report))),
    serves: plan.availability?.mustServe === false ? null : (plan.readiness?.isReady ?? null),
    desired: plan.desired ? { version: plan.desired.version, release: plan.desired.release } : null,
    rolledBack: report.rolledBack,
    failure: failureStatus(r.ledger, plan.service, plan.desired?.release),
    progress: r.progress.get(plan.service) ?? null,
    origin: originOf(r.ledger, plan.service, plan.desired?.release),
    switching: plan.switching ? withStep(plan.switching, r.underWay.has(plan.service)) : null,
    containers: plan.running.map(containerStatus),
  };
};

/** A step of the release before may make a container yet: its turn is not over when the next is desired. */
const withStep = (switching: SwitchStatus, isUnderWay: boolean): SwitchStatus =>
  isUnderWay && switching.state === 'none' ? { ...switching, unsettled: true } : switching;

export const sinceKey = (report: DecisionReport): string =>
  `${report.outcome} ${report.outcome === 'progressing' ? '' : (report.reason ?? '')}`;

/** The failure of `release`, if one is given: a failure of another release is history. */
const failureStatus = (ledger: Ledger, service: string, release?: string): FailureStatus | null => {
  const record = serviceRecord(ledger, service);
  const failure = release === undefined ? record.failure : failureOf(record, release);
  return failure && failure.attempt !== LIFTED
    ? {
        version: failure.version,
        release: failure.release,
        attempt: failure.attempt,
        reason: failure.reason,
        message: failure.message,
        at: isoTime(failure.failedAtMs),
        log: failure.log,
      }
    : null;
};

const edgeOf = ({ view }: ReportInput): Status['edge'] => {
  const edge = view.plan?.edge;
  if (!edge) return null;
  return {
    ...decisionMembers(describeDecision(edge.decision)),
    containers: edge.containers.map((e) => ({
      id: e.container.id,
      name: e.container.name,
      role: e.role,
      state: e.state,
      version: e.version ?? null,
      sessions: e.sessions ?? null,
      ...(e.isOutdated && { outdated: true as const }),
    })),
  };
};

const holdOf = ({ ledger, nowMs }: ReportInput): Status['hold'] => {
  const { hold } = ledger;
  if (!isHoldActive(hold, nowMs)) return null;
  return {
    reason: hold.reason,
    owner: hold.owner,
    since: isoTime(hold.sinceMs),
    until: iso(hold.untilMs),
    all: hold.all,
  };
};

const drainingOf = (r: ReportInput, services: readonly ServiceStatus[]): DrainingStatus | null => {
  const { drain } = r.ledger;
  if (!isDrainActive(drain, r.nowMs)) return null;
  return {
    reason: drain.reason,
    owner: drain.owner,
    since: isoTime(drain.sinceMs),
    until: iso(drain.untilMs),
    // What had begun before the drain may start a container yet.
    done: isObservedDown(r) && services.every((s) => s.outcome !== 'progressing' && s.reason !== 'adoption'),
  };
};

const switchNowOf = ({ ledger: { switchNow }, intake }: ReportInput): SwitchNowStatus | null => {
  if (!switchNow || switchNow.serial !== (intake.manifest?.serial ?? 0)) return null;
  const { reason, owner, sinceMs } = switchNow;
  return { reason, owner, since: isoTime(sinceMs) };
};

/** Unknown means no: `supercargo drain && reboot` reboots once this is true. */
const isObservedDown = ({ environment, intake, view }: ReportInput): boolean => {
  const { actual, plan, offline } = view;
  if (!actual || !plan || offline) return false;
  const foreign = new Set(plan.foreign.map(({ id }) => id));
  return !actual.containers.some(
    (c) => isUp(c) && mayBeOurs(environment, intake.project, c) && !foreign.has(c.id),
  );
};

const manifestOf = ({ intake, ledger, view }: ReportInput): ManifestStatus => {
  const { manifest, rejection, source } = intake;
  const accepted = ledger.accepted?.manifest.serial === manifest?.serial ? ledger.accepted : undefined;
  return {
    state: rejection || intake.distrust ? 'rejected' : manifest ? 'accepted' : 'none',
    serial: manifest?.serial ?? null,
    epoch: accepted?.epoch ?? null,
    signed: accepted?.signed ?? null,
    issuedAt: iso(manifest?.issuedAtMs),
    expiresAt: iso(manifest?.expiresAtMs),
    acceptedAt: iso(accepted?.acceptedAtMs),
    publisher: publisherOf(manifest),
    rejection: rejection
      ? {
          reason: rejection.reason,
          serial: rejection.serial ?? null,
          message: rejection.message,
          advice: rejection.advice,
          since: isoTime(rejection.sinceMs),
        }
      : intake.distrust
        ? {
            reason: 'trust',
            serial: manifest?.serial ?? null,
            message: intake.distrust.message,
            advice: intake.distrust.advice,
            since: isoTime(accepted?.acceptedAtMs ?? 0),
          }
        : null,
    source: {
      reachable: source.checkedAtMs === undefined ? null : source.failure === undefined,
      checkedAt: iso(source.checkedAtMs),
      message: source.failure?.message ?? null,
      advice: source.failure?.advice ?? null,
      nextAt: source.notBeforeMs > 0 ? iso(source.notBeforeMs) : null,
    },
    ignored: view.desired?.ignored ?? [],
  };
};

const publisherOf = (manifest: Manifest | undefined): ManifestStatus['publisher'] => {
  const publisher = manifest?.publisher;
  return publisher
    ? { name: publisher.name ?? null, build: publisher.build ?? null, url: publisher.url ?? null }
    : null;
};
