import { readdirSync, readFileSync } from 'node:fs';
import { eventually } from './poll.ts';

/** A zombie counts as dead: where PID 1 reaps nothing, orphans stay zombies for ever. */
export const isAlive = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z';
  } catch {
    return false;
  }
};

/** The words of its command line; empty when it is gone. */
export const commandLine = (pid: number): readonly string[] => {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
};

export const findPids = (isWanted: (words: readonly string[]) => boolean): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isWanted(commandLine(pid)) && isAlive(pid));

export const readPid = (file: string): number | undefined => {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
};

/** One that is gone already is no error. */
export const signalPid = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const childrenOf = (pid: number): readonly number[] => {
  try {
    const text = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
    return text.split(' ').map(Number).filter(Boolean);
  } catch {
    return [];
  }
};

/** SIGSTOP to them and all below them; returns them all. Stopped, they can have no more children. */
export const stopWithChildren = (...pids: readonly number[]): readonly number[] =>
  pids.flatMap((pid) => {
    signalPid(pid, 'SIGSTOP');
    return [pid, ...stopWithChildren(...childrenOf(pid))];
  });

/**
 * SIGKILL to them and all below them at one moment, as when a machine loses its power; resolves when all are
 * gone.
 */
export const killWithChildren = async (...pids: readonly number[]): Promise<void> => {
  const all = stopWithChildren(...pids);
  for (const pid of all) signalPid(pid, 'SIGKILL');
  await eventually(() => !all.some(isAlive), { describe: () => `these end: ${all.join(', ')}` });
};

/** SIGTERM, then SIGKILL after the grace time; resolves when it is gone. Not only for children of ours. */
export const endPid = async (pid: number, graceMs: number): Promise<void> => {
  const isGone = (): boolean => !isAlive(pid);
  const describe = (): string => `pid ${String(pid)} ends (${commandLine(pid).join(' ')})`;
  signalPid(pid, 'SIGTERM');
  await eventually(isGone, { deadlineMs: graceMs, describe }).catch(async () => {
    signalPid(pid, 'SIGKILL');
    await eventually(isGone, { describe });
  });
};
