import { orAborted } from '../core/or-aborted.ts';

/** A file system that is silent for longer hangs: a mount without its server, or a failing disk. */
const DEADLINE_MS = 5_000;
/** Node has four threads for files, DNS and crypto; a hanging call keeps one, and one must stay free. */
const MAX_HUNG = 3;

/** Calls that hang past their deadline, by path. Global, because all callers share the threads. */
const hung = new Map<string, Promise<unknown>>();

/** The file system did not answer. The call cannot be cancelled: it goes on until the kernel ends it. */
export class DiskHangs extends Error {
  override readonly name = 'DiskHangs';
}

/** Whether a call hangs, which keeps the process from an ordinary exit. */
export const hasHungCalls = (): boolean => hung.size > 0;

const forget = async (path: string, call: Promise<unknown>): Promise<void> => {
  await call.catch(() => undefined);
  hung.delete(path);
};

/**
 * Runs `ask`, one file system call, with a deadline. A path with a hanging call gets no second one, and after
 * three hanging calls no other begins, because the ledger and the engine need the last thread.
 * @throws DiskHangs after the deadline, or at once if such a call already hangs; the signal's reason; what
 * `ask` throws
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
