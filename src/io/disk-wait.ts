import { orAborted } from '../core/or-aborted.ts';

/**
 * A file system that has not answered for so long hangs: a mount of a server that is away, a disk that fails.
 */
const DEADLINE_MS = 5_000;
/**
 * Node has four threads for files, names and ciphers, and a call that hangs keeps its thread: one is always
 * left.
 */
const MAX_HUNG = 3;

/**
 * Calls that have passed their deadline and not returned, by path. Threads are the process's, so this is too.
 */
const hung = new Map<string, Promise<unknown>>();

/** The file system did not answer. The call itself cannot be ended: it goes on until the kernel ends it. */
export class DiskHangs extends Error {
  override readonly name = 'DiskHangs';
}

/** A thread that hangs keeps the process from ending in the ordinary way. */
export const hasHungCalls = (): boolean => hung.size > 0;

const forget = async (path: string, call: Promise<unknown>): Promise<void> => {
  await call.catch(() => undefined);
  hung.delete(path);
};

/**
 * What `ask` gives, which is one call that a file system may never answer. One path never has two calls that
 * hang, and with three of them no other call is begun: the ledger and the engine need the last thread.
 * @throws DiskHangs after the deadline, and at once where such a call already hangs; the signal's reason;
 * what `ask` throws
 */
export const withinDeadline = async <T>(
  path: string,
  ask: () => Promise<T>,
  signal?: AbortSignal,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> => {
  if (hung.has(path) || hung.size >= MAX_HUNG) throw new DiskHangs('an earlier read has not ended');
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new DiskHangs('no answer')), deadlineMs);
  const call = ask();
  try {
    return await orAborted(call, signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } catch (error) {
    if (error instanceof DiskHangs) {
      hung.set(path, call);
      void forget(path, call);
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
};
