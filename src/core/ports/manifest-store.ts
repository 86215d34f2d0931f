/** The length of the history of an environment; older ones are removed. */
export const HISTORY_LIMIT = 10_000;

/** What a store has of the manifests of one environment. */
export interface StoredManifests {
  /** Grows by one with each publish; 0 if the environment was never published. */
  readonly revision: number;
  /** The document that hosts get; undefined if there is none. */
  readonly document: Uint8Array | undefined;
  /** The highest serial of the document and of the history (`highestOf`); 0 for none. */
  readonly highest: number;
  /** The highest epoch of a trust file with which a manifest was accepted; 0 without one. */
  readonly epoch: number;
}

export interface NewManifest {
  readonly serial: number;
  readonly document: Uint8Array;
  readonly epoch: number;
}

/**
 * Keeps the manifests of every environment with their history. Each function throws AgentError STORE; with
 * `retry: 'later'` if the store is away for the moment.
 */
export interface ManifestStore {
  /** Environments with a current manifest, sorted by name. */
  readonly environments: () => Promise<readonly string[]>;
  /** Reads what is stored now, by any hub. Returns `known` itself if that is of the same revision. */
  readonly read: (environment: string, known?: StoredManifests) => Promise<StoredManifests>;
  /**
   * Makes a manifest current and adds it to the history, if the stored revision is `expectedRevision`.
   * Durable when it settles. `changed`: another publish was faster, nothing is stored.
   */
  readonly publish: (
    environment: string,
    manifest: NewManifest,
    expectedRevision: number,
  ) => Promise<StoredManifests | 'changed'>;
  /** Serials of the history in ascending order. */
  readonly serials: (environment: string) => Promise<readonly number[]>;
  /** A document of the history; undefined if there is none. */
  readonly past: (environment: string, serial: number) => Promise<Uint8Array | undefined>;
  /** Adds a document to the history. `kept`: there is one of this serial already, whatever its content. */
  readonly record: (environment: string, serial: number, document: Uint8Array) => Promise<'written' | 'kept'>;
  /** The document with which publishers try conditions. It may be lost at any time. */
  readonly probe: (environment: string) => Promise<Uint8Array | undefined>;
  /**
   * Replaces the probe, or removes it if `document` is undefined, in one step with `mayReplace`, which is
   * asked about the one before. Returns that one, or `refused`.
   */
  readonly changeProbe: (
    environment: string,
    document: Uint8Array | undefined,
    mayReplace: (before: Uint8Array | undefined) => boolean,
  ) => Promise<{ readonly before: Uint8Array | undefined } | 'refused'>;
}
