import type { TurnState } from '../turns/turn-state.ts';

/** What a hub keeps of an environment, except reports: each host sends its report again within a minute. */
export interface EnvironmentContents {
  /**
   * What hosts get; undefined if there is none. `serial` is undefined if it is no manifest of the
   * environment.
   */
  readonly current: { readonly serial: number | undefined; readonly document: Uint8Array } | undefined;
  /** Why another document is served than the one at the current address. */
  readonly remark: string | undefined;
  readonly epoch: number;
  /** Of the history, in ascending order. */
  readonly serials: readonly number[];
  readonly turns: TurnState | undefined;
  readonly hasReports: boolean;
}

/** Reads what a hub keeps, to move it. Each function throws AgentError STORE. */
export interface HubContents {
  /** For messages. */
  readonly name: string;
  /** Sorted by name. */
  readonly environments: () => Promise<readonly string[]>;
  readonly read: (environment: string) => Promise<EnvironmentContents>;
  /** A document of the history. */
  readonly past: (environment: string, serial: number) => Promise<Uint8Array | undefined>;
}
