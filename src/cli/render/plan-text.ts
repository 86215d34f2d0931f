import type { DryRun, Step } from '../../core/plan/dry-run.ts';
import { deadlineOf, gapOf } from '../../core/plan/downtime.ts';
import { warningOf } from '../../core/plan/preflight.ts';
import { subjectOf } from '../../core/plan/action-details.ts';
import { foreignText } from '../../core/plan/foreign-container.ts';
import type { PlanInput } from '../../core/plan/plan-input.ts';
import type { Action } from '../../core/plan/action.ts';
import type { HostPlan } from '../../core/plan/host-plan.ts';
import { describeDecision, decisionMembers } from '../../core/status/describe-decision.ts';
import type { DecisionStatus, ForeignContainer, Status } from '../../core/status/status-document.ts';
import type { Screen } from '../streams.ts';
import { printableDocument } from '../../core/printable-text.ts';
import { renderTable } from '../terminal/table.ts';
import { paintOutcome } from './status-text.ts';

/** The document of `plan --json`. */
export interface PlanDocument {
  readonly apiVersion: 'supercargo/plan/v1';
  readonly environment: string;
  readonly serial: number | null;
  readonly services: readonly PlannedService[];
  /** Steps of the edge, the proxy of start-first services. */
  readonly edge: readonly PlanStep[];
  readonly housekeeping: readonly PlanStep[];
  /** Containers with our labels that the agent does not own. Absent if there are none. */
  readonly foreign?: readonly ForeignContainer[];
}

interface PlannedService extends DecisionStatus {
  readonly service: string;
  /** What clients of the service notice; null if nothing changes. */
  readonly gap: string | null;
  /** What may fail although all possible checks were made beforehand; null if nothing may. */
  readonly warning: string | null;
  /** How long a new container may take to be good, if its health check needs longer; else null. */
  readonly deadline: string | null;
  readonly steps: readonly PlanStep[];
  /** What blocks the service after these steps; null if nothing does. */
  readonly obstacle: { readonly reason: string; readonly message: string; readonly advice: string } | null;
}

export interface PlanStep {
  readonly action: Action['kind'];
  readonly subject: string;
  readonly why: string;
}

const stepOf = ({ action, why, heard }: Step): PlanStep => ({
  action: action.kind,
  subject: heard ?? subjectOf(action),
  why,
});

export const planDocument = (
  environment: string,
  serial: number | undefined,
  input: PlanInput,
  { now, steps, end }: DryRun,
): PlanDocument => ({
  apiVersion: 'supercargo/plan/v1',
  environment,
  serial: serial ?? null,
  services: now.services.map((plan) => {
    const own = steps.filter((s) => s.service === plan.service);
    return {
      service: plan.service,
      ...decisionMembers(describeDecision(plan.decision)),
      gap: gapOf(input, plan, steps),
      warning: warningOf(own),
      deadline: deadlineOf(input, plan, steps),
      steps: own.map(stepOf),
      obstacle: own.length === 0 ? null : obstacleOf(end, plan.service),
    };
  }),
  edge: steps.filter((s) => s.part === 'edge').map(stepOf),
  housekeeping: steps.filter((s) => s.part === 'housekeeping').map(stepOf),
  ...(now.foreign.length > 0 && { foreign: now.foreign }),
});

/**
 * The document without steps, if no plan is possible (no engine, ledger or compose file): each service as in
 * `status`.
 */
export const planlessDocument = (status: Status): PlanDocument => ({
  apiVersion: 'supercargo/plan/v1',
  environment: status.environment,
  serial: status.manifest.serial,
  services: status.services.map(({ service, outcome, reason, message, advice, until }) => ({
    service,
    outcome,
    reason,
    message,
    advice,
    until,
    gap: null,
    warning: null,
    deadline: null,
    steps: [],
    obstacle: null,
  })),
  edge: [],
  housekeeping: [],
});

const obstacleOf = (end: HostPlan, service: string): PlannedService['obstacle'] => {
  const decision = end.services.find((s) => s.service === service)?.decision;
  if (decision?.kind !== 'blocked') return null;
  const { reason, message, advice } = decision;
  return { reason, message, advice };
};

export const renderPlan = (document: PlanDocument, screen: Screen): string => {
  const plan = printableDocument(document);
  const { palette } = screen;
  const lines: string[] = [];
  for (const s of plan.services) {
    const outcome = s.steps.length > 0 ? palette.warn('changes') : paintOutcome(s.outcome, palette);
    lines.push(
      `${palette.strong(s.service)}: ${outcome}${s.message === null ? '' : ` – ${s.message}`}` +
        (s.until === null ? '' : ` (until ${s.until})`),
    );
    if (s.advice !== null && s.advice !== '') lines.push(`  ${palette.info('→')} ${s.advice}`);
    if (s.gap !== null) lines.push(`  gap: ${s.gap}`);
    if (s.deadline !== null) lines.push(`  deadline: ${s.deadline}`);
    if (s.warning !== null) lines.push(`  ${palette.warn('warning')}: ${s.warning}`);
    lines.push(...stepLines(s.steps, screen));
    if (s.obstacle)
      lines.push(
        `  then ${paintOutcome('blocked', palette)} – ${s.obstacle.message}`,
        `  ${palette.info('→')} ${s.obstacle.advice}`,
      );
  }
  if (plan.edge.length > 0) lines.push(palette.strong('edge:'), ...stepLines(plan.edge, screen));
  if (plan.housekeeping.length > 0)
    lines.push(palette.strong('clean-up:'), ...stepLines(plan.housekeeping, screen));
  for (const f of plan.foreign ?? [])
    lines.push(`${palette.strong(`${f.name} (foreign)`)}: ${foreignText(f)}`);
  if (lines.length === 0) lines.push('nothing is declared on this host, and nothing runs');
  return `${lines.join('\n')}\n`;
};

const stepLines = (steps: readonly PlanStep[], screen: Screen): readonly string[] => {
  if (steps.length === 0) return [];
  const rows = steps.map((s, index) => [
    `  ${String(index + 1)}.`,
    s.action,
    s.subject,
    screen.palette.faint(s.why),
  ]);
  return [renderTable({ rows }, screen).trimEnd()];
};
