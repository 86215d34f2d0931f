import type { Status } from './status-document.ts';
import { isOutcome, type Outcome } from '../vocabulary/outcomes.ts';

/** docs/DOCUMENTS.md, "Exit codes": the worst code wins, in the order 1 > 3 > 4 > 2 > 0. */
export const EXIT = { ok: 0, error: 1, pending: 2, failed: 3, offline: 4, timedOut: 5 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The best first: the host has the worst outcome of its services. */
const BY_OUTCOME: Readonly<Record<Outcome, ExitCode>> = {
  converged: EXIT.ok,
  waiting: EXIT.pending,
  progressing: EXIT.pending,
  offline: EXIT.offline,
  blocked: EXIT.failed,
  'rolled-back': EXIT.failed,
};

const BEST_FIRST = Object.keys(BY_OUTCOME) as readonly Outcome[];

const ORDER: readonly ExitCode[] = [
  EXIT.error,
  EXIT.failed,
  EXIT.offline,
  EXIT.timedOut,
  EXIT.pending,
  EXIT.ok,
];

export const worstOf = (codes: readonly ExitCode[]): ExitCode =>
  ORDER.find((code) => codes.includes(code)) ?? EXIT.ok;

export const worstOutcome = (outcomes: readonly Outcome[]): Outcome =>
  BEST_FIRST.findLast((outcome) => outcomes.includes(outcome)) ?? 'converged';

/** A daemon of another version may report an unknown outcome, which does not count as good. */
const codeOf = (outcome: string): ExitCode => (isOutcome(outcome) ? BY_OUTCOME[outcome] : EXIT.pending);

/** `isDaemonNeeded`: for `status`, where a missing daemon counts as offline. */
export const exitCodeOf = (status: Status, isDaemonNeeded: boolean): ExitCode =>
  worstOf([
    ...status.services.map((s) => codeOf(s.outcome)),
    codeOf(status.outcome),
    ...(status.manifest.state === 'rejected' ? [EXIT.failed] : []),
    ...(status.problems.length > 0 ? [EXIT.failed] : []),
    ...(status.engine.online && (status.agent.running || !isDaemonNeeded) ? [] : [EXIT.offline]),
  ]);
