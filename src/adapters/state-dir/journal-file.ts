import { open, rename, type FileHandle } from 'node:fs/promises';
import { format, parse } from 'node:path';
import type { AppendResult, Journal, JournalEntry } from '../../core/ports/journal.ts';
import { stateDirError } from './state-dir-error.ts';

export interface JournalOptions {
  readonly path: string;
  /** A file that would grow beyond this is renamed first; one old file is kept. */
  readonly maxBytes?: number;
}

const MODE = 0o640;
const LINE_END = 0x0a;

/** `history.jsonl` → `history.1.jsonl`, beside it. */
const oldPathOf = (path: string): string => {
  const { dir, name, ext } = parse(path);
  return format({ dir, name: `${name}.1`, ext });
};

/** A killed writer or a full disk leaves half a line, which the next entry must not continue. */
const endsInLine = async (file: FileHandle, size: number): Promise<boolean> => {
  if (size === 0) return true;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 && buffer[0] === LINE_END;
};

/** Returns false if the line must go to a new file. */
const appendLine = async (path: string, line: string, maxBytes: number): Promise<boolean> => {
  const file = await open(path, 'a+', MODE);
  try {
    const { size } = await file.stat();
    if (size > 0 && size + Buffer.byteLength(line) > maxBytes) return false;
    await file.appendFile((await endsInLine(file, size)) ? line : `\n${line}`);
    return true;
  } finally {
    await file.close();
  }
};

const isEntry = (value: unknown): value is JournalEntry =>
  typeof value === 'object' &&
  value !== null &&
  'at' in value &&
  typeof value.at === 'string' &&
  'event' in value &&
  typeof value.event === 'string';

const parseLine = (line: string): readonly JournalEntry[] => {
  try {
    const value: unknown = JSON.parse(line);
    return isEntry(value) ? [value] : [];
  } catch {
    return [];
  }
};

interface Content {
  readonly inode: number;
  readonly text: string;
}

const readContent = async (path: string): Promise<Content | undefined> => {
  try {
    const file = await open(path, 'r');
    try {
      return { inode: (await file.stat()).ino, text: await file.readFile('utf8') };
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw stateDirError(error, `read ${path}`);
  }
};

/** The writer may be another process, which can rename the current file before the old file is opened. */
const readBoth = async (path: string): Promise<string> => {
  const current = await readContent(path);
  const old = await readContent(oldPathOf(path));
  const isSame = current !== undefined && current.inode === old?.inode;
  return isSame
    ? `${old?.text ?? ''}\n${(await readContent(path))?.text ?? ''}`
    : `${old?.text ?? ''}\n${current?.text ?? ''}`;
};

export const createJournal = ({ path, maxBytes = 1024 * 1024 }: JournalOptions): Journal => {
  const state: { last: Promise<unknown> } = { last: Promise.resolve() };
  const write = async (entry: JournalEntry): Promise<AppendResult> => {
    try {
      const line = `${JSON.stringify(entry)}\n`;
      if (!(await appendLine(path, line, maxBytes))) {
        await rename(path, oldPathOf(path));
        await appendLine(path, line, maxBytes);
      }
      return { ok: true };
    } catch (error) {
      return { ok: false, error: stateDirError(error, `write ${path}`) };
    }
  };
  return {
    append: (entry) => {
      const result = state.last.then(() => write(entry));
      state.last = result;
      return result;
    },
    read: async (limit = Number.POSITIVE_INFINITY) => {
      const entries = (await readBoth(path)).split('\n').flatMap(parseLine);
      return limit >= entries.length ? entries : entries.slice(entries.length - Math.max(0, limit));
    },
  };
};
