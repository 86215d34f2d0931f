import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../core/errors.ts';
import type { Trust } from '../../core/manifest/manifest.ts';
import { readTrustFile } from './host-files.ts';

export interface HubTrustOptions {
  /** `--trust`. */
  readonly file: string | undefined;
  /** The hub's folder. */
  readonly data: string;
}

export const TRUST_FILE = 'trust.json';

const isThere = async (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    (error: unknown) => (error as NodeJS.ErrnoException).code !== 'ENOENT',
  );

/**
 * Reads the trust file at each call: the one that was named, else `trust.json` in the hub's folder.
 * Undefined: there is none. One that was there may not vanish: without it the hub would take what nobody
 * signed.
 */
export const createHubTrust = ({ file, data }: HubTrustOptions): (() => Promise<Trust | undefined>) => {
  const path = file ?? join(data, TRUST_FILE);
  const known = { wasThere: file !== undefined };
  return async () => {
    known.wasThere ||= await isThere(path);
    if (!known.wasThere) return undefined;
    const read = await readTrustFile(path);
    if (read.kind === 'problem')
      throw new AgentError('TRUST', read.problem.message, { advice: read.problem.advice });
    return read.kind === 'trust' ? read.trust : undefined;
  };
};
