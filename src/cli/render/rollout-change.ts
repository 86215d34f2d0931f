import { printableDocument } from '../../core/printable-text.ts';
import type {
  ReportedChange,
  ReportedFailure,
  ReportedRollout,
  ReportedWave,
} from '../../core/turns/read-rollout.ts';
import type { Screen } from '../streams.ts';
import { renderTable } from '../terminal/table.ts';
import { count, timeText } from '../terminal/units.ts';
import { changeName, hostList } from './rollout-headline.ts';

const SHOWN_LOG_LINES = 10;
const SHOWN_FAILURES = 10;

/** Wraps at the width of a terminal. */
export const line = (text: string, screen: Screen): string => renderTable({ rows: [[text]] }, screen);
export const indented = (text: string, screen: Screen): string => renderTable({ rows: [['', text]] }, screen);

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

const renderBars = ({ waves }: ReportedChange, screen: Screen): string =>
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

/** Lines of a container, below what is told of it. */
export const renderLog = (log: readonly string[], screen: Screen): string =>
  renderTable(
    { rows: printableDocument(log).map((entry) => [`    ${screen.palette.faint('│')}`, entry]) },
    screen,
  );

/** One host that failed, is lost or stuck, with the last lines of its log. */
const renderFailure = (failure: ReportedFailure, screen: Screen, atMs: number): string => {
  const text = failureText(failure, atMs);
  return (
    indented(failure.forgiven ? text : screen.palette.bad(text), screen) +
    renderLog(failure.log.slice(-SHOWN_LOG_LINES), screen)
  );
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
export const renderChange = (rollout: ReportedRollout, change: ReportedChange, screen: Screen): string => {
  const { palette } = screen;
  const atMs = Date.parse(rollout.at);
  const { urgent, waves, soaksUntil, halted, failures } = change;
  const open = waves.filter(isOpen);
  const unready = new Map(open.flatMap((wave) => wave.unready).map((e) => [e.host, e]));
  const waiting = new Set(open.flatMap((wave) => wave.waiting).filter((host) => !unready.has(host)));
  const excused = new Map(open.flatMap((wave) => wave.excused).map((e) => [e.host, e]));
  const lines = [
    ...(urgent === null ? [] : [`urgent, without waves and soak: ${urgent}`]),
    ...(waiting.size === 0 ? [] : [`wait for their turn: ${hostList([...waiting])}`]),
    ...(unready.size === 0 ? [] : [`not ready for a turn: ${byReason([...unready.values()])}`]),
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
