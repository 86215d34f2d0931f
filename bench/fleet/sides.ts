import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { startBenchHub, type BenchHub } from '../bench-hub.ts';

export type SideName = 'postgres' | 'files';

/** The hubs of one store, as hosts see them. */
export interface Side {
  readonly name: SideName;
  /** The first one takes the publishes. */
  readonly hubs: readonly [BenchHub, ...BenchHub[]];
  /** Absent for files. */
  readonly database?: TestPostgres & { readonly url: string };
  /** What a folder hub keeps, or where a hub of the database has its archives. */
  readonly folder: string;
  readonly isSecure: boolean;
}

export interface SideOptions {
  readonly hubs: number;
  readonly isSecure: boolean;
}

/** More than any measurement opens or stores. */
const LIMITS = ['--max-connections', '200000', '--max-hosts', '200000'] as const;

/**
 * Of a database for 100,000 hosts on a machine with some GB. All else is as Debian has it; what is
 * acknowledged is on disk.
 */
const DATABASE = { shared_buffers: '1GB', max_wal_size: '4GB' } as const;

type AtEnd = (end: () => Promise<unknown>) => void;

const startSide = async (
  name: SideName,
  { hubs: count, isSecure }: SideOptions,
  folder: string,
  atEnd: AtEnd,
): Promise<Side> => {
  await mkdir(folder, { recursive: true });
  const start = async (index: number, words: readonly string[]): Promise<BenchHub> => {
    const own = join(folder, `hub${String(index)}`);
    await mkdir(own);
    const hub = await startBenchHub({ folder: own, isSecure, words: [...LIMITS, ...words] });
    // What it keeps is removed with it.
    atEnd(hub.kill);
    return hub;
  };
  const common = { name, folder, isSecure };
  if (name === 'files') return { ...common, hubs: [await start(0, [])] };
  const postgres = await startPostgres({ fsync: true, settings: DATABASE });
  atEnd(postgres.stop);
  const { url } = await postgres.createDatabase();
  const hubs: [BenchHub, ...BenchHub[]] = [await start(0, ['--store', url])];
  while (hubs.length < count) hubs.push(await start(hubs.length, ['--store', url]));
  return { ...common, hubs, database: { ...postgres, url } };
};

/** Settles with the work, or rejects as soon as the signal aborts. */
const untilAborted = async <T>(signal: AbortSignal, work: Promise<T>): Promise<T> => {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
};

/**
 * Starts some hubs on PostgreSQL and one on files, at the same time on one machine: a measurement takes turns
 * with them. Everything ends and is removed with the work, and when the signal aborts.
 */
export const withSides = async <T>(
  signal: AbortSignal,
  options: SideOptions,
  work: (sides: readonly [postgres: Side, files: Side]) => Promise<T>,
): Promise<T> => {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-bench-fleet-'));
  const ends: (() => Promise<unknown>)[] = [];
  const atEnd: AtEnd = (end) => void ends.push(end);
  const measure = async (): Promise<T> => {
    const postgres = await startSide('postgres', options, join(folder, 'postgres'), atEnd);
    const files = await startSide('files', options, join(folder, 'files'), atEnd);
    return work([postgres, files]);
  };
  try {
    return await untilAborted(signal, measure());
  } finally {
    for (const end of ends.toReversed()) await end();
    await rm(folder, { recursive: true, force: true });
  }
};
