import type { Change, Outcome } from './report-batch.ts';

export interface ReportQueue {
  /** Settles when it is stored. Changes of an environment are stored in the order of the calls. */
  readonly add: <O extends Outcome>(environment: string, change: Change) => Promise<O>;
  /** Settles once all that was added is stored or has failed. */
  readonly idle: () => Promise<void>;
}

const MOST_CHANGES = 1000;
const MOST_BYTES = 8 * 1024 ** 2;

interface Waiting {
  readonly change: Change;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

const bytesOf = (change: Change): number => (change.kind === 'take' ? change.report.bytes.length : 0);

/** Takes the first ones off, as many as fit into one statement. */
const nextBatch = (waiting: Waiting[]): readonly Waiting[] => {
  let [count, bytes] = [0, 0];
  for (const { change } of waiting.slice(0, MOST_CHANGES)) {
    bytes += bytesOf(change);
    if (count > 0 && bytes > MOST_BYTES) break;
    count += 1;
  }
  return waiting.splice(0, count);
};

/**
 * Stores one batch of an environment at a time. A change that comes alone does not wait; from the begin of
 * one batch to that of the next, `gatherMs`, changes gather.
 */
export const createReportQueue = (
  store: (environment: string, changes: readonly Change[]) => Promise<readonly Outcome[]>,
  gatherMs: number,
): ReportQueue => {
  const queues = new Map<string, Waiting[]>();
  const running = new Set<Promise<void>>();
  const flush = async (environment: string, waiting: Waiting[]): Promise<void> => {
    while (waiting.length > 0) {
      const beganMs = performance.now();
      const batch = nextBatch(waiting);
      try {
        const outcomes = await store(
          environment,
          batch.map(({ change }) => change),
        );
        for (const [at, { resolve, reject }] of batch.entries()) {
          const outcome = outcomes[at];
          if (outcome === undefined) reject(new Error('a change has no outcome'));
          else resolve(outcome);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      const restMs = beganMs + gatherMs - performance.now();
      if (restMs > 0 && waiting.length < MOST_CHANGES) await new Promise((done) => setTimeout(done, restMs));
    }
    queues.delete(environment);
  };
  return {
    add: <O extends Outcome>(environment: string, change: Change) =>
      new Promise<O>((resolve, reject) => {
        const entry: Waiting = { change, resolve: resolve as (outcome: Outcome) => void, reject };
        const waiting = queues.get(environment);
        if (waiting) {
          waiting.push(entry);
          return;
        }
        const started = [entry];
        queues.set(environment, started);
        const mine = flush(environment, started).finally(() => running.delete(mine));
        running.add(mine);
      }),
    idle: async () => {
      await Promise.all(running);
    },
  };
};
