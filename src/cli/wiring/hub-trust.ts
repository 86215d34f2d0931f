import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../core/errors.ts';
import type { Trust } from '../../core/manifest/manifest.ts';
import { readTrustFile } from './host-files.ts';

export interface HubTrustOptions {
  /** `--trust`; undefined for `trust.json` in the hub's folder. */
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
 * Reads the trust file at each call. Resolves to undefined if the hub never had one. A file that vanishes is
 * an error, because without it the hub would accept unsigned manifests.
 * @throws AgentError TRUST
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
