import { SILENT_MS } from '../core/fleet/host-findings.ts';
import { reportPath } from '../core/fleet/store-layout.ts';
import type { AgentError } from '../core/errors.ts';
import { entityTagOf } from '../core/hub/conditional-request.ts';
import { hostOfFile } from '../core/hub/file-names.ts';
import { refusal, type Refusal } from '../core/hub/refusal.ts';
import { readReport, type ReportSummary } from '../core/hub/read-report.ts';
import { isEnvironmentName } from '../core/manifest/schema.ts';
import type { HubFiles } from '../core/ports/hub-files.ts';
import type { EpochMs } from '../core/time.ts';
import { isOutdated, replacedBy } from '../core/hub/report-order.ts';
import { createWriteQueue } from './write-queue.ts';

export interface Report {
  readonly host: string;
  readonly bytes: Uint8Array;
  readonly tag: string;
  readonly receivedAtMs: EpochMs;
  readonly summary: ReportSummary;
  /** `Hearing.heardMs` when it came. */
  readonly heardMs: number;
  /** False for a report that was loaded at the start of the hub. */
  readonly isOfThisRun: boolean;
  /** Lives of the agent that a later one has replaced, the last ones. */
  readonly replacedLives: readonly string[];
}

/** What tells a host that is silent from a hub that hears no host. */
export interface Hearing {
  /** Grows with each report by the time since the one before; not while no host reports. */
  readonly heardMs: number;
  /** Hosts that reported shortly before the start of the hub, and have not reported since. */
  readonly awaited: readonly string[];
  /** Hosts whose report was removed in this run of the hub. */
  readonly removed: ReadonlySet<string>;
}

/** Counts the reports of an environment: `changes` only those with news, `heartbeats` all of them. */
export interface ReportVersion {
  readonly changes: number;
  readonly heartbeats: number;
  /** Time of the last report. */
  readonly atMs: EpochMs;
}

export type ReportAnswer =
  | { readonly kind: 'taken'; readonly isNew: boolean }
  /** A later report of the host was faster: this one is dropped. */
  | { readonly kind: 'outdated' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface ReportsOptions {
  readonly files: HubFiles;
  readonly now: () => EpochMs;
  readonly mostHosts: number;
  readonly mostEnvironments: number;
  readonly mostServices: number;
  /** Called when a report has news; not for a heartbeat. */
  readonly onChanged: (environment: string) => void;
  /** Called for every report that was taken or removed, after `onChanged`. */
  readonly onHeard: (environment: string) => void;
}

export interface Reports {
  readonly environments: () => readonly string[];
  /** Sorted by name. */
  readonly all: (environment: string) => readonly Report[];
  readonly count: (environment: string) => number;
  readonly one: (environment: string, host: string) => Report | undefined;
  readonly version: (environment: string) => ReportVersion;
  readonly hearing: (environment: string) => Hearing;
  /**
   * Settles when this report, or a later one of the host, is on disk. Readers see it earlier.
   * @throws AgentError STORE
   */
  readonly take: (environment: string, host: string, bytes: Uint8Array) => Promise<ReportAnswer>;
  /** Returns false if there was no report. @throws AgentError STORE */
  readonly remove: (environment: string, host: string) => Promise<boolean>;
  /** The reports that came before that time. */
  readonly before: (atMs: EpochMs) => readonly { readonly environment: string; readonly host: string }[];
}

interface Environment {
  readonly hosts: Map<string, Report>;
  version: ReportVersion;
  heardMs: number;
  readonly removed: Set<string>;
  /** When the last report came before the start of the hub. */
  readonly lastBeforeMs: EpochMs;
}

/** A longer time between two reports means that the hub was away, or that no host reached it. */
const LONGEST_STEP_MS = 90_000;

const full = (what: string, most: number, option: string): Refusal =>
  refusal(
    507,
    'too-many',
    `the hub already has ${most} ${what}, its maximum`,
    `remove those that are gone (supercargo fleet forget ENV HOST), or start the hub with a higher ${option}`,
  );

/** The page and every reader of the list pay for each service of each host. */
const tooManyServices = (services: number, most: number): Refusal =>
  refusal(
    422,
    'too-many',
    `the report has ${services} services, more than ${most}`,
    'run fewer services in one environment of a host, or start the hub with a higher --max-services',
  );

/** Ignores files that are no report, as they may be of another version. */
const loadEnvironment = async (files: HubFiles, environment: string): Promise<Map<string, Report>> => {
  const hosts = new Map<string, Report>();
  for (const { name, kind, modifiedAtMs } of await files.list(`reports/${environment}`)) {
    const host = kind === 'file' ? hostOfFile(name) : undefined;
    const bytes = host === undefined ? undefined : await files.read(reportPath(environment, host));
    if (host === undefined || bytes === undefined) continue;
    const read = readReport(bytes, environment, host);
    if (read.kind === 'refused') continue;
    hosts.set(host, {
      host,
      bytes,
      tag: entityTagOf(bytes),
      receivedAtMs: modifiedAtMs,
      summary: read.summary,
      heardMs: 0,
      isOfThisRun: false,
      replacedLives: [],
    });
  }
  return hosts;
};

const newestOf = (hosts: ReadonlyMap<string, Report>): EpochMs =>
  [...hosts.values()].reduce((newest, { receivedAtMs }) => Math.max(newest, receivedAtMs), 0);

const emptyEnvironment = (version: ReportVersion): Environment => ({
  hosts: new Map(),
  version,
  heardMs: 0,
  removed: new Set(),
  lastBeforeMs: 0,
});

const load = async (files: HubFiles, none: ReportVersion): Promise<Map<string, Environment>> => {
  const known = new Map<string, Environment>();
  for (const { name, kind } of await files.list('reports')) {
    if (kind !== 'folder' || !isEnvironmentName(name)) continue;
    const hosts = await loadEnvironment(files, name);
    known.set(name, { ...emptyEnvironment(none), hosts, lastBeforeMs: newestOf(hosts) });
  }
  return known;
};

interface Kept extends ReportsOptions {
  readonly known: Map<string, Environment>;
  /** The version of an environment without a report since the start. */
  readonly none: ReportVersion;
}

/** Stores the report in memory, so that readers see it. */
const keep = (
  { known, none, mostHosts, mostEnvironments, now, onChanged, onHeard }: Kept,
  environment: string,
  host: string,
  { bytes, summary }: { readonly bytes: Uint8Array; readonly summary: ReportSummary },
): ReportAnswer => {
  const found = known.get(environment) ?? emptyEnvironment(none);
  const before = found.hosts.get(host);
  const { turns } = summary.word;
  if (before && isOutdated(before, turns)) return { kind: 'outdated' };
  if (!known.has(environment) && known.size >= mostEnvironments)
    return { kind: 'refused', refusal: full('environments', mostEnvironments, '--max-environments') };
  if (before === undefined && found.hosts.size >= mostHosts)
    return { kind: 'refused', refusal: full('hosts of an environment', mostHosts, '--max-hosts') };
  known.set(environment, found);
  const atMs = now();
  found.heardMs += Math.min(Math.max(atMs - found.version.atMs, 0), LONGEST_STEP_MS);
  found.removed.delete(host);
  found.hosts.set(host, {
    host,
    bytes,
    tag: entityTagOf(bytes),
    receivedAtMs: atMs,
    summary,
    heardMs: found.heardMs,
    isOfThisRun: true,
    replacedLives: replacedBy(before, turns),
  });
  const { changes, heartbeats } = found.version;
  const saysNothingNew = before?.summary.fingerprint === summary.fingerprint;
  found.version = { changes: saysNothingNew ? changes : changes + 1, heartbeats: heartbeats + 1, atMs };
  if (!saysNothingNew) onChanged(environment);
  onHeard(environment);
  return { kind: 'taken', isNew: before === undefined };
};

const forget = ({ known, now, onChanged, onHeard }: Kept, environment: string, host: string): boolean => {
  const found = known.get(environment);
  if (found === undefined || !found.hosts.delete(host)) return false;
  found.removed.add(host);
  const { changes, heartbeats } = found.version;
  found.version = { changes: changes + 1, heartbeats: heartbeats + 1, atMs: now() };
  onChanged(environment);
  onHeard(environment);
  return true;
};

const hearingOf = ({ hosts, heardMs, removed, lastBeforeMs }: Environment): Hearing => ({
  heardMs,
  removed,
  awaited: [...hosts.values()].flatMap(({ host, isOfThisRun, receivedAtMs }) =>
    isOfThisRun || receivedAtMs < lastBeforeMs - SILENT_MS ? [] : [host],
  ),
});

const throwIf = (failure: AgentError | undefined): void => {
  if (failure) throw failure;
};

/** Stores the last report of every host. @throws AgentError STORE */
export const openReports = async (options: ReportsOptions): Promise<Reports> => {
  const none: ReportVersion = { changes: 0, heartbeats: 0, atMs: options.now() };
  const known = await load(options.files, none);
  const kept: Kept = { ...options, known, none };
  const queue = createWriteQueue(options.files);
  return {
    environments: () => [...known.keys()].toSorted(),
    all: (environment) =>
      [...(known.get(environment)?.hosts.values() ?? [])].toSorted((a, b) => (a.host < b.host ? -1 : 1)),
    count: (environment) => known.get(environment)?.hosts.size ?? 0,
    one: (environment, host) => known.get(environment)?.hosts.get(host),
    version: (environment) => known.get(environment)?.version ?? none,
    hearing: (environment) => hearingOf(known.get(environment) ?? emptyEnvironment(none)),
    take: async (environment, host, bytes) => {
      const read = readReport(bytes, environment, host);
      if (read.kind === 'refused') return read;
      const { length } = read.summary.judged.services;
      if (length > options.mostServices)
        return { kind: 'refused', refusal: tooManyServices(length, options.mostServices) };
      const answer = keep(kept, environment, host, { bytes, summary: read.summary });
      if (answer.kind === 'taken') throwIf(await queue.write(reportPath(environment, host), bytes));
      return answer;
    },
    before: (atMs) =>
      [...known].flatMap(([environment, { hosts }]) =>
        [...hosts.values()].flatMap(({ host, receivedAtMs }) =>
          receivedAtMs < atMs ? [{ environment, host }] : [],
        ),
      ),
    remove: async (environment, host) => {
      if (!forget(kept, environment, host)) return false;
      throwIf(await queue.write(reportPath(environment, host), undefined));
      return true;
    },
  };
};
