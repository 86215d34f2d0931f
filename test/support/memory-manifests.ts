import { highestOf } from '../../src/core/manifest/serial.ts';
import type { ManifestStore, StoredManifests } from '../../src/core/ports/manifest-store.ts';

const NOTHING: StoredManifests = { revision: 0, document: undefined, highest: 0, epoch: 0 };

/** Manifests in memory, for any number of hubs. */
export const createMemoryManifests = (onPublished: (environment: string) => void): ManifestStore => {
  const stored = new Map<string, StoredManifests>();
  const histories = new Map<string, Map<number, Uint8Array>>();
  const probes = new Map<string, Uint8Array>();
  const historyOf = (environment: string): Map<number, Uint8Array> => {
    const history = histories.get(environment) ?? new Map<number, Uint8Array>();
    histories.set(environment, history);
    return history;
  };
  return {
    environments: async () => Promise.resolve([...stored.keys()].toSorted()),
    read: async (environment) => Promise.resolve(stored.get(environment) ?? NOTHING),
    publish: async (environment, { serial, document, epoch }, expectedRevision) => {
      const before = stored.get(environment) ?? NOTHING;
      if (before.revision !== expectedRevision) return Promise.resolve('changed');
      const history = historyOf(environment).set(serial, document);
      const after = {
        revision: before.revision + 1,
        document,
        highest: highestOf(history.keys()),
        epoch: Math.max(epoch, before.epoch),
      };
      stored.set(environment, after);
      onPublished(environment);
      return Promise.resolve(after);
    },
    serials: async (environment) =>
      Promise.resolve([...historyOf(environment).keys()].toSorted((a, b) => a - b)),
    past: async (environment, serial) => Promise.resolve(historyOf(environment).get(serial)),
    record: async (environment, serial, document) => {
      const history = historyOf(environment);
      if (history.has(serial)) return Promise.resolve('kept');
      history.set(serial, document);
      return Promise.resolve('written');
    },
    probe: async (environment) => Promise.resolve(probes.get(environment)),
    changeProbe: async (environment, document, mayReplace) => {
      const before = probes.get(environment);
      if (!mayReplace(before)) return Promise.resolve('refused');
      if (document === undefined) probes.delete(environment);
      else probes.set(environment, document);
      return Promise.resolve({ before });
    },
  };
};
