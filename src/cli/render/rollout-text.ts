import { formatLabels, type HostLabels } from '../../core/fleet/host-labels.ts';
import { printableDocument } from '../../core/printable-text.ts';
import type {
  ReportedChange,
  ReportedFailure,
  ReportedRollout,
  ReportedWave,
} from '../../core/turns/read-rollout.ts';
import { changesWith, judgeRollout } from '../../core/turns/rollout-verdict.ts';
import { changeName, hostList, rolloutHeadline } from './rollout-headline.ts';
import type { Screen } from '../streams.ts';
import { renderTable } from '../terminal/table.ts';
import { count, formatDuration, timeText } from '../terminal/units.ts';

const SHOWN_LOG_LINES = 10;
const SHOWN_FAILURES = 10;
const SHOWN_HOLDERS = 20;

/** Wraps at the width of a terminal. */
const line = (text: string, screen: Screen): string => renderTable({ rows: [[text]] }, screen);
const indented = (text: string, screen: Screen): string => renderTable({ rows: [['', text]] }, screen);

const BAR_CELLS = 20;

/** Good hosts, failed ones, and those to come. At least one cell for any host, and full only if all are good. */
const bar = ({ hosts, good, failed }: ReportedWave, { palette }: Screen): string => {
  const cellsOf = (n: number): number =>
    n === 0 ? 0 : Math.max(1, Math.floor((BAR_CELLS * n) / Math.max(1, hosts)));
  const bad = Math.min(BAR_CELLS, cellsOf(failed.length));
  const done = Math.min(BAR_CELLS - bad, cellsOf(good));
  return palette.good('█'.repeat(done)) + palette.bad('▓'.repeat(bad)) + '░'.repeat(BAR_CELLS - done - bad);
};

const waveText = ({ hosts, good, failed, switching, waiting, excused, openedAt }: ReportedWave): string => {
  if (hosts === 0) return 'no hosts';
  if (openedAt === null && good === 0) return `not open, ${count(hosts, 'host')}`;
  const counts: readonly (readonly [number, string])[] = [
    [switching.length, 'switching'],
    [waiting.length, 'waiting'],
    [failed.length, 'failed'],
    [excused.length, 'excused'],
  ];
  return [
    `${String(good)} of ${String(hosts)} good`,
    ...counts.flatMap(([n, word]) => (n === 0 ? [] : [`${String(n)} ${word}`])),
    ...(openedAt === null ? ['not open'] : []),
  ].join(' · ');
};

export const renderBars = ({ waves }: ReportedChange, screen: Screen): string =>
  renderTable({ rows: waves.map((wave) => [`  ${wave.name}`, bar(wave, screen), waveText(wave)]) }, screen);

interface Ending {
  readonly did: string;
  /** Where the host says no more. */
  readonly because?: string;
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  failed: { did: 'failed' },
  lost: { did: 'was lost', because: 'it is silent and has a turn' },
  stuck: { did: 'got stuck', because: 'its switch does not end' },
  returned: { did: 'gave its turn back', because: 'it had begun' },
};

/** `web-7 failed 1 min ago (11:59 UTC): the container is unhealthy` */
export const failureText = (failure: ReportedFailure, atMs: number): string => {
  const { host, result, at, message, forgiven } = printableDocument(failure);
  const { did, because } = ENDINGS[result] ?? { did: result };
  const why = message ?? because;
  const reason = why === undefined ? '' : `: ${why}`;
  return `${host} ${did} ${timeText(atMs, at)}${reason}${forgiven ? ' (forgiven)' : ''}`;
};

/** One host that failed, is lost or stuck, with the last lines of its log. */
const renderFailure = (failure: ReportedFailure, screen: Screen, atMs: number): string => {
  const { palette } = screen;
  const text = failureText(failure, atMs);
  const last = printableDocument(failure.log)
    .slice(-SHOWN_LOG_LINES)
    .map((entry) => [`    ${palette.faint('│')}`, entry]);
  return indented(failure.forgiven ? text : palette.bad(text), screen) + renderTable({ rows: last }, screen);
};

/** The newest ones, those that count first. */
export const renderFailures = (
  failures: readonly ReportedFailure[],
  screen: Screen,
  atMs: number,
): string => {
  const sorted = failures.toSorted(
    (a, b) => Number(a.forgiven) - Number(b.forgiven) || Date.parse(b.at) - Date.parse(a.at),
  );
  const rest = sorted.slice(SHOWN_FAILURES).map(({ host }) => host);
  return (
    sorted
      .slice(0, SHOWN_FAILURES)
      .map((failure) => renderFailure(failure, screen, atMs))
      .join('') + (rest.length === 0 ? '' : indented(`and ${hostList(rest)}`, screen))
  );
};

/** Names by reason: `silent: web-9, web-10; held: web-11`. */
const byReason = (excused: ReportedWave['excused']): string => {
  const reasons = new Map<string, readonly string[]>();
  for (const { host, reason } of excused) reasons.set(reason, [...(reasons.get(reason) ?? []), host]);
  return [...reasons].map(([reason, hosts]) => `${reason}: ${hostList(hosts)}`).join('; ');
};

const isOpen = ({ openedAt }: ReportedWave): boolean => openedAt !== null;

/** Bars, the hosts that wait and why, failures with their logs, and the end of a soak. */
const renderChange = (rollout: ReportedRollout, change: ReportedChange, screen: Screen): string => {
  const { palette } = screen;
  const atMs = Date.parse(rollout.at);
  const { urgent, waves, soaksUntil, halted, failures } = change;
  const open = waves.filter(isOpen);
  const waiting = [...new Set(open.flatMap((wave) => wave.waiting))];
  const excused = new Map(open.flatMap((wave) => wave.excused).map((e) => [e.host, e]));
  const lines = [
    ...(urgent === null ? [] : [`urgent, without waves and soak: ${urgent}`]),
    ...(waiting.length === 0 ? [] : [`wait for their turn: ${hostList(waiting)}`]),
    ...(excused.size === 0 ? [] : [`excused: ${byReason([...excused.values()])}`]),
    ...(soaksUntil === null ? [] : [`the soak ends ${timeText(atMs, soaksUntil)}`]),
    ...(halted === null ? [] : [palette.bad(`halted ${timeText(atMs, halted.at)}: ${halted.reason}`)]),
  ];
  return (
    line(`${palette.strong(changeName(change))}, made ${timeText(atMs, change.at)}`, screen) +
    renderBars(change, screen) +
    lines.map((text) => indented(text, screen)).join('') +
    renderFailures(failures, screen, atMs)
  );
};

const HOLDS: Readonly<Record<string, string>> = {
  granted: 'may begin',
  begun: 'switches',
  lost: 'is lost, and keeps its place',
  stuck: 'is stuck, and keeps its place',
  'not-serving': 'does not serve',
  drained: 'is drained',
  'no-turn': 'switches without a turn',
};

/** The hosts that switch now, and those that take a place for another reason. */
export const renderHolders = (document: ReportedRollout, screen: Screen): string => {
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
  const whom = starting.hosts.length === 0 ? '' : `, for the reports of ${hostList(starting.hosts)}`;
  return [`the store has started: no turns before ${timeText(Date.parse(at), starting.until)}${whom}`];
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

/** The commands that let a halted rollout go on, each with when to use it; empty if nothing stops it. */
const nextCommands = (rollout: ReportedRollout): readonly (readonly [string, string])[] => {
  const { environment, holders } = rollout;
  const lost = [...new Set(holders.filter(({ state }) => state === 'lost').map(({ host }) => host))];
  return [
    ...lost.map(
      (host) =>
        [`supercargo rollout free ${environment} ${host} --reason …`, 'if it will not report again'] as const,
    ),
    ...(judgeRollout(rollout) === 'halted'
      ? [[`supercargo rollout resume ${environment} --reason …`, 'once the cause is gone'] as const]
      : []),
  ];
};

export const renderNext = (rollout: ReportedRollout, screen: Screen): string =>
  renderTable(
    {
      rows: nextCommands(rollout).map(([command, when]) => [
        `  ${screen.palette.info('→')} ${command}`,
        when,
      ]),
    },
    screen,
  );

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
    section('places taken', renderHolders(rollout, screen), screen)
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
    section('remarks', remarks.map((text) => indented(text, screen)).join(''), screen),
    section('next', renderNext(rollout, screen), screen),
  ].join('');
};
