import type { PageHost } from '../../core/fleet/fleet-page.ts';
import type { FleetTotals } from '../../core/fleet/fleet-totals.ts';
import { formatLabels, knownLabelsText, type HostLabels } from '../../core/fleet/host-labels.ts';
import { isWell, verdictText, type HostFault } from '../../core/fleet/verdict-text.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import type { VersionChange } from '../../core/publish/diff-manifests.ts';
import type { ReportedService } from '../../core/status/reported-status.ts';
import { isoSeconds, type EpochMs } from '../../core/time.ts';
import type { WaitedHost } from '../../publish/read-awaited.ts';
import type { Screen } from '../streams.ts';
import { oneLine, printableDocument } from '../../core/printable-text.ts';
import type { ReportedRollout } from '../../core/turns/read-rollout.ts';
import { judgeRollout } from '../../core/turns/rollout-verdict.ts';
import { rolloutHeadline } from './rollout-headline.ts';
import { renderTable } from '../terminal/table.ts';
import { paintOutcome } from './status-text.ts';
import { toneOf } from '../../core/vocabulary/outcomes.ts';

const paintWord = ({ palette }: Screen, word: string): string => palette[toneOf(word)](word);

/** Advice if no host has reported. */
export const noReportAdvice = (environment: string): string =>
  `  → check SUPERCARGO_REPORT_URL on the hosts, and that their SUPERCARGO_ENVIRONMENT is ${environment}`;

/** Advice if no host has the labels that were asked for. */
export const noMatchAdvice = ({ labels, moreLabels, reported }: FleetTotals): string => {
  if (labels.length > 0) return `name labels that hosts report: ${knownLabelsText(labels, moreLabels)}`;
  return reported > 0
    ? 'set SUPERCARGO_LABELS on the hosts: none reports a label, and agents before this version cannot'
    : 'check SUPERCARGO_REPORT_URL on the hosts: none has reported';
};

/** A line for each service: `web  1.2.2 → 1.2.3`. */
export const renderChanges = (changes: readonly VersionChange[], screen: Screen): string => {
  const rows = printableDocument(changes).map(({ service, from, to, kind, note }) => [
    `  ${service}`,
    kind === 'unchanged' ? (to ?? '') : `${from ?? 'nothing'} → ${to ?? 'nothing'}`,
    [kind === 'changed' ? '' : kind, note ?? ''].filter((t) => t !== '').join('; '),
  ]);
  return rows.length === 0 ? '  no services\n' : renderTable({ rows }, screen);
};

/** A line for each host. */
export const renderWait = (hosts: readonly WaitedHost[], screen: Screen): string => {
  const rows = printableDocument(hosts).map(({ host, verdict }) => [
    host,
    paintWord(screen, verdict.word),
    isWell(verdict) ? '' : verdictText(verdict),
  ]);
  return rows.length === 0 ? '' : renderTable({ header: ['HOST', 'IS', 'WHY'], rows }, screen);
};

export const renderFault = (host: string, from: HostFault, { palette }: Screen): string => {
  const fault = printableDocument(from);
  return [
    `${host}: ${fault.service === null ? '' : `${fault.service}: `}${fault.message} (${fault.reason})`,
    ...fault.log.map((line) => `  ${palette.faint('│')} ${line}`),
    ...(fault.advice === null ? [] : [`  ${palette.info('→')} ${fault.advice}`]),
  ]
    .map((line) => `${line}\n`)
    .join('');
};

export interface Fleet {
  readonly environment: string;
  readonly published: Manifest | undefined;
  /** Of the hosts with the labels of `where`. */
  readonly totals: FleetTotals;
  /** Until then hosts may be missing (`FleetPage.incompleteUntilMs`). */
  readonly incompleteUntilMs: EpochMs | undefined;
  /** Of all hosts, if none has these labels. */
  readonly others: FleetTotals;
  /** `trouble` says why it could not be read. */
  readonly rollout: ReportedRollout | 'no-turns' | { readonly trouble: string };
  readonly where: HostLabels | undefined;
  /** All hosts in natural order; the worst ones of a fleet that is too large to be shown. */
  readonly judged: readonly PageHost[];
  readonly nowMs: EpochMs;
}

const SECOND = 1000;
const MINUTE = 60;
const ago = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / SECOND));
  return seconds < 2 * MINUTE
    ? `${String(seconds)} s ago`
    : `${String(Math.round(seconds / MINUTE))} min ago`;
};

/** The row of the host itself; explains a verdict that no service of the host explains. */
const hostRow = ({ verdict }: PageHost, screen: Screen): readonly string[] => {
  if (isWell(verdict)) return ['–', '', '', paintWord(screen, verdict.word), '', ''];
  const why = [verdict.message, ...(verdict.advice === null ? [] : [`→ ${verdict.advice}`])].join(' ');
  return ['–', '', '', paintWord(screen, verdict.word), '', why];
};

/** Green only if the host is well, because the report of a silent host is outdated. */
const serviceRow = (s: ReportedService, isHostWell: boolean, { palette }: Screen): readonly string[] => {
  const runs = [...new Set(s.containers.filter((c) => c.state === 'running').map((c) => c.version))];
  return [
    s.service,
    s.desired?.version ?? '–',
    runs.join(', ') || '–',
    s.outcome === 'converged' && !isHostWell ? s.outcome : paintOutcome(s.outcome, palette),
    s.since,
    s.message ?? '',
  ];
};

const isOfHost = ({ verdict }: PageHost): boolean => !isWell(verdict) && verdict.service === null;

const rowsOf = (judged: PageHost, screen: Screen, nowMs: EpochMs): readonly string[][] => {
  const { host, verdict, report } = judged;
  const services = report?.status.services ?? [];
  const rows = [
    ...(isOfHost(judged) || services.length === 0 ? [hostRow(judged, screen)] : []),
    ...services.map((s) => serviceRow(s, isWell(verdict), screen)),
  ];
  const serial = report?.status.manifest.serial ?? '–';
  const seen = report ? ago(nowMs - report.seenAtMs) : 'never';
  return rows.map((row, index) => [
    ...(index === 0 ? [host, paintWord(screen, verdict.word), String(serial), seen] : ['', '', '', '']),
    ...row,
  ]);
};

/** The counts of the verdicts, worst first: `1 silent, 1 behind, 38 converged`. */
const renderCounts = ({ words }: FleetTotals, screen: Screen): string =>
  words
    .map(({ word, hosts }) => screen.palette[toneOf(word)](`${String(hosts)} ${oneLine(word)}`))
    .join(', ');

/** ` with zone=a` */
export const withLabels = (where: HostLabels | undefined): string =>
  where === undefined ? '' : ` with ${formatLabels(where)}`;

/** The labels that `--where` can select by. */
const labelsLine = ({ totals: { labels, moreLabels }, where }: Fleet): string =>
  where !== undefined || labels.length === 0 ? '' : `\nlabels: ${knownLabelsText(labels, moreLabels)}`;

/** Why hosts may be missing. */
export const hearsAnew = (untilMs: EpochMs): string =>
  `the hub has lost its reports, and hears all hosts again by ${isoSeconds(untilMs)}`;

const missingLine = ({ incompleteUntilMs }: Fleet, { palette }: Screen): string =>
  incompleteUntilMs === undefined ? '' : `\n${palette.warn(hearsAnew(incompleteUntilMs))}`;

/** A change that is under way or halted; nothing where each host decides alone, or all is finished. */
const rolloutLine = ({ environment, rollout }: Fleet, screen: Screen): string => {
  if (rollout === 'no-turns') return '';
  if ('trouble' in rollout)
    return `\nrollout: ${screen.palette.warn(`unknown: ${oneLine(rollout.trouble)}`)}`;
  if (judgeRollout(rollout) === 'finished') return '';
  return `\nrollout: ${rolloutHeadline(rollout, screen)} (supercargo rollout status ${environment})`;
};

const headOf = (fleet: Fleet, screen: Screen): string => {
  const { environment, published, where, totals } = fleet;
  const by = published?.publisher?.name === undefined ? '' : ` by ${oneLine(published.publisher.name)}`;
  const what = published
    ? `serial ${String(published.serial)}, published ${isoSeconds(published.issuedAtMs)}${by}`
    : 'nothing is published';
  if (totals.hosts === 0)
    return `${environment}: ${what}; no host has ${where ? formatLabels(where) : 'reported'}${missingLine(fleet, screen)}${rolloutLine(fleet, screen)}`;
  const runs = published
    ? `; ${String(totals.kinds.converged)} of ${String(totals.hosts)} hosts${withLabels(where)} run it`
    : '';
  return `${environment}: ${what}${runs}\n${renderCounts(totals, screen)}${missingLine(fleet, screen)}${labelsLine(fleet)}${rolloutLine(fleet, screen)}`;
};

/** How many hosts are not shown. */
const restLine = ({ totals, judged }: Fleet): string => {
  const rest = totals.hosts - judged.length;
  if (rest <= 0) return '';
  const allWell = totals.words.find(({ word }) => word === 'converged')?.hosts ?? 0;
  const well = Math.min(rest, allWell - judged.filter(({ verdict }) => isWell(verdict)).length);
  const parts = [
    ...(rest > well ? [`${String(rest - well)} hosts that need a look`] : []),
    ...(well > 0 ? [`${String(well)} hosts that run what they should`] : []),
  ];
  return `${judged.length === 0 ? '' : 'and '}${parts.join(', ')} (--all shows them)\n`;
};

/** A row for each service of each host, below the environment's serial and counts. */
export const renderFleet = (fleet: Fleet, screen: Screen): string => {
  const { environment, totals, others, where, judged, nowMs } = fleet;
  const header = ['HOST', 'IS', 'SERIAL', 'SEEN', 'SERVICE', 'DESIRED', 'RUNS', 'OUTCOME', 'SINCE', 'WHY'];
  const table =
    totals.hosts === 0
      ? `${where ? `  → ${noMatchAdvice(others)}` : noReportAdvice(environment)}\n`
      : judged.length === 0
        ? ''
        : renderTable(
            { header, rows: judged.flatMap((j) => rowsOf(printableDocument(j), screen, nowMs)) },
            screen,
          );
  return `${headOf(fleet, screen)}\n\n${table}${restLine(fleet)}`;
};
