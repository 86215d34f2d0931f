import { AgentError } from '../core/errors.ts';
import { historyFolder, historyPath, manifestPath } from '../core/fleet/store-layout.ts';
import { environmentOfFile, serialOfFile } from '../core/hub/file-names.ts';
import type { Manifest, Trust } from '../core/manifest/manifest.ts';
import type { DocumentStore, StoredDocument } from '../core/ports/document-store.ts';
import { writtenByNewer } from '../core/publish/overwrite-checks.ts';
import { openPublished, type Opened, type PublishedState } from '../core/publish/published-state.ts';
import { createFleetReader, type FleetReader } from './fleet-reader.ts';
import { readPublishedState } from './read-published-state.ts';

/** The current manifest of an environment. */
export interface Current {
  readonly manifest: Manifest;
  /** The document at the current address; undefined if there is none and the manifest is from the history. */
  readonly stored: StoredDocument | undefined;
}

/** The manifests and reports of one environment in a store. */
export interface EnvironmentStore {
  readonly name: string;
  /**
   * The manifests that a publish may build upon; `reported` is the highest serial that hosts report.
   * @throws AgentError STORE if the store cannot be read
   */
  readonly state: (signal: AbortSignal, reported?: number) => Promise<PublishedState>;
  /**
   * The newest manifest that a publish may build upon. Undefined if nothing was ever published.
   * @throws AgentError STORE or KEY if there are documents, but none of them is usable
   */
  readonly current: (signal: AbortSignal) => Promise<Current | undefined>;
  /** A manifest of the history; undefined if there is none. */
  readonly open: (serial: number, signal: AbortSignal) => Promise<Opened | undefined>;
  /** A manifest of the history. @throws AgentError STORE if it is missing, KEY if no known key signed it */
  readonly published: (serial: number, signal: AbortSignal) => Promise<Manifest>;
  /** Serials in the store; undefined if the store cannot list. */
  readonly serials: (signal: AbortSignal) => Promise<readonly number[] | undefined>;
  /** Environments in the store; undefined if the store cannot list. */
  readonly environments: (signal: AbortSignal) => Promise<readonly string[] | undefined>;
  /** The hosts that report. */
  readonly fleet: FleetReader;
}

const refuseUnusable = (
  store: string,
  environment: string,
  opened: Opened & { kind: 'unusable' },
): AgentError => {
  const { path, fault, message } = opened.unusable;
  if (fault === 'unsigned' || fault === 'signature')
    return new AgentError('KEY', `${store}/${path} is not signed by a known key: ${message}`, {
      advice:
        'name the trust file of the hosts with --trust, if that has the key; ' +
        'or check its versions, and take them over with --adopt-unverified',
    });
  if (fault === 'newer') return writtenByNewer(store, opened.unusable);
  if (fault === 'spent')
    return new AgentError('STORE', `${store}/${path} cannot be the base of a publish: ${message}`, {
      advice:
        'publish with --base none and name every service; on a hub, `supercargo hub repair` sets it aside',
    });
  return new AgentError('STORE', `${store}/${path} is no manifest of ${environment}: ${message}`, {
    advice: 'restore a good copy of it, or publish with --base none and name every service',
  });
};

/** @throws AgentError KEY or STORE */
export const needUsable = (store: string, environment: string, opened: Opened): Manifest => {
  if (opened.kind === 'usable') return opened.usable.manifest;
  throw refuseUnusable(store, environment, opened);
};

export const createEnvironmentStore = (
  store: DocumentStore,
  environment: string,
  /** The keys that a publish builds upon; undefined if signatures are not checked. */
  trust: Trust | undefined,
): EnvironmentStore => {
  const open: EnvironmentStore['open'] = async (serial, signal) => {
    const path = historyPath(environment, serial);
    const stored = await store.read(path, signal);
    return stored && openPublished({ path, bytes: stored.bytes, environment }, trust);
  };
  const serials: EnvironmentStore['serials'] = async (signal) =>
    (await store.list(historyFolder(environment), signal))?.flatMap((name) => serialOfFile(name) ?? []);
  const state: EnvironmentStore['state'] = async (signal, reported) => {
    const place = await store.read(manifestPath(environment), signal);
    const path = manifestPath(environment);
    const opened = place && openPublished({ path, bytes: place.bytes, environment }, trust);
    return readPublishedState({ place, opened, listed: await serials(signal), reported, open }, signal);
  };
  return {
    name: store.name,
    state,
    current: async (signal) => {
      const { place, newest, unusable } = await state(signal);
      if (newest) return { manifest: newest.manifest, stored: place };
      const [first] = unusable;
      if (first) throw refuseUnusable(store.name, environment, { kind: 'unusable', unusable: first });
      return undefined;
    },
    open,
    published: async (serial, signal) => {
      const opened = await open(serial, signal);
      if (opened) return needUsable(store.name, environment, opened);
      throw new AgentError('STORE', `${store.name} has no serial ${String(serial)} of ${environment}`, {
        advice: 'choose a published serial: `supercargo fleet` shows the current one, older ones are lower',
      });
    },
    serials,
    environments: async (signal) =>
      (await store.list('manifests', signal))?.flatMap((name) => environmentOfFile(name) ?? []),
    fleet: createFleetReader(store, environment),
  };
};
