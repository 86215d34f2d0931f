import type { SecretKind } from '../core/hub/secrets.ts';
import type { TurnAnswerKind } from '../core/turns/turn-request.ts';

/** Counters for `/metrics`, since the start of the hub. */
export interface Counters {
  readonly answers: Map<string, number>;
  publishes: number;
  refusedPublishes: number;
  reports: number;
  archives: number;
  /** Requests for turns by their answer. */
  readonly turnAnswers: Map<string, number>;
  failedWrites: number;
  /** Uses of secrets that a newer one has replaced. */
  readonly previousSecrets: Map<SecretKind, number>;
}

export const createCounters = (): Counters => ({
  answers: new Map(),
  publishes: 0,
  refusedPublishes: 0,
  reports: 0,
  archives: 0,
  turnAnswers: new Map(),
  failedWrites: 0,
  previousSecrets: new Map(),
});

const countUp = <T extends string>(counts: Map<T, number>, key: T): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};

/** Counts by method and status: these are few enough to keep them all. */
export const countAnswer = ({ answers }: Counters, method: string, status: number): void =>
  countUp(answers, `${method} ${String(status)}`);

export const countTurnAnswer = ({ turnAnswers }: Counters, answer: TurnAnswerKind | 'refused'): void =>
  countUp(turnAnswers, answer);

export const countPreviousSecret = ({ previousSecrets }: Counters, kind: SecretKind): void =>
  countUp(previousSecrets, kind);
