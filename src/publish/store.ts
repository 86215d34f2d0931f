import { AgentError } from '../core/errors.ts';
import { historyFolder, historyPath, manifestPath, reportFolder, reportPath } from '../core/fleet/layout.ts';
import { readFleetDocument, readHostReport, type HostReport } from '../core/fleet/report.ts';
import { readPublication } from '../core/hub/published.ts';
import { hostOfFile, serialOfFile } from '../core/hub/names.ts';
import type { Manifest, Trust } from '../core/manifest/model.ts';
import type { DocumentStore, StoredDocument } from '../core/ports/document-store.ts';

/** What an environment's current manifest is, as the store has it. */
export interface Current {
  readonly manifest: Manifest;
  readonly stored: StoredDocument;
}

/** A store seen as an environment's manifests and reports. */
export interface EnvironmentStore {
  readonly name: string;
  /** Undefined: nothing was ever published. @throws AgentError STORE or KEY where what is there can't be built upon */
  readonly current: (signal: AbortSignal) => Promise<Current | undefined>;
  /** An older one. @throws AgentError STORE where it is missing, or KEY where nobody that we trust signed it */
  readonly published: (serial: number, signal: AbortSignal) => Promise<Manifest>;
  /** Those that the store lists; undefined: it can't list. */
  readonly serials: (signal: AbortSignal) => Promise<readonly number[] | undefined>;
  /** What these hosts, or all that the store knows, last told. Reports that can't be read are left out. */
  readonly reports: (
    hosts: readonly string[] | undefined,
    signal: AbortSignal,
  ) => Promise<readonly HostReport[]>;
}

const AT_ONCE = 16;

/** In small groups: a store may hold the reports of thousands of hosts. */
const mapInGroups = async <T, R>(
  list: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> => {
  const results: R[] = [];
  for (let at = 0; at < list.length; at += AT_ONCE)
    results.push(...(await Promise.all(list.slice(at, at + AT_ONCE).map(work))));
  return results;
};

export const createEnvironmentStore = (
  store: DocumentStore,
  environment: string,
  /** Whose word is built upon; undefined: anybody's. */
  trust: Trust | undefined,
): EnvironmentStore => {
  const open = (path: string, bytes: Uint8Array): Manifest => {
    const read = readPublication({ document: bytes, environment, trust, nowMs: undefined });
    if (read.kind === 'publication') return read.publication.manifest;
    const { code, message } = read.refusal;
    if (code === 'signature' || code === 'unsigned')
      throw new AgentError(
        'KEY',
        `${store.name}/${path} is not signed by a key that is known here: ${message}`,
        {
          advice:
            'a publisher signs what it finds there once more, so it has to be sure of it: name the hosts’ trust file with --trust, or add --key of the one that signed it',
        },
      );
    throw new AgentError('STORE', `${store.name}/${path} is no manifest of ${environment}: ${message}`, {
      advice: `put back the last good one from ${store.name}/${historyFolder(environment)}/`,
    });
  };
  const listReports = async (signal: AbortSignal): Promise<readonly HostReport[] | undefined> => {
    const listed = await store.read(reportFolder(environment), signal);
    return listed && readFleetDocument(listed, Date.now());
  };
  const readReports = async (
    hosts: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly HostReport[]> => {
    const found = await mapInGroups(hosts, async (host) => {
      const stored = await store.read(reportPath(environment, host), signal);
      const report = stored && readHostReport(stored, Date.now());
      return report?.host === host && report.status.environment === environment ? [report] : [];
    });
    return found.flat();
  };
  return {
    name: store.name,
    current: async (signal) => {
      const path = manifestPath(environment);
      const stored = await store.read(path, signal);
      return stored && { stored, manifest: open(path, stored.bytes) };
    },
    published: async (serial, signal) => {
      const path = historyPath(environment, serial);
      const stored = await store.read(path, signal);
      if (stored) return open(path, stored.bytes);
      throw new AgentError('STORE', `${store.name} has no serial ${String(serial)} of ${environment}`, {
        advice:
          'choose one that was published: `supercargo fleet` shows the current one, older ones are below it',
      });
    },
    serials: async (signal) =>
      (await store.list(historyFolder(environment), signal))?.flatMap((name) => serialOfFile(name) ?? []),
    reports: async (hosts, signal) => {
      const listed = await listReports(signal);
      if (listed) return hosts ? listed.filter((r) => hosts.includes(r.host)) : listed;
      if (hosts) return readReports(hosts, signal);
      const names = await store.list(reportFolder(environment), signal);
      return readReports(names?.flatMap((name) => hostOfFile(name) ?? []) ?? [], signal);
    },
  };
};
