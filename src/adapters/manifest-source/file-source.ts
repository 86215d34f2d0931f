import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { AgentError, reasonOf } from '../../core/errors.ts';
import { DOCUMENT_CAP_BYTES } from '../../core/manifest/accept.ts';
import type { Fetched, ManifestSource } from '../../core/ports/manifest-source.ts';
import { DiskHangs, withinDeadline } from '../../io/disk-wait.ts';
import { createLastSeen } from './last-response.ts';

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'publish a manifest there, or correct SUPERCARGO_MANIFEST_URL',
  ENOTDIR: 'correct SUPERCARGO_MANIFEST_URL',
  EACCES: 'let the agent read the file and enter its folders',
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const unreadable = (path: string, reason: string, advice: string, cause?: unknown): Fetched => ({
  kind: 'failed',
  error: new AgentError('MANIFEST_UNREACHABLE', `cannot read ${path}: ${reason}`, {
    retry: 'later',
    advice,
    cause,
  }),
});

/** Reads at most one byte above `size` and above the cap, to see that the file has grown or is too large. */
const readCapped = async (file: FileHandle, size: number): Promise<Uint8Array> => {
  const buffer = Buffer.alloc(Math.min(size, DOCUMENT_CAP_BYTES) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
};

const readManifest = async (path: string): Promise<Fetched> => {
  // Without O_NONBLOCK, opening a pipe without a writer never returns.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = await file.stat();
    if (!before.isFile()) {
      return unreadable(path, 'it is not a file', 'correct SUPERCARGO_MANIFEST_URL: it names one manifest');
    }
    const bytes = await readCapped(file, before.size);
    const after = await file.stat();
    // Half of a YAML manifest can be a valid manifest with fewer services, so a file that changes is refused.
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
      return unreadable(path, 'it changed while it was read', 'write another file and rename it into place');
    }
    return { kind: 'document', bytes };
  } finally {
    await file.close();
  }
};

/** A manifest in a file of this host. Publishers replace it by a rename: no reader sees half of it. */
export const createFileSource = (path: string): ManifestSource => {
  const lastSeen = createLastSeen();
  return {
    fetch: async (signal) => {
      signal.throwIfAborted();
      try {
        const fetched = await withinDeadline(path, () => readManifest(path), signal);
        return fetched.kind === 'document' ? lastSeen.compare(fetched.bytes) : fetched;
      } catch (error) {
        signal.throwIfAborted();
        const code = codeOf(error);
        const reason =
          code === 'ENOENT'
            ? 'no manifest is published there yet'
            : error instanceof DiskHangs
              ? 'its disk does not answer'
              : reasonOf(error);
        return unreadable(path, reason, ADVICE[code] ?? 'check the file and its file system', error);
      }
    },
  };
};
