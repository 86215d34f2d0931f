import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { AgentError, reasonOf } from '../core/errors.ts';
import { DiskHangs, withinDeadline } from './disk-wait.ts';

/** Why a file cannot be read. `message` completes "FILE …" and quotes nothing from the file. */
export type Unread =
  | { readonly kind: 'missing' }
  /** The file exists, but this user may not read it. */
  | { readonly kind: 'unreadable' }
  /** `hangs` means that the file system does not answer. */
  | { readonly kind: 'unusable'; readonly message: string; readonly hangs?: true };

export type InputFile = { readonly kind: 'bytes'; readonly bytes: Buffer } | Unread;

/** Without O_NONBLOCK, opening a FIFO without a writer, or some devices, never returns. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;
const CHUNK_BYTES = 65_536;

const NO_FILE: Unread = { kind: 'unusable', message: 'is not a regular file' };

const sizeText = (bytes: number): string =>
  bytes % 1024 ** 2 === 0 ? `${String(bytes / 1024 ** 2)} MiB` : `${String(bytes / 1024)} KiB`;

const tooLarge = (maxBytes: number): Unread => ({
  kind: 'unusable',
  message: `is larger than ${sizeText(maxBytes)}`,
});

/** Translates a file system error. Leaves out the path, which may hold the value of a variable. */
export const unreadOf = (error: unknown): Unread => {
  if (error instanceof DiskHangs)
    return { kind: 'unusable', message: 'cannot be read: its disk does not answer', hangs: true };
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
  if (code === 'EACCES' || code === 'EPERM') return { kind: 'unreadable' };
  // A socket, or a device that does not exist.
  if (code === 'ENXIO') return NO_FILE;
  return { kind: 'unusable', message: `cannot be read: ${reasonOf(error)}` };
};

/**
 * Reads to the end, because files in /proc have size 0. A byte above the limit shows a file that is too
 * large.
 */
const readToEnd = async (file: FileHandle, maxBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for (let length = 0; length <= maxBytes;) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, maxBytes + 1 - length));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, length);
    if (bytesRead === 0) break;
    chunks.push(chunk.subarray(0, bytesRead));
    length += bytesRead;
  }
  return Buffer.concat(chunks);
};

const readWhole = async (path: string, maxBytes: number): Promise<InputFile> => {
  const file = await open(path, FLAGS);
  try {
    const info = await file.stat();
    if (!info.isFile()) return NO_FILE;
    if (info.size > maxBytes) return tooLarge(maxBytes);
    const bytes = await readToEnd(file, maxBytes);
    return bytes.length > maxBytes ? tooLarge(maxBytes) : { kind: 'bytes', bytes };
  } finally {
    await file.close();
  }
};

/**
 * Reads at most `maxBytes` of a regular file, within a deadline: other programs write it, and its path may
 * lead to a FIFO, a device, a folder or a hanging mount. Failures are values.
 * @throws only the signal's reason
 */
export const readInputFile = async (
  path: string,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<InputFile> => {
  signal?.throwIfAborted();
  try {
    return await withinDeadline(path, () => readWhole(path, maxBytes), signal);
  } catch (error) {
    signal?.throwIfAborted();
    return unreadOf(error);
  }
};

/** The same, synchronously, for files that a program reads at its start; a hanging mount blocks it. */
export const readInputFileNow = (path: string, maxBytes: number): InputFile => {
  try {
    const file = openSync(path, FLAGS);
    try {
      if (!fstatSync(file).isFile()) return NO_FILE;
      const buffer = Buffer.alloc(maxBytes + 1);
      let length = 0;
      for (let got = -1; got !== 0 && length < buffer.length; length += got)
        got = readSync(file, buffer, length, buffer.length - length, length);
      if (length > maxBytes) return tooLarge(maxBytes);
      return { kind: 'bytes', bytes: buffer.subarray(0, length) };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return unreadOf(error);
  }
};

/** The reason, which completes "FILE …". */
export const unreadText = (unread: Unread): string => {
  switch (unread.kind) {
    case 'missing':
      return 'does not exist';
    case 'unreadable':
      return 'may not be read';
    case 'unusable':
      return unread.message;
  }
};

/** Reads a file that a variable names. @throws AgentError CREDENTIALS, which quotes nothing from the file */
export const readNamedFile = async (
  path: string,
  variable: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<string> => {
  const read = await readInputFile(path, maxBytes, signal);
  if (read.kind === 'bytes') return read.bytes.toString('utf8');
  throw new AgentError('CREDENTIALS', `the file ${path} ${unreadText(read)}`, {
    advice: `let the agent read it, or correct ${variable}`,
  });
};
