import { createHash } from 'node:crypto';
import type { DocumentStore } from '../../src/core/ports/document-store.ts';

export interface MemoryStore extends DocumentStore {
  readonly documents: Map<string, Uint8Array>;
  /** As nginx does: conditions are ignored. */
  ignoresConditions: boolean;
}

const versionOf = (bytes: Uint8Array): string => `"${createHash('sha256').update(bytes).digest('hex')}"`;

export const createMemoryStore = (): MemoryStore => {
  const documents = new Map<string, Uint8Array>();
  const store: MemoryStore = {
    name: 'memory',
    documents,
    ignoresConditions: false,
    read: async (path) => {
      const bytes = documents.get(path);
      return Promise.resolve(
        bytes && { bytes, version: versionOf(bytes), writtenAtMs: undefined, readAtMs: undefined },
      );
    },
    // As an older hub: a query changes nothing.
    ask: (folder, _query, signal) => store.read(folder, signal),
    write: async (path, bytes, condition) => {
      const current = documents.get(path);
      const isMet =
        store.ignoresConditions ||
        condition.kind === 'none' ||
        (condition.kind === 'absent'
          ? current === undefined
          : current !== undefined && versionOf(current) === condition.version);
      if (isMet) documents.set(path, bytes);
      return Promise.resolve(isMet ? 'written' : 'refused');
    },
    remove: async (path) => Promise.resolve(documents.delete(path)),
    list: async (folder) =>
      Promise.resolve(
        [...documents.keys()].flatMap((path) =>
          path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/')
            ? [path.slice(folder.length + 1)]
            : [],
        ),
      ),
    honoursConditions: async () => Promise.resolve(!store.ignoresConditions),
  };
  return store;
};
