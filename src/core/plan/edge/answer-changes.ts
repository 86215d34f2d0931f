import { HOST_ANSWER, type HealthAnswer, type HealthAnswers } from '../../edge/health-answer.ts';
import { secondsText } from '../../time.ts';
import type { Action } from '../action.ts';
import type { PlanInput } from '../plan-input.ts';
import { answersNow } from './edge-view.ts';

interface Foreseen {
  readonly action: Action;
  readonly why: string;
}

/** `heard`: what load balancers hear otherwise after the step. */
type Told<S> = S & { readonly heard?: string };

/**
 * Says of each correction of the answers what load balancers hear otherwise, and that they get the lead.
 * Corrections of which they notice nothing are left out: of a reason, or in another edge.
 */
export const withChangedAnswers = <S extends Foreseen>(
  { actual, edge }: PlanInput,
  steps: readonly S[],
): readonly Told<S>[] => {
  const { leadMs = 0 } = edge.health ?? {};
  let before = answersNow(actual);
  const told: Told<S>[] = [];
  for (const step of steps) {
    if (step.action.kind !== 'edge-answer') {
      told.push(step);
      continue;
    }
    const { answers } = step.action;
    const changes = changesText(before ?? {}, answers);
    before = answers;
    if (changes === '') continue;
    const why = leadMs === 0 ? step.why : `they get ${secondsText(leadMs)} to take notice`;
    told.push({ ...step, why, heard: `load balancers hear: ${changes}` });
  }
  return told;
};

/** With one service or host, and with several. */
const CHANGES = {
  out: ['goes out of service (503)', 'go out of service (503)'],
  isOut: ['is out of service (503)', 'are out of service (503)'],
  isIn: ['is in service (200)', 'are in service (200)'],
  unknown: ['is unknown (404)', 'are unknown (404)'],
} as const;

const changeOf = (
  before: HealthAnswer | undefined,
  after: HealthAnswer | undefined,
): keyof typeof CHANGES | undefined => {
  if (before?.isUp === after?.isUp) return undefined;
  if (!after) return 'unknown';
  if (after.isUp) return 'isIn';
  return before ? 'out' : 'isOut';
};

const changesText = (before: HealthAnswers, after: HealthAnswers): string => {
  const keys = [...new Set([...Object.keys(after), ...Object.keys(before)])].toSorted();
  return Object.entries(CHANGES)
    .flatMap(([change, [one, several]]) => {
      const names = keys
        .filter((key) => changeOf(before[key], after[key]) === change)
        .map((key) => (key === HOST_ANSWER ? 'this host' : key));
      return names.length === 0 ? [] : [`${listed(names)} ${names.length === 1 ? one : several}`];
    })
    .join('; ');
};

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
