import type { ReportedChange, ReportedRollout } from './read-rollout.ts';

/** A state of a newer hub counts as under way: it is neither the end nor a reason to stop waiting. */
export type RolloutVerdict = 'halted' | 'under-way' | 'finished';

export const judgeChange = ({ state }: ReportedChange): RolloutVerdict =>
  state === 'finished' || state === 'halted' ? state : 'under-way';

/** Newest first, so that the first one is what people ask about. */
export const changesWith = (rollout: ReportedRollout, verdict: RolloutVerdict): readonly ReportedChange[] =>
  rollout.changes.filter((change) => judgeChange(change) === verdict).toReversed();

/** Of the whole environment; `finished` where there is nothing to roll out. */
export const judgeRollout = (rollout: ReportedRollout): RolloutVerdict => {
  if (changesWith(rollout, 'halted').length > 0) return 'halted';
  if (changesWith(rollout, 'under-way').length > 0) return 'under-way';
  return rollout.halt === null ? 'finished' : 'halted';
};

/** The change that a headline is about; undefined where there is none. */
export const leadingChange = (rollout: ReportedRollout): ReportedChange | undefined =>
  changesWith(rollout, 'halted')[0] ??
  changesWith(rollout, 'under-way')[0] ??
  changesWith(rollout, 'finished')[0];

export interface HaltCause {
  readonly reason: string;
  /** The person who halted; null if the change's own failures did. */
  readonly by: string | null;
}

/** Why nothing new of a change begins, or of any change; undefined if it may. */
export const haltCause = (
  rollout: ReportedRollout,
  change: ReportedChange | undefined,
): HaltCause | undefined => {
  if (change?.halted) return { reason: change.halted.reason, by: null };
  const { halt } = rollout;
  // An urgent change passes a person's halt.
  if (halt === null || (change && judgeChange(change) === 'under-way')) return undefined;
  return { reason: halt.reason, by: halt.by };
};
