import { lstat } from 'node:fs/promises';
import { orAborted } from '../core/or-aborted.ts';

/** A file system that is silent for longer hangs: a mount without its server, or a failing disk. */
const DEADLINE_MS = 5_000;
/** Node has four threads for files, DNS and crypto; a hanging call keeps one, and one must stay free. */
const MAX_HUNG = 3;

interface HungCall {
  readonly path: string;
  /** What stood at the path when the call began; undefined if even that question hangs. */
  readonly entry: string | undefined;
}

/** Calls that hang past their deadline. Global, because all callers share the threads. */
const hung = new Set<HungCall>();

/** The file system did not answer. The call cannot be cancelled: it goes on until the kernel ends it. */
export class DiskHangs extends Error {
  override readonly name = 'DiskHangs';
}

/** Whether a call hangs, which keeps the process from an ordinary exit. */
export const hasHungCalls = (): boolean => hung.size > 0;

const forget = async (hungCall: HungCall, call: Promise<unknown>): Promise<void> => {
  await call.catch(() => undefined);
  hung.delete(hungCall);
};

/** Tells the directory entries at `path` apart, without asking a link's target. */
const entryAt = async (path: string): Promise<string> => {
  try {
    const { dev, ino, ctimeMs } = await lstat(path);
    return [dev, ino, ctimeMs].join(' ');
  } catch {
    return 'none';
  }
};

/**
 * Runs `ask`, one file system call, with a deadline. A path with a hanging call gets a second one only when
 * something else stands there, and after three hanging calls no other begins, because the ledger and the
 * engine need the last thread.
 * @throws DiskHangs after the deadline, or at once if such a call already hangs; the signal's reason; what
 * `ask` throws
 */
export const withinDeadline = async <T>(
  path: string,
  ask: () => Promise<T>,
  signal?: AbortSignal,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> => {
  const hanging = [...hung].filter((earlier) => earlier.path === path);
  const isSilent = hanging.some(({ entry }) => entry === undefined);
  if (isSilent || hung.size >= MAX_HUNG) throw new DiskHangs('an earlier read has not ended');
  let entry: string | undefined;
  const askAnew = async (): Promise<T> => {
    entry = await entryAt(path);
    if (hanging.some((earlier) => earlier.entry === entry))
      throw new DiskHangs('an earlier read has not ended');
    return ask();
  };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new DiskHangs('no answer')), deadlineMs);
  const call = askAnew();
  try {
    return await orAborted(call, signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } catch (error) {
    if (error instanceof DiskHangs && late.signal.aborted) {
      const hungCall = { path, entry };
      hung.add(hungCall);
      void forget(hungCall, call);
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
};
