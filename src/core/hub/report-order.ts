import type { ReportWord } from '../turns/report-word.ts';

const MOST_REPLACED = 8;

type Turns = Pick<NonNullable<ReportWord['turns']>, 'life' | 'seq'> | null;

interface StoredReport {
  readonly summary: { readonly word: { readonly turns: Turns } };
  readonly replacedLives: readonly string[];
}

/**
 * Whether a report comes too late: those of one host may overtake each other. One of an agent that does not
 * run says no life, and is taken.
 */
export const isOutdated = ({ summary, replacedLives }: StoredReport, turns: Turns): boolean => {
  if (turns === null) return false;
  const before = summary.word.turns;
  if (before?.life === turns.life) return turns.seq < before.seq;
  return replacedLives.includes(turns.life);
};

/** The lives that were replaced once the next report is stored, the last ones first. */
export const replacedBy = (before: StoredReport | undefined, turns: Turns): readonly string[] => {
  const lives = before?.replacedLives ?? [];
  const life = before?.summary.word.turns?.life;
  return life === undefined || life === turns?.life
    ? lives
    : [life, ...lives.filter((other) => other !== life)].slice(0, MOST_REPLACED);
};

/** Whether a heartbeat comes too late: a later report or heartbeat of its host was faster. */
export const isOutdatedBeat = (storedSeq: number | null, seq: number | null): boolean =>
  storedSeq !== null && seq !== null && seq < storedSeq;
