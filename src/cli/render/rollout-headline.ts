import { printableDocument } from '../../core/printable-text.ts';
import type { ReportedChange, ReportedRollout } from '../../core/turns/read-rollout.ts';
import {
  changesWith,
  haltCause,
  judgeChange,
  judgeRollout,
  leadingChange,
  type HaltCause,
} from '../../core/turns/rollout-verdict.ts';
import type { Screen } from '../streams.ts';
import { count, timeText } from '../terminal/units.ts';

const SHOWN_HOSTS = 8;
const SHOWN_ENTRIES = 3;

const listOf = (names: readonly string[], most: number): string => {
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
};

export const hostList = (hosts: readonly string[]): string => listOf(hosts, SHOWN_HOSTS);

/** `serial 418 (web 1.1.0, api 2.0)` */
export const changeName = ({ serial, entries }: ReportedChange): string =>
  `serial ${String(serial)} (${listOf(
    entries.map(({ entry, version }) => `${entry} ${version}`),
    SHOWN_ENTRIES,
  )})`;

/** The open wave with its number from 1; undefined before the first one opens. */
const openWave = ({ waves }: ReportedChange): string | undefined => {
  const open = waves.filter(({ openedAt }) => openedAt !== null).length;
  return open === 0 ? undefined : `wave ${String(open)} of ${String(waves.length)}`;
};

/** `soaks, wave 1 of 3: goes on in 3 min (12:03 UTC)` */
export const stateText = (change: ReportedChange, atMs: number): string => {
  const { state, soaksUntil } = change;
  const wave = openWave(change);
  const at = wave === undefined ? '' : `, ${wave}`;
  if (state === 'switching') return `is under way${at}`;
  if (state === 'soaking')
    return soaksUntil === null ? `soaks${at}` : `soaks${at}: goes on ${timeText(atMs, soaksUntil)}`;
  if (state === 'waiting')
    return wave === undefined
      ? 'waits: its first wave is not open yet'
      : `waits: every host of ${wave} is excused`;
  return `is ${state}${at}`;
};

export const haltText = ({ by, reason }: HaltCause): string =>
  by === null ? `is halted: ${reason}` : `is halted by ${by}: ${reason}`;

const plainHeadline = (rollout: ReportedRollout): string => {
  const { environment, serial, pace, at } = rollout;
  const change = leadingChange(rollout);
  const cause = haltCause(rollout, change);
  if (change === undefined || (cause && judgeChange(change) === 'finished')) {
    if (cause) return `${environment} ${haltText(cause)}`;
    return pace === null
      ? `${environment}: no pace is published, so each host decides alone when it switches`
      : `${environment}: serial ${String(serial)}, nothing to roll out since the pace was published`;
  }
  if (cause) return `${environment}: ${changeName(change)} ${haltText(cause)}`;
  const others = changesWith(rollout, 'under-way').length - 1;
  const more = others > 0 ? `; ${count(others, 'other change')} too` : '';
  return `${environment}: ${changeName(change)} ${stateText(change, Date.parse(at))}${more}`;
};

/** What is rolled out and how far it is, in one line. */
export const rolloutHeadline = (document: ReportedRollout, { palette }: Screen): string => {
  const rollout = printableDocument(document);
  const verdict = judgeRollout(rollout);
  const paint = verdict === 'halted' ? palette.bad : verdict === 'under-way' ? palette.info : palette.good;
  return paint(plainHeadline(rollout));
};
