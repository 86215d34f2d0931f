import type { TurnState } from '../turns/turn-state.ts';

/** Keeps the turns of each environment. Every decision is one write that compares revisions. */
export interface TurnStore {
  /** Undefined if there is none. @throws AgentError STORE if it cannot be read or is damaged */
  readonly read: (environment: string) => Promise<TurnState | undefined>;
  /**
   * Stores the state with the revision `expectedRevision + 1` if the stored one has `expectedRevision`; 0
   * means that there is none. Durable when it settles. `changed`: another write was faster, nothing is
   * stored.
   * @throws AgentError STORE
   */
  readonly write: (
    environment: string,
    state: TurnState,
    expectedRevision: number,
  ) => Promise<'written' | 'changed'>;
  /** Sorted by name. @throws AgentError STORE */
  readonly environments: () => Promise<readonly string[]>;
}
