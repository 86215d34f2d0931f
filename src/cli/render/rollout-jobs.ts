import { printableDocument } from '../../core/printable-text.ts';
import type { ReportedRollout } from '../../core/turns/read-rollout.ts';
import { changesWith } from '../../core/turns/rollout-verdict.ts';
import type { Screen } from '../streams.ts';
import { timeText } from '../terminal/units.ts';
import { indented, renderLog } from './rollout-change.ts';

type ReportedJob = ReportedRollout['jobs'][number];

const SHOWN_DONE = 3;

const STATES: Readonly<Record<string, string>> = {
  running: 'runs',
  done: 'is done, by',
  failed: 'failed on',
  lost: 'is lost on',
};

/** Jobs that failed or are lost, for which a change is halted: those of older changes stop nothing. */
export const stoppingJobs = (rollout: ReportedRollout): readonly ReportedJob[] => {
  const since = changesWith(rollout, 'halted').flatMap(({ at, halted }) => (halted ? [Date.parse(at)] : []));
  return rollout.jobs.filter(
    ({ state, at }) =>
      (state === 'failed' || state === 'lost') && since.some((madeMs) => Date.parse(at) >= madeMs),
  );
};

export const jobText = ({ job, state, host, at, message }: ReportedJob, atMs: number): string => {
  const where = host === null ? '' : ` ${state === 'running' ? `on ${host}, begun` : host}`;
  const why = message === null ? '' : `: ${message}`;
  return `${job} ${STATES[state] ?? `is ${state} on`}${where} ${timeText(atMs, at)}${why}`;
};

/** Jobs that run once in the fleet: the newest that are done, and all others with their logs. */
export const renderJobs = (document: ReportedRollout, screen: Screen): string => {
  const { jobs, at } = printableDocument(document);
  const done = jobs.filter(({ state }) => state === 'done').slice(0, SHOWN_DONE);
  const others = jobs.filter(({ state }) => state !== 'done');
  return [...others, ...done]
    .map((job) => {
      const text = jobText(job, Date.parse(at));
      const isBad = job.state === 'failed' || job.state === 'lost';
      return indented(isBad ? screen.palette.bad(text) : text, screen) + renderLog(job.log, screen);
    })
    .join('');
};
