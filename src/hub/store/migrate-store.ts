import { createHash } from 'node:crypto';
import { historyPath, manifestPath } from '../../core/fleet/store-layout.ts';
import {
  currentOf,
  readBackOther,
  refuseOther,
  refuseOtherPast,
  requireSameTurns,
} from '../../core/hub/compare-contents.ts';
import type { EnvironmentContents, HubContents } from '../../core/ports/hub-contents.ts';
import type { HubStore } from '../../core/ports/hub-store.ts';
import type { StoredManifests } from '../../core/ports/manifest-store.ts';
import type { EpochMs } from '../../core/time.ts';
import { startedAt } from '../../core/turns/revisions.ts';
import type { TurnState } from '../../core/turns/turn-state.ts';

type Moved = 'moved' | 'there';

export interface MigratedDocument {
  readonly path: string;
  readonly sha256: string;
  readonly outcome: Moved;
}

export interface MigratedEnvironment {
  readonly environment: string;
  /** Of the current manifest; null if there is none. */
  readonly serial: number | null;
  readonly epoch: number;
  /** The current manifest first, then the history. */
  readonly documents: readonly MigratedDocument[];
  /** Null if there are none. */
  readonly turns: Moved | null;
}

export interface Migration {
  readonly environments: readonly MigratedEnvironment[];
  readonly remarks: readonly string[];
}

type Target = Pick<HubStore, 'manifests' | 'turns'> & {
  /** The environment had reports, which are lost: turns wait until hosts are heard. */
  readonly expectReports: (environment: string) => Promise<void>;
};

export interface MigrateOptions {
  readonly source: HubContents;
  /** Undefined for a dry run against a database without tables. */
  readonly target: Target | undefined;
  /** The same store by a connection of its own, which answers nothing from memory. */
  readonly readBack: Pick<HubStore, 'manifests' | 'turns'>;
  readonly nowMs: EpochMs;
  readonly isDryRun: boolean;
}

interface Planned {
  readonly environment: string;
  readonly source: EnvironmentContents;
  readonly current: { readonly serial: number; readonly document: Uint8Array } | undefined;
  readonly target: StoredManifests;
  readonly targetSerials: ReadonlySet<number>;
  readonly targetTurns: TurnState | undefined;
}

const EMPTY = {
  target: { revision: 0, document: undefined, highest: 0, epoch: 0 },
  targetSerials: new Set<number>(),
  targetTurns: undefined,
};

const AT_ONCE = 8;

/** Each document waits for the disks of the database: several at once share that. */
const forEach = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  const next = items.values();
  const done = await Promise.allSettled(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of next) await work(item);
    }),
  );
  const failure = done.find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
};

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Compares with what the target has, before anything is written anywhere. */
const planOne = async ({ source, target }: MigrateOptions, environment: string): Promise<Planned> => {
  const contents = await source.read(environment);
  const current = currentOf(environment, contents);
  if (!target) return { environment, source: contents, current, ...EMPTY };
  const [manifests, serials, targetTurns] = await Promise.all([
    target.manifests.read(environment),
    target.manifests.serials(environment),
    target.turns.read(environment),
  ]);
  refuseOther({ environment, source: contents, target: manifests, targetTurns });
  await forEach(serials, async (serial) => {
    const inSource = serial === current?.serial ? current.document : await source.past(environment, serial);
    refuseOtherPast(environment, serial, inSource, await target.manifests.past(environment, serial));
  });
  return {
    environment,
    source: contents,
    current,
    target: manifests,
    targetSerials: new Set(serials),
    targetTurns,
  };
};

const pastSerials = ({ source, current }: Planned): readonly number[] =>
  source.serials.filter((serial) => serial !== current?.serial);

/** The current manifest comes last: without it no hub serves an environment that is moved by half. */
const write = async ({ source, nowMs }: MigrateOptions, target: Target, planned: Planned): Promise<void> => {
  const { environment, current, targetSerials, targetTurns } = planned;
  const { turns, epoch, hasReports } = planned.source;
  const missing = pastSerials(planned).filter((serial) => !targetSerials.has(serial));
  await forEach(missing, async (serial) => {
    const document = await source.past(environment, serial);
    if (document) await target.manifests.record(environment, serial, document);
  });
  if (hasReports || turns) await target.expectReports(environment);
  if (turns && !targetTurns) {
    // The numbers of the database begin anew, above each that hosts were told.
    const atMs = Math.max(nowMs, (turns.start?.atMs ?? 0) + 1);
    await target.turns.write(environment, startedAt(turns, atMs), 0);
  }
  if (current && planned.target.revision === 0)
    await target.manifests.publish(environment, { ...current, epoch }, 0);
};

/** @throws AgentError STORE if one of them does not read back as it is in the source */
const verify = async ({ source, readBack }: MigrateOptions, planned: Planned): Promise<void> => {
  const { environment, current } = planned;
  const stored = await readBack.manifests.read(environment);
  const require = (what: string, wanted: Uint8Array | undefined, found: Uint8Array | undefined): void => {
    if (!wanted || (found && digestOf(found) === digestOf(wanted))) return;
    throw readBackOther(environment, what);
  };
  require('the current manifest', current?.document, stored.document);
  if (current && stored.epoch !== planned.source.epoch) throw readBackOther(environment, 'the epoch');
  await forEach(planned.source.serials, async (serial) => {
    const wanted = serial === current?.serial ? current.document : await source.past(environment, serial);
    require(`serial ${String(serial)}`, wanted, await readBack.manifests.past(environment, serial));
  });
  requireSameTurns(environment, planned.source.turns, await readBack.turns.read(environment));
};

const report = async ({ source }: MigrateOptions, planned: Planned): Promise<MigratedEnvironment> => {
  const { environment, current, target, targetSerials, targetTurns } = planned;
  const documents: MigratedDocument[] = [];
  const add = (path: string, document: Uint8Array | undefined, isThere: boolean): void => {
    if (document) documents.push({ path, sha256: digestOf(document), outcome: isThere ? 'there' : 'moved' });
  };
  add(manifestPath(environment), current?.document, target.revision > 0);
  for (const serial of pastSerials(planned))
    add(historyPath(environment, serial), await source.past(environment, serial), targetSerials.has(serial));
  return {
    environment,
    serial: current?.serial ?? null,
    epoch: planned.source.epoch,
    documents,
    turns: planned.source.turns ? (targetTurns ? 'there' : 'moved') : null,
  };
};

/**
 * Copies manifests and turns of one store into another one, and reads all of it back. What is there already
 * and equal is left: a migration that was killed goes on.
 * @throws AgentError STORE; nothing is written if the target has anything else of an environment
 */
export const migrateStore = async (options: MigrateOptions): Promise<Migration> => {
  const planned: Planned[] = [];
  for (const environment of await options.source.environments())
    planned.push(await planOne(options, environment));
  if (!options.isDryRun && options.target) {
    for (const each of planned) await write(options, options.target, each);
    for (const each of planned) await verify(options, each);
  }
  const environments: MigratedEnvironment[] = [];
  for (const each of planned) environments.push(await report(options, each));
  return { environments, remarks: planned.flatMap(({ source }) => source.remark ?? []) };
};
