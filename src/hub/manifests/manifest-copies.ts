import type { ManifestStore, StoredManifests } from '../../core/ports/manifest-store.ts';
import { createSharedReads } from '../../core/shared-reads.ts';
import { toCurrent, type CurrentManifest } from './current-manifest.ts';

export interface Copy {
  readonly manifests: StoredManifests;
  readonly current: CurrentManifest | undefined;
}

export interface Copies {
  /** Environments with a current manifest, sorted by name. */
  readonly environments: () => readonly string[];
  readonly current: (environment: string) => CurrentManifest | undefined;
  /** Tags of the documents that were current here, the last ones first. */
  readonly tags: (environment: string) => readonly string[];
  /** Renews the copy. @throws AgentError STORE */
  readonly read: (environment: string) => Promise<Copy>;
}

/** Hosts that missed more publishes than this cause a read of the store. */
const MOST_TAGS = 32;

/** Copies of the current manifests. `onChanged` is called when another document has become current. */
export const createCopies = (store: ManifestStore, onChanged: (environment: string) => void): Copies => {
  const copies = new Map<string, Copy & { readonly tags: readonly string[] }>();
  const renew = async (environment: string): Promise<Copy> => {
    const before = copies.get(environment);
    const manifests = await store.read(environment, before?.manifests);
    if (before !== undefined && manifests === before.manifests) return before;
    const { document } = manifests;
    const current = document && toCurrent(document, environment);
    // An environment that was asked for and does not exist takes no memory.
    if (current === undefined && before === undefined) return { manifests, current };
    const isOther = current?.tag !== before?.current?.tag;
    const tags = current && isOther ? [current.tag, ...(before?.tags ?? [])] : (before?.tags ?? []);
    const copy = { manifests, current, tags: tags.slice(0, MOST_TAGS) };
    copies.set(environment, copy);
    if (isOther) onChanged(environment);
    return copy;
  };
  return {
    environments: () => [...copies].flatMap(([name, { current }]) => (current ? [name] : [])).toSorted(),
    current: (environment) => copies.get(environment)?.current,
    tags: (environment) => copies.get(environment)?.tags ?? [],
    read: createSharedReads(renew),
  };
};
