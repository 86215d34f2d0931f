import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError, messageOf } from '../../core/errors.ts';
import type { DocumentStore, StoredDocument, WriteCondition } from '../../core/ports/document-store.ts';

export interface FolderStoreOptions {
  readonly folder: string;
  /** Whole or not at all, and on disk when it settles. */
  readonly writeDurably: (path: string, bytes: Uint8Array) => Promise<void>;
}

const LOCK_WAIT_MS = 10_000;
const LOCK_EVERY_MS = 20;

const versionOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

const storeError = (verb: string, path: string, error: unknown): AgentError =>
  new AgentError('STORE', `cannot ${verb} ${path}: ${messageOf(error)}`, {
    cause: error,
    advice: 'check --to, and that this user may read and write there',
  });

/**
 * One writer at a time on this machine: an abstract unix socket (unix(7)), which the kernel frees when its
 * process ends, however that ends. Publishers on two machines that share a folder are not kept apart by it.
 */
const withLock = async <T>(folder: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
  const name = `\0supercargo-store/${versionOf(Buffer.from(await realpath(folder))).slice(0, 32)}`;
  const end = performance.now() + LOCK_WAIT_MS;
  let server: Server | undefined;
  while (!server) {
    signal.throwIfAborted();
    const candidate = createServer();
    try {
      candidate.listen(name);
      await once(candidate, 'listening');
      server = candidate;
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || performance.now() > end) throw storeError('lock', folder, error);
      await sleep(LOCK_EVERY_MS, undefined, { signal });
    }
  }
  try {
    return await work();
  } finally {
    const closed = once(server, 'close');
    server.close();
    await closed;
  }
};

const holds = (condition: WriteCondition, current: StoredDocument | undefined): boolean => {
  if (condition.kind === 'absent') return current === undefined;
  return condition.kind === 'none' || current?.version === condition.version;
};

/** A folder of this machine, maybe one that a web server gives out. */
export const createFolderStore = ({ folder, writeDurably }: FolderStoreOptions): DocumentStore => {
  const read = async (path: string): Promise<StoredDocument | undefined> => {
    try {
      const [bytes, { mtimeMs }] = await Promise.all([
        readFile(join(folder, path)),
        stat(join(folder, path)),
      ]);
      return { bytes, version: versionOf(bytes), writtenAtMs: mtimeMs, readAtMs: Date.now() };
    } catch (error) {
      if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes(codeOf(error))) return undefined;
      throw storeError('read', join(folder, path), error);
    }
  };
  return {
    name: folder,
    read: (path) => read(path),
    write: async (path, bytes, condition, signal) => {
      const target = join(folder, path);
      try {
        await mkdir(dirname(target), { recursive: true });
      } catch (error) {
        throw storeError('write', target, error);
      }
      return withLock(folder, signal, async () => {
        if (!holds(condition, await read(path))) return 'refused';
        try {
          await writeDurably(target, bytes);
        } catch (error) {
          throw storeError('write', target, error);
        }
        return 'written';
      });
    },
    list: async (path) => {
      try {
        const entries = await readdir(join(folder, path), { withFileTypes: true });
        return entries.flatMap((e) => (e.isFile() && !e.name.startsWith('.') ? [e.name] : []));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return [];
        throw storeError('list', join(folder, path), error);
      }
    },
    honoursConditions: async () => Promise.resolve(true),
  };
};
