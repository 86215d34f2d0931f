import { randomBytes } from 'node:crypto';
import type { AgentError } from '../../core/errors.ts';
import { reportFolder, reportPath } from '../../core/fleet/store-layout.ts';
import { entityTagOf } from '../../core/hub/conditional-request.ts';
import { hostOfFile } from '../../core/hub/file-names.ts';
import { readReport } from '../../core/hub/read-report.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import type { FleetLimits, FleetStore, NewReport, TakenReport } from '../../core/ports/fleet-store.ts';
import type { HubFiles } from '../../core/ports/hub-files.ts';
import type { EpochMs } from '../../core/time.ts';
import { createHeardFleet, type HeardFleet, type LoadedReport } from './fleet-memory.ts';
import { createWriteQueue } from './write-queue.ts';

export interface FleetFilesOptions {
  readonly files: HubFiles;
  readonly now: () => EpochMs;
  /** Environments that have turns already. */
  readonly withTurns: readonly string[];
  /** Called at each change, before it is on disk. */
  readonly onNews: (environment: string) => void;
}

/** Ignores files that are no report, as they may be of another version. */
const loadEnvironment = async (files: HubFiles, environment: string): Promise<readonly LoadedReport[]> => {
  const loaded: LoadedReport[] = [];
  for (const { name, kind, modifiedAtMs } of await files.list(reportFolder(environment))) {
    const host = kind === 'file' ? hostOfFile(name) : undefined;
    const bytes = host === undefined ? undefined : await files.read(reportPath(environment, host));
    if (host === undefined || bytes === undefined) continue;
    const read = readReport(bytes, environment, host);
    if (read.kind === 'refused') continue;
    const { summary } = read;
    loaded.push({ host, bytes, tag: entityTagOf(bytes), summary, receivedAtMs: modifiedAtMs });
  }
  return loaded;
};

const load = async (files: HubFiles): Promise<ReadonlyMap<string, readonly LoadedReport[]>> => {
  const found = new Map<string, readonly LoadedReport[]>();
  for (const { name, kind } of await files.list('reports'))
    if (kind === 'folder' && isEnvironmentName(name)) found.set(name, await loadEnvironment(files, name));
  return found;
};

const throwIf = (failure: AgentError | undefined): void => {
  if (failure) throw failure;
};

/**
 * Reports in memory and in files of a hub, one for each host. The hub's lock makes this process the only
 * writer. Readers see a report before it is on disk. A heartbeat only touches the file, without a sync: after
 * a power cut the host is heard again within a minute. @throws AgentError STORE
 */
export const openFleetFiles = async (options: FleetFilesOptions): Promise<FleetStore> => {
  const { files, now, onNews } = options;
  const [life, withTurns] = [randomBytes(6).toString('base64url'), new Set(options.withTurns)];
  const found = await load(files);
  const startMs = now();
  const begin = (environment: string, loaded: readonly LoadedReport[] = []): HeardFleet =>
    createHeardFleet({ life, startMs, loaded, hasTurns: withTurns.has(environment) });
  const known = new Map([...found].map(([name, loaded]) => [name, begin(name, loaded)] as const));
  const queue = createWriteQueue(files);
  const environments = (): readonly string[] =>
    [...known].flatMap(([name, fleet]) => (fleet.size() > 0 ? [name] : [])).toSorted();

  const keep = (environment: string, report: NewReport, limits: FleetLimits): TakenReport => {
    const fleet = known.get(environment) ?? begin(environment);
    if (fleet.isOutdated(report)) return { kind: 'outdated' };
    const isNew = !fleet.has(report.host);
    if (fleet.size() === 0 && environments().length >= limits.environments)
      return { kind: 'too-many', what: 'environments' };
    if (isNew && fleet.size() >= limits.hosts) return { kind: 'too-many', what: 'hosts' };
    fleet.take(report, now());
    known.set(environment, fleet);
    return { kind: 'taken', isNew };
  };
  return {
    environments: async () => Promise.resolve(environments()),
    changes: async (environment, since) =>
      Promise.resolve((known.get(environment) ?? begin(environment)).changes(since)),
    take: async (environment, report, limits) => {
      const taken = keep(environment, report, limits);
      if (taken.kind !== 'taken') return taken;
      onNews(environment);
      throwIf(await queue.write(reportPath(environment, report.host), report.bytes));
      return taken;
    },
    beat: async (environment, heartbeat) => {
      const nowMs = now();
      const taken = known.get(environment)?.beat(heartbeat, nowMs) ?? 'unknown';
      if (taken === 'unknown') return taken;
      onNews(environment);
      // A file that is lost, or of another user, is written anew with the next report.
      return (await files.touch(reportPath(environment, heartbeat.host), nowMs)) ? 'taken' : 'unknown';
    },
    reports: async (environment, hosts) => {
      const fleet = known.get(environment);
      const entries = hosts.flatMap((host) => {
        const bytes = fleet?.bytesOf(host);
        return bytes === undefined ? [] : [[host, bytes] as const];
      });
      return Promise.resolve(new Map(entries));
    },
    remove: async (environment, host) => {
      if (known.get(environment)?.remove(host, now()) !== true) return false;
      onNews(environment);
      throwIf(await queue.write(reportPath(environment, host), undefined));
      return true;
    },
  };
};
