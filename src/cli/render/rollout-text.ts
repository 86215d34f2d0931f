import { formatLabels, type HostLabels } from '../../core/fleet/host-labels.ts';
import { printableDocument } from '../../core/printable-text.ts';
import type { ReportedChange, ReportedRollout } from '../../core/turns/read-rollout.ts';
import { changesWith } from '../../core/turns/rollout-verdict.ts';
import { indented, line, renderChange } from './rollout-change.ts';
import { hostList, rolloutHeadline } from './rollout-headline.ts';
import { renderJobs } from './rollout-jobs.ts';
import { renderNext } from './rollout-next.ts';
import type { Screen } from '../streams.ts';
import { renderTable } from '../terminal/table.ts';
import { count, formatDuration, timeText } from '../terminal/units.ts';

const SHOWN_HOLDERS = 20;

const HOLDS: Readonly<Record<string, string>> = {
  granted: 'may begin',
  begun: 'switches',
  lost: 'is lost, and keeps its place',
  stuck: 'is stuck, and keeps its place',
  'not-serving': 'is out of service',
  drained: 'is drained',
  'no-turn': 'switches without a turn',
};

/** The hosts that switch now, and those that take a place for another reason. */
const renderHolders = (document: ReportedRollout, screen: Screen): string => {
  const { holders, at } = printableDocument(document);
  const rows = holders
    .slice(0, SHOWN_HOLDERS)
    .map(({ host, service, state, since }) => [
      `  ${host}`,
      service,
      HOLDS[state] ?? state,
      since === null ? '' : `since ${timeText(Date.parse(at), since)}`,
    ]);
  const rest = holders.length - rows.length;
  return renderTable({ rows }, screen) + (rest > 0 ? indented(`and ${String(rest)} more`, screen) : '');
};

/** As on the command line, where a comma separates waves: `canary=true+zone=a`. */
const waveLabels = (labels: HostLabels): string => formatLabels(labels).replaceAll(',', '+');

const amountText = (amount: number | string): string =>
  typeof amount === 'number' ? count(amount, 'host') : amount;

const paceLine = ({ pace }: ReportedRollout): readonly string[] => {
  if (pace === null) return [];
  const waves = pace.waves.map((wave) => ('share' in wave ? wave.share : waveLabels(wave.labels)));
  const soak = pace.soakSeconds === 0 ? 'no soak' : `soak ${formatDuration(pace.soakSeconds * 1000)}`;
  const halts =
    pace.haltAfter === 0 ? 'halts at the first failure' : `halts beyond ${amountText(pace.haltAfter)} failed`;
  return [`pace: ${amountText(pace.maxParallel)} at once · waves ${waves.join(', ')} · ${soak} · ${halts}`];
};

const startingLine = ({ starting, at }: ReportedRollout): readonly string[] => {
  if (starting === null) return [];
  const { hosts, until } = starting;
  const once = hosts.length === 0 ? '' : `once it has a report of ${hostList(hosts)}, at the latest `;
  return [`the store has started, and gives turns ${once}${timeText(Date.parse(at), until)}`];
};

/** Why no host gets a turn yet, on a line; nothing if hosts do. */
export const startingText = (rollout: ReportedRollout, screen: Screen): string =>
  startingLine(printableDocument(rollout))
    .map((text) => line(text, screen))
    .join('');

const haltLine = ({ halt, at }: ReportedRollout): readonly string[] => {
  if (halt === null) return [];
  const end = halt.until === null ? '' : `, ends ${timeText(Date.parse(at), halt.until)}`;
  return [`halted by ${halt.by} ${timeText(Date.parse(at), halt.at)}${end}: ${halt.reason}`];
};

const leftOutLines = ({ leftOut, at }: ReportedRollout): readonly string[] =>
  leftOut.map(
    ({ host, by, reason, at: since }) =>
      `${host} is left out by ${by} since ${timeText(Date.parse(at), since)}: ${reason}`,
  );

const tooOldLine = ({ tooOld }: ReportedRollout): readonly string[] =>
  tooOld.length === 0 ? [] : [`agents too old to take turns: ${hostList(tooOld)}`];

/** An indented section with a title; nothing if it is empty. */
const section = (title: string, body: string, { palette }: Screen): string =>
  body === '' ? '' : `\n${palette.strong(title)}\n${body}`;

/** Changes that are followed, and who holds a place: a screen that is redrawn. */
export const renderProgress = (
  document: ReportedRollout,
  followed: readonly ReportedChange[],
  screen: Screen,
): string => {
  const rollout = printableDocument(document);
  return (
    printableDocument(followed)
      .map((change) => renderChange(rollout, change, screen))
      .join('') +
    startingText(rollout, screen) +
    section('places taken', renderHolders(rollout, screen), screen) +
    section('jobs', renderJobs(rollout, screen), screen)
  );
};

/** What a person wants to know about the rollout of an environment. Ends with a line break. */
export const renderRollout = (document: ReportedRollout, screen: Screen): string => {
  const rollout = printableDocument(document);
  const unfinished = [...changesWith(rollout, 'halted'), ...changesWith(rollout, 'under-way')];
  const finished = changesWith(rollout, 'finished').slice(0, unfinished.length > 0 ? 0 : 1);
  const remarks = [
    ...startingLine(rollout),
    ...haltLine(rollout),
    ...leftOutLines(rollout),
    ...tooOldLine(rollout),
  ];
  return [
    line(rolloutHeadline(rollout, screen), screen),
    ...paceLine(rollout).map((text) => line(text, screen)),
    ...[...unfinished, ...finished].map((change) => `\n${renderChange(rollout, change, screen)}`),
    section('places taken', renderHolders(rollout, screen), screen),
    section('jobs', renderJobs(rollout, screen), screen),
    section('remarks', remarks.map((text) => indented(text, screen)).join(''), screen),
    section('next', renderNext(rollout, screen), screen),
  ].join('');
};
