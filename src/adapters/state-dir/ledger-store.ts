import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readFile, rename, stat } from 'node:fs/promises';
import { jsonFault } from '../../core/parse-fault.ts';
import type { LedgerRead, LedgerStore } from '../../core/ports/ledger-store.ts';
import { emptyLedger, type Ledger } from '../../core/state/ledger.ts';
import { replaceFile } from '../../io/durable-file.ts';
import { stateDirError } from './state-dir-error.ts';

/** The ledger holds resolved specs, and with them the environment variables of every service. */
const MODE = 0o600;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Covers all other members as they stand in the file, because a file that we did not write may have any
 * shape.
 */
const checksumOf = (members: object): string =>
  createHash('sha256').update(JSON.stringify(members)).digest('hex');

/** Accepts only a complete ledger that we wrote. */
const parseLedger = (text: string, environment: string): LedgerRead => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: 'unreadable', message: `it is ${jsonFault(error)}` };
  }
  if (!isRecord(value) || value['apiVersion'] !== 'supercargo/ledger/v1') {
    return { kind: 'unreadable', message: 'it is not a ledger of this version' };
  }
  const { sha256, ...members } = value;
  if (sha256 !== checksumOf(members)) {
    return { kind: 'unreadable', message: 'it is damaged, or was changed by hand: its checksum is wrong' };
  }
  // Checked after the checksum: a flipped bit in the name means a damaged ledger, which `recover` may set
  // aside.
  const other = members['environment'];
  if (other !== environment) return { kind: 'foreign', environment: JSON.stringify(other) };
  // Every reader treats absent members as undefined ones.
  return { kind: 'ok', ledger: { ...emptyLedger(environment), ...(members as unknown as Ledger) } };
};

/** A pipe never ends, and a device has no size; a ledger of a thousand services has some megabytes. */
const MAX_BYTES = 256 * 1024 ** 2;

const faultOf = (info: Stats): string | undefined => {
  if (info.isDirectory()) return 'it is a folder';
  if (!info.isFile()) return 'it is not a regular file';
  return info.size > MAX_BYTES ? 'it is larger than 256 MiB' : undefined;
};

export const createLedgerStore = (path: string, environment: string): LedgerStore => ({
  path,
  read: async () => {
    try {
      const fault = faultOf(await stat(path));
      if (fault !== undefined) return { kind: 'unreadable', message: fault };
      return parseLedger(await readFile(path, 'utf8'), environment);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ENOENT') return { kind: 'missing' };
      throw stateDirError(error, `read ${path}`);
    }
  },
  write: async (ledger) => {
    const text = `${JSON.stringify({ ...ledger, sha256: checksumOf(ledger) })}\n`;
    try {
      await replaceFile(path, text, { mode: MODE });
    } catch (error) {
      throw stateDirError(error, `write ${path}`);
    }
  },
  setAside: async (suffix) => {
    const aside = `${path}.${suffix}`;
    try {
      await rename(path, aside);
      return aside;
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined;
      throw stateDirError(error, `rename ${path}`);
    }
  },
});
