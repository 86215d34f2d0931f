import type { EdgeStep } from '../plan/action.ts';
import type { Action } from '../plan/action.ts';
import type { EdgeSeen, HostListener } from '../state/actual.ts';

export interface EdgesSeen {
  /** One per requested instance, in the same order. */
  readonly edges: readonly EdgeSeen[];
  /** Undefined if not requested. */
  readonly listeners: readonly HostListener[] | undefined;
  /** See `Actual`. Absent if not requested. */
  readonly absentAddresses?: readonly string[];
}

/** Actions on an edge's runtime and files, not on the engine. */
export type EdgeRuntimeAction = EdgeStep | Extract<Action, { readonly kind: 'edge-discard' }>;

/** The edges of this environment on this host. */
export interface Edges {
  /**
   * Rejects only with the signal's reason; an edge that does not answer is undefined. `addresses`: the host
   * addresses to test; undefined if neither they nor the listeners are requested.
   */
  readonly observe: (
    instances: readonly string[],
    addresses: readonly string[] | undefined,
    signal: AbortSignal,
  ) => Promise<EdgesSeen>;
  /** Idempotent. @throws AgentError EDGE_UNREACHABLE, EDGE, STATE_DIR */
  readonly apply: (action: EdgeRuntimeAction, signal: AbortSignal) => Promise<void>;
}
