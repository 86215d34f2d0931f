import { oneLine, printableDocument } from '../../core/printable-text.ts';
import type { ReportedChange, ReportedRollout } from '../../core/turns/read-rollout.ts';
import { newsOf, newsOfJobs } from '../../core/turns/rollout-news.ts';
import type { FollowProgress } from '../../publish/follow-rollout.ts';
import { line } from '../render/rollout-change.ts';
import { jobText } from '../render/rollout-jobs.ts';
import { newsLine } from '../render/rollout-news.ts';
import { renderProgress, startingText } from '../render/rollout-text.ts';
import { terminalOf, type Io, type Screen } from '../streams.ts';
import { minutesText } from '../terminal/units.ts';

type Show = (progress: FollowProgress) => void;

const troubleLine = (trouble: string | undefined, screen: Screen): string =>
  trouble === undefined
    ? ''
    : line(`the store does not answer, and is asked again: ${oneLine(trouble)}`, screen);

/** A line for each event. */
const writeLog = (io: Io, screen: Screen): Show => {
  const known = new Map<number, ReportedChange>();
  let knownJobs: ReportedRollout['jobs'] | undefined;
  let isStarting = false;
  let shownTrouble: string | undefined;
  return ({ rollout, followed, trouble }) => {
    if (trouble !== shownTrouble)
      io.stdout.write(troubleLine(trouble, screen) || 'the store answers again\n');
    shownTrouble = trouble;
    if (rollout.starting !== null && !isStarting) io.stdout.write(startingText(rollout, screen));
    isStarting = rollout.starting !== null;
    for (const job of newsOfJobs(knownJobs, rollout.jobs, followed)) {
      const text = jobText(printableDocument(job), Date.parse(rollout.at));
      const isBad = job.state === 'failed' || job.state === 'lost';
      io.stdout.write(`${isBad ? screen.palette.bad(text) : text}\n`);
    }
    knownJobs = rollout.jobs;
    for (const change of followed) {
      for (const news of newsOf(known.get(change.serial), change))
        io.stdout.write(`${newsLine(change, news, Date.parse(rollout.at), screen)}\n`);
      known.set(change.serial, change);
    }
  };
};

/** Leaves room for the line of the prompt, since a screen that is too tall cannot be redrawn. */
const fitting = (text: string, rows: number | undefined): readonly string[] =>
  text
    .split('\n')
    .slice(0, -1)
    .slice(0, Math.max(1, (rows ?? Number.POSITIVE_INFINITY) - 1));

const MINUTE_MS = 60_000;

/** One screen that is redrawn. */
const drawScreen = (io: Io, screen: Screen): Show => {
  let drawn = 0;
  return ({ rollout, followed, leftMs, trouble }) => {
    const left = `time left: ${minutesText(Math.max(0, Math.ceil(leftMs / MINUTE_MS)) * MINUTE_MS)}\n`;
    const text = renderProgress(rollout, followed, screen) + troubleLine(trouble, screen) + left;
    const lines = fitting(text, io.stdout.rows);
    const back = drawn > 0 ? `\u001B[${String(drawn)}A\u001B[J` : '';
    io.stdout.write(back + lines.map((shown) => `${shown}\n`).join(''));
    drawn = lines.length;
  };
};

/** Shows how the changes go that a publish waits for: to a log, or on a terminal. */
export const showProgress = (io: Io): Show => {
  const screen = terminalOf(io);
  return screen.columns === undefined ? writeLog(io, screen) : drawScreen(io, screen);
};
