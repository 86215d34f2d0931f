import { readFile } from 'node:fs/promises';
import { cpuMs } from '../process-cost.ts';
import type { Side } from './sides.ts';

/** Of one moment. CPU in milliseconds since the start, memory in bytes. */
export interface Costs {
  /** One for each hub. */
  readonly hubs: readonly { readonly cpuMs: number; readonly residentBytes: number }[];
  /** All processes of the database. Memory that they share counts once. */
  readonly database: { readonly cpuMs: number; readonly bytes: number };
}

const TICK_MS = 10;

const childrenOf = async (pid: number): Promise<readonly number[]> => {
  const text = await readFile(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').catch(() => '');
  return text.split(' ').map(Number).filter(Boolean);
};

/** Of its children that have ended. */
const endedCpuMs = async (pid: number): Promise<number> => {
  const text = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
  // cutime and cstime: proc_pid_stat(5), fields 16 and 17, after the name in brackets.
  const [user, system] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15);
  return (Number(user) + Number(system)) * TICK_MS;
};

/** A process that ends meanwhile counts among those that have ended, at the next time. */
const liveCpuMs = (pid: number): Promise<number> => cpuMs(pid).catch(() => 0);

const proportionalBytes = async (pid: number): Promise<number> => {
  const text = await readFile(`/proc/${String(pid)}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
};

/** The server's processes are children of the one in `postmaster.pid`. */
const databaseCosts = async (folder: string): Promise<Costs['database']> => {
  const [first = ''] = (await readFile(`${folder}/data/postmaster.pid`, 'utf8')).split('\n');
  const server = Number(first);
  const children = await childrenOf(server);
  const times = await Promise.all([endedCpuMs(server), ...[server, ...children].map(liveCpuMs)]);
  const bytes = await Promise.all([server, ...children].map(proportionalBytes));
  return {
    cpuMs: times.reduce((sum, ms) => sum + ms, 0),
    bytes: bytes.reduce((sum, count) => sum + count, 0),
  };
};

export const costsOf = async ({ hubs, database }: Side): Promise<Costs> => ({
  hubs: await Promise.all(
    hubs.map(async (hub) => ({ cpuMs: await cpuMs(hub.pid()), residentBytes: await hub.residentBytes() })),
  ),
  database: database ? await databaseCosts(database.folder) : { cpuMs: 0, bytes: 0 },
});

/** What some work has cost. */
export interface Spent {
  /** Of all hubs together. */
  readonly hubCpuMs: number;
  readonly databaseCpuMs: number;
  /** The largest hub's memory afterwards. */
  readonly hubBytes: number;
  readonly databaseBytes: number;
  /** Of all processors that exist, from 0 to 1; whatever ran. */
  readonly busy: number;
}

/** Jiffies of all processors: all, and those without work. */
const processorTimes = async (): Promise<{ readonly all: number; readonly idle: number }> => {
  const [first = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  // user nice system idle iowait irq softirq steal: proc_stat(5)
  const times = first.split(/\s+/).slice(1, 9).map(Number);
  return { all: times.reduce((sum, time) => sum + time, 0), idle: (times[3] ?? 0) + (times[4] ?? 0) };
};

const hubCpuOf = ({ hubs }: Costs): number => hubs.reduce((sum, hub) => sum + hub.cpuMs, 0);

export const spentBy = async <T>(
  side: Side,
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly spent: Spent }> => {
  const [before, timesBefore] = [await costsOf(side), await processorTimes()];
  const value = await work();
  const [after, times] = [await costsOf(side), await processorTimes()];
  return {
    value,
    spent: {
      hubCpuMs: hubCpuOf(after) - hubCpuOf(before),
      databaseCpuMs: after.database.cpuMs - before.database.cpuMs,
      hubBytes: Math.max(...after.hubs.map(({ residentBytes }) => residentBytes)),
      databaseBytes: after.database.bytes,
      busy: 1 - (times.idle - timesBefore.idle) / Math.max(1, times.all - timesBefore.all),
    },
  };
};

/** Of the hard limit, which this process cannot raise; some are left for files and the store. */
export const mostConnections = async (): Promise<number> => {
  const text = await readFile('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(text)?.[1] ?? 1024) - 400;
};
