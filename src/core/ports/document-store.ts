import type { EpochMs } from '../time.ts';

/** A document in a store. */
export interface StoredDocument {
  readonly bytes: Uint8Array;
  /** The strong ETag for conditional writes; undefined if the store gives none. */
  readonly version: string | undefined;
  /** Write and read times by the store's own clock; undefined if the store does not report them. */
  readonly writtenAtMs: EpochMs | undefined;
  readonly readAtMs: EpochMs | undefined;
}

/** Writes if there is no document, if the document is still `version`, or in any case. */
export type WriteCondition =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unchanged'; readonly version: string }
  | { readonly kind: 'none' };

/**
 * A store of manifests and reports: a hub, any HTTP server that accepts PUT, or a folder. Paths are those of
 * `core/fleet/store-layout.ts`. Every function throws AgentError STORE if the store is unreachable or
 * refuses; the abort of `signal` rejects with its reason.
 */
export interface DocumentStore {
  /** For messages; without credentials. */
  readonly name: string;
  /** Undefined if there is none. */
  readonly read: (path: string, signal: AbortSignal) => Promise<StoredDocument | undefined>;
  /** What the store answers to a query about a folder; undefined if it answers none, as a folder does. */
  readonly ask: (folder: string, query: string, signal: AbortSignal) => Promise<StoredDocument | undefined>;
  /** `refused` means that the condition does not hold and nothing was written. */
  readonly write: (
    path: string,
    bytes: Uint8Array,
    condition: WriteCondition,
    signal: AbortSignal,
  ) => Promise<'written' | 'refused'>;
  /** Removes a document. Returns false if there was none. */
  readonly remove: (path: string, signal: AbortSignal) => Promise<boolean>;
  /** Names of the documents in a folder, without the folder; undefined if the store cannot list. */
  readonly list: (folder: string, signal: AbortSignal) => Promise<readonly string[] | undefined>;
  /** Tests with a temporary document whether the store honours both conditions. */
  readonly honoursConditions: (probePath: string, signal: AbortSignal) => Promise<boolean>;
}
