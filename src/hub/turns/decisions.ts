import { AgentError } from '../../core/errors.ts';
import type { TurnStore } from '../../core/ports/turn-store.ts';
import type { EpochMs } from '../../core/time.ts';
import type { FleetView, TurnState } from '../../core/turns/rules.ts';

export interface Decision<T> {
  readonly state: TurnState;
  /** Called with what is stored, which has another revision. */
  readonly outcome: (stored: TurnState) => T;
}

export type Decide = <T>(
  environment: string,
  work: (state: TurnState, view: FleetView) => Decision<T>,
  /** Whether it gives an environment its first state. */
  begins?: boolean,
) => Promise<T>;

export interface DecisionsOptions {
  readonly store: TurnStore;
  /** The state after every manifest that it has not followed yet. @throws AgentError STORE */
  readonly follow: (environment: string, stored: TurnState | undefined, nowMs: EpochMs) => Promise<TurnState>;
  readonly view: (environment: string, state: TurnState, nowMs: EpochMs) => FleetView;
  /** Whether hosts take turns there; elsewhere nothing is written unless a decision begins. */
  readonly takesTurns: (environment: string) => boolean;
  readonly onWritten: (before: TurnState | undefined, stored: TurnState) => void;
  readonly now: () => EpochMs;
}

export interface Decisions {
  readonly decide: Decide;
  /** Settles once no decision is under way. */
  readonly idle: () => Promise<void>;
}

interface Pending {
  readonly begins: boolean;
  readonly decide: (state: TurnState, view: FleetView) => Decision<void>;
  readonly fail: (error: unknown) => void;
}

const MOST_TRIES = 100;

/** A decision that fails leaves the state to the next one. */
const attempt = ({ decide, fail }: Pending, state: TurnState, view: FleetView): Decision<void> => {
  try {
    return decide(state, view);
  } catch (error) {
    fail(error);
    return { state, outcome: () => undefined };
  }
};

/**
 * Decides about the turns of environments. Decisions that come while one is written share the next write, so
 * that a slow disk makes fewer writes and not a longer queue.
 */
export const createDecisions = (options: DecisionsOptions): Decisions => {
  const { store, follow, view, takesTurns, onWritten, now } = options;
  /** Tries again if another hub was faster. */
  const decideAll = async (environment: string, batch: readonly Pending[]): Promise<void> => {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const before = await store.read(environment);
      const [nowMs, revision] = [now(), before?.revision ?? 0];
      const followed = await follow(environment, before, nowMs);
      const seen = view(environment, followed, nowMs);
      let state = followed;
      const outcomes = batch.map((pending) => {
        const decided = attempt(pending, state, seen);
        ({ state } = decided);
        return decided.outcome;
      });
      const isKept = takesTurns(environment) || batch.some(({ begins }) => begins);
      const isWritten = isKept && state !== before;
      if (isWritten && (await store.write(environment, state, revision)) === 'changed') continue;
      const stored = isWritten ? { ...state, revision: revision + 1 } : state;
      if (isWritten) onWritten(before, stored);
      for (const settle of outcomes) settle(stored);
      return;
    }
    throw new AgentError('STORE', `other hubs change the turns of ${environment} all the time`, {
      retry: 'later',
      advice: 'try again',
    });
  };

  const queues = new Map<string, Pending[]>();
  const running = new Map<string, Promise<void>>();
  const run = async (environment: string): Promise<void> => {
    // Requests of the same moment share one write.
    await Promise.resolve();
    for (let batch = queues.get(environment); batch !== undefined; batch = queues.get(environment)) {
      queues.delete(environment);
      try {
        await decideAll(environment, batch);
      } catch (error) {
        for (const { fail } of batch) fail(error);
      }
    }
    running.delete(environment);
  };
  return {
    decide: <T>(
      environment: string,
      work: (state: TurnState, seen: FleetView) => Decision<T>,
      begins = false,
    ) =>
      new Promise<T>((resolve, reject) => {
        const pending: Pending = {
          begins,
          decide: (state, seen) => {
            const { state: next, outcome } = work(state, seen);
            return { state: next, outcome: (stored) => resolve(outcome(stored)) };
          },
          fail: reject,
        };
        const queue = queues.get(environment);
        if (queue) queue.push(pending);
        else queues.set(environment, [pending]);
        if (!running.has(environment)) running.set(environment, run(environment));
      }),
    idle: async () => {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
};
