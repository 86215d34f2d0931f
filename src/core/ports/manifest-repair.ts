/** A document of an environment, with its path of `core/fleet/store-layout.ts`. */
export interface ManifestDocument {
  readonly path: string;
  /** Of its address in the history; undefined for the current manifest. */
  readonly serial: number | undefined;
  readonly bytes: Uint8Array;
}

/** All that the repair of an environment looks at. */
export interface RepairableManifests {
  /** Another one after each publish. */
  readonly mark: string;
  readonly documents: readonly ManifestDocument[];
  /** Serials that hosts of the environment have accepted. */
  readonly acceptedSerials: readonly number[];
}

export interface RepairChanges {
  readonly aside: readonly (ManifestDocument & { readonly to: string })[];
  /** The manifest that becomes current; undefined if it is already. */
  readonly restored: { readonly serial: number; readonly bytes: Uint8Array } | undefined;
}

/** Puts the manifests of a store in order. Each function throws AgentError STORE. */
export interface ManifestRepair {
  readonly read: (environment: string) => Promise<RepairableManifests>;
  /**
   * Keeps what is set aside under its new path, and deletes nothing. `changed`: there was a publish since
   * `mark`, and nothing is done. A repair that was killed is completed by a second one.
   */
  readonly apply: (environment: string, changes: RepairChanges, mark: string) => Promise<'done' | 'changed'>;
}
