import { foreignText } from '../../core/plan/foreign-container.ts';
import { isoTime } from '../../core/time.ts';
import type { Explanation } from '../../core/plan/explain-service.ts';
import { containerStatus } from '../../core/status/container-status.ts';
import type {
  ContainerStatus,
  DecisionStatus,
  FailureStatus,
  OriginStatus,
} from '../../core/status/status-document.ts';
import { describeDecision, decisionMembers } from '../../core/status/describe-decision.ts';
import type { Screen } from '../streams.ts';
import { printableDocument } from '../../core/printable-text.ts';
import { renderTable } from '../terminal/table.ts';
import { drainText, paintOutcome } from './status-text.ts';

/** The document of `explain --json`. It never contains values of environment variables. */
export interface ExplainDocument {
  readonly apiVersion: 'supercargo/explain/v1';
  readonly environment: string;
  readonly services: readonly ExplainedService[];
}

export interface ExplainedService
  extends Omit<Explanation, 'decision' | 'good' | 'desired' | 'containers'>, DecisionStatus {
  readonly since: string | null;
  readonly good: {
    readonly version: string;
    readonly release: string;
    readonly image: string;
    readonly at: string;
  } | null;
  readonly desired: Explanation['desired'] | null;
  readonly containers: readonly ContainerStatus[];
  readonly failure: FailureStatus | null;
  readonly origin: OriginStatus | null;
}

export const explainDocument = (
  environment: string,
  explanations: readonly Explanation[],
  known: (service: string) => Pick<ExplainedService, 'since' | 'failure' | 'origin'>,
): ExplainDocument => ({
  apiVersion: 'supercargo/explain/v1',
  environment,
  services: explanations.map(({ decision, good, desired, containers, ...rest }) => {
    return {
      ...rest,
      ...decisionMembers(describeDecision(decision)),
      good: good
        ? { version: good.version, release: good.release, image: good.image, at: isoTime(good.goodAtMs) }
        : null,
      desired: desired ?? null,
      containers: containers.map(containerStatus),
      ...known(rest.service),
    };
  }),
});

export const renderExplain = (document: ExplainDocument, screen: Screen): string =>
  printableDocument(document)
    .services.map((s) => renderService(s, screen))
    .join('\n');

const factsOf = (s: ExplainedService, palette: Screen['palette']): readonly (readonly string[])[] => {
  const rows: (readonly string[])[] = [
    [
      'outcome',
      `${paintOutcome(s.outcome, palette)}${s.reason === null ? '' : ` (${s.reason})`}` +
        `${s.since === null ? '' : ` since ${s.since}`}${s.until === null ? '' : `, until ${s.until}`}`,
    ],
  ];
  if (s.message !== null) rows.push(['why', s.message]);
  if (s.advice !== null && s.advice !== '') rows.push(['do', s.advice]);
  rows.push([
    'desired',
    s.desired ? `${s.desired.version} (release ${s.desired.release.slice(0, 8)}) ${s.desired.image}` : '–',
  ]);
  rows.push([
    'last good',
    s.good ? `${s.good.version} (release ${s.good.release.slice(0, 8)}), proved ${s.good.at}` : '–',
  ]);
  if (s.origin) {
    rows.push(['image from', `${s.origin.source}, fetched ${s.origin.fetchedAt}`]);
    rows.push(...s.origin.skipped.map((o) => ['skipped', `${o.source}: ${o.message}`]));
  }
  for (const c of s.containers)
    rows.push([
      c.role,
      `${c.name}: ${c.version}, ${c.state}${c.health === 'none' ? '' : `, ${c.health}`}${drainText(c)}`,
    ]);
  for (const f of s.foreign ?? []) rows.push(['foreign', `${f.name} ${foreignText(f)}`]);
  if (s.failure)
    rows.push(
      ['failed', `${s.failure.version} at ${s.failure.at}: ${s.failure.message}`],
      ...s.failure.log.map((l) => ['', palette.faint(`│ ${l}`)]),
    );
  return rows;
};

const renderService = (s: ExplainedService, screen: Screen): string => {
  const { palette } = screen;
  const parts = [
    palette.strong(s.service),
    renderTable({ rows: factsOf(s, palette).map((r) => ['', ...r]) }, screen).trimEnd(),
  ];
  if (s.differences.length > 0) {
    parts.push(
      renderTable(
        {
          header: ['', 'FIELD', 'DESIRED', 'ACTUAL'],
          rows: s.differences.map((d) => ['', d.field, d.desired, d.actual]),
        },
        screen,
      ).trimEnd(),
    );
  }
  if (s.next.length > 0) {
    parts.push(
      renderTable(
        {
          header: ['', 'NEXT', '', ''],
          rows: s.next.map((n) => ['', n.action, n.subject, palette.faint(n.why)]),
        },
        screen,
      ).trimEnd(),
    );
  }
  return `${parts.join('\n')}\n`;
};
