import type { TurnStore } from '../../src/core/ports/turn-store.ts';
import type { TurnState } from '../../src/core/turns/turn-state.ts';

/** Turns in memory. */
export const createMemoryTurns = (): TurnStore => {
  const stored = new Map<string, TurnState>();
  return {
    read: async (environment) => Promise.resolve(stored.get(environment)),
    write: async (environment, state, expectedRevision) => {
      const isExpected = (stored.get(environment)?.revision ?? 0) === expectedRevision;
      if (isExpected) stored.set(environment, { ...state, revision: expectedRevision + 1 });
      return Promise.resolve(isExpected ? 'written' : 'changed');
    },
    environments: async () => Promise.resolve([...stored.keys()].toSorted()),
  };
};
