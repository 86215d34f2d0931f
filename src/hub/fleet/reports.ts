import { SILENT_MS } from '../../core/fleet/host-findings.ts';
import { entityTagOf } from '../../core/hub/conditional-request.ts';
import { refusal, type Refusal } from '../../core/hub/refusal.ts';
import { readReport } from '../../core/hub/read-report.ts';
import type { FleetLimits, FleetStore, Hearing, Heartbeat } from '../../core/ports/fleet-store.ts';
import { createSharedReads } from '../../core/shared-reads.ts';
import type { EpochMs } from '../../core/time.ts';
import { createFleetIndex, type FleetIndex, type Report } from './fleet-index.ts';
import { createSharedValues } from './shared-values.ts';

export type ReportAnswer =
  | { readonly kind: 'taken'; readonly isNew: boolean; readonly tag: string }
  /** A later report of the host was faster: this one is dropped. */
  | { readonly kind: 'outdated' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface ReportsOptions {
  readonly store: FleetStore;
  readonly now: () => EpochMs;
  readonly mostHosts: number;
  readonly mostEnvironments: number;
  readonly mostServices: number;
  /** Called when a report has news, at this hub or another one; not for a heartbeat. */
  readonly onChanged: (environment: string) => void;
  /** Called when reports or heartbeats came or reports were removed, after `onChanged`. */
  readonly onHeard: (environment: string) => void;
}

/**
 * The reports of a store. An index in memory says what they mean and when they came; their bytes stay in the
 * store. It is as of the last `refresh`, which `take`, `beat` and `remove` include. Rejects with AgentError
 * STORE.
 */
export interface Reports {
  readonly environments: () => readonly string[];
  /** Sorted by name. */
  readonly all: (environment: string) => readonly Report[];
  readonly count: (environment: string) => number;
  readonly find: (environment: string, host: string) => Report | undefined;
  readonly hearing: (environment: string) => Hearing;
  /** Hosts that reported shortly before this run, and have not reported since. */
  readonly awaited: (environment: string) => readonly string[];
  /** Hosts whose report was removed in this run. */
  readonly removed: (environment: string) => ReadonlySet<string>;
  /** `Hearing.revision` of the last change that was no mere heartbeat. */
  readonly newsRevision: (environment: string) => number;
  /** Reads what has changed since the last time, by any hub. */
  readonly refresh: (environment: string) => Promise<void>;
  /** Reads reports, byte for byte; hosts without one are left out. */
  readonly bytesOf: (
    environment: string,
    hosts: readonly string[],
  ) => Promise<ReadonlyMap<string, Uint8Array>>;
  /** Settles when this report, or a later one of the host, is stored. Readers may see it earlier. */
  readonly take: (environment: string, host: string, bytes: Uint8Array) => Promise<ReportAnswer>;
  /** `unknown`: the host has to send the whole report. */
  readonly beat: (environment: string, heartbeat: Heartbeat) => Promise<'taken' | 'unknown'>;
  /** Returns false if there was no report. */
  readonly remove: (environment: string, host: string) => Promise<boolean>;
}

const full = (what: string, most: number, option: string): Refusal =>
  refusal(
    507,
    'too-many',
    `the hub already has ${most} ${what}, its maximum`,
    `remove those that are gone (supercargo fleet forget ENV HOST), or start the hub with a higher ${option}`,
  );

const fullOf = (what: keyof FleetLimits, limits: FleetLimits): Refusal =>
  what === 'environments'
    ? full('environments', limits.environments, '--max-environments')
    : full('hosts of an environment', limits.hosts, '--max-hosts');

/** The page and every reader of the list pay for each service of each host. */
const tooManyServices = (services: number, most: number): Refusal =>
  refusal(
    422,
    'too-many',
    `the report has ${services} services, more than ${most}`,
    'run fewer services in one environment of a host, or start the hub with a higher --max-services',
  );

const NO_HOSTS: ReadonlySet<string> = new Set();

const awaitedOf = (index: FleetIndex): readonly string[] => {
  const { run, beforeRunMs } = index.hearing();
  return index
    .all()
    .flatMap((report) =>
      report.run === run || report.receivedAtMs < beforeRunMs - SILENT_MS ? [] : [report.host],
    );
};

/** @throws AgentError STORE */
export const openReports = async (options: ReportsOptions): Promise<Reports> => {
  const { store, mostServices, onChanged, onHeard } = options;
  const limits: FleetLimits = { hosts: options.mostHosts, environments: options.mostEnvironments };
  const known = new Map<string, FleetIndex>();
  const share = createSharedValues();
  const startMs = options.now();
  const unheard: Hearing = {
    life: '',
    revision: 0,
    heardMs: 0,
    atMs: startMs,
    run: 1,
    runBeganMs: startMs,
    beforeRunMs: 0,
    hasLostReports: false,
  };
  const refresh = createSharedReads(async (environment) => {
    const index = known.get(environment);
    const changes = await store.changes(environment, index?.hearing());
    const { hearing } = changes;
    // An environment that was asked for and does not exist takes no memory.
    if (index === undefined && (hearing.revision > 0 || hearing.hasLostReports))
      known.set(environment, createFleetIndex(changes, share));
    const isNews = index?.apply(changes) ?? hearing.revision > 0;
    if (isNews) onChanged(environment);
    if (isNews || changes.changes.length > 0) onHeard(environment);
  });
  /** What is stored is acknowledged, even if the store cannot be read again at once. */
  const seen = async <T>(environment: string, written: T): Promise<T> => {
    await refresh(environment).catch(() => undefined);
    return written;
  };
  for (const environment of await store.environments()) await refresh(environment);

  return {
    environments: () => [...known].flatMap(([name, index]) => (index.count() > 0 ? [name] : [])).toSorted(),
    all: (environment) => known.get(environment)?.all() ?? [],
    count: (environment) => known.get(environment)?.count() ?? 0,
    find: (environment, host) => known.get(environment)?.find(host),
    hearing: (environment) => known.get(environment)?.hearing() ?? unheard,
    awaited: (environment) => {
      const index = known.get(environment);
      return index ? awaitedOf(index) : [];
    },
    removed: (environment) => known.get(environment)?.removed ?? NO_HOSTS,
    newsRevision: (environment) => known.get(environment)?.newsRevision() ?? 0,
    refresh,
    bytesOf: (environment, hosts) => store.reports(environment, hosts),
    take: async (environment, host, bytes) => {
      const read = readReport(bytes, environment, host);
      if (read.kind === 'refused') return read;
      const { summary } = read;
      const { length } = summary.judged.services;
      if (length > mostServices) return { kind: 'refused', refusal: tooManyServices(length, mostServices) };
      const tag = entityTagOf(bytes);
      const taken = await store.take(environment, { host, bytes, tag, summary }, limits);
      if (taken.kind === 'too-many') return { kind: 'refused', refusal: fullOf(taken.what, limits) };
      return seen(environment, taken.kind === 'taken' ? { ...taken, tag } : taken);
    },
    beat: async (environment, heartbeat) => seen(environment, await store.beat(environment, heartbeat)),
    remove: async (environment, host) => seen(environment, await store.remove(environment, host)),
  };
};
