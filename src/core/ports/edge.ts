import type { EdgeStep } from '../plan/action.ts';
import type { Action } from '../plan/action.ts';
import type { EdgeSeen, HostListener } from '../state/actual.ts';

export interface EdgesSeen {
  /** One for each instance asked for, in that order. */
  readonly edges: readonly EdgeSeen[];
  /** Undefined where they were not asked for. */
  readonly listeners: readonly HostListener[] | undefined;
}

/** What is done to an edge beside the engine: its runtime and its files. */
export type EdgeRuntimeAction = EdgeStep | Extract<Action, { readonly kind: 'edge-discard' }>;

/** The edges of this environment on this host. */
export interface Edges {
  /**
   * Never rejects but with the signal's reason: what does not answer is undefined. Listeners only where
   * `withListeners`.
   */
  readonly observe: (
    instances: readonly string[],
    withListeners: boolean,
    signal: AbortSignal,
  ) => Promise<EdgesSeen>;
  /** Idempotent. @throws AgentError EDGE_UNREACHABLE, EDGE, STATE_DIR */
  readonly apply: (action: EdgeRuntimeAction, signal: AbortSignal) => Promise<void>;
}
