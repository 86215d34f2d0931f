import type { EpochMs } from '../time.ts';

/** One document as a store has it. */
export interface StoredDocument {
  readonly bytes: Uint8Array;
  /** What a conditional write names it by (a strong ETag); undefined: the store gives none. */
  readonly version: string | undefined;
  /**
   * When it was written and when it was read, by the store's own clock; undefined: the store does not say.
   */
  readonly writtenAtMs: EpochMs | undefined;
  readonly readAtMs: EpochMs | undefined;
}

/** When a write may happen: nothing is there yet, what was read is still there, or in any case. */
export type WriteCondition =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unchanged'; readonly version: string }
  | { readonly kind: 'none' };

/**
 * Where manifests and reports are kept: a hub, any HTTP server that takes PUT, or a folder. Paths are those
 * of `core/fleet/store-layout.ts`. Every function throws AgentError STORE where the store cannot be reached or
 * refuses us; only the abort of `signal` rejects otherwise, with its reason.
 */
export interface DocumentStore {
  /** For messages; without credentials. */
  readonly name: string;
  /** Undefined: there is none. */
  readonly read: (path: string, signal: AbortSignal) => Promise<StoredDocument | undefined>;
  /** `refused`: the condition does not hold; nothing was written. */
  readonly write: (
    path: string,
    bytes: Uint8Array,
    condition: WriteCondition,
    signal: AbortSignal,
  ) => Promise<'written' | 'refused'>;
  /** Names of the documents in a folder, without the folder; undefined: this store cannot list. */
  readonly list: (folder: string, signal: AbortSignal) => Promise<readonly string[] | undefined>;
  /** By trying, on a document of its own that it removes again: whether both conditions are honoured. */
  readonly honoursConditions: (probePath: string, signal: AbortSignal) => Promise<boolean>;
}
