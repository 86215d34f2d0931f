import { readFile } from 'node:fs/promises';
import { AgentError } from '../../core/errors.ts';

export interface TlsFiles {
  /** SUPERCARGO_CA: replaces the system's authorities. */
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

export interface TlsMaterial {
  readonly certificateAuthority?: string;
  readonly certificate?: string;
  readonly key?: string;
}

const readPem = async (path: string, variable: string, signal: AbortSignal): Promise<string> => {
  try {
    return await readFile(path, { encoding: 'utf8', signal });
  } catch (error) {
    signal.throwIfAborted();
    const advice = `let the agent read it, or correct ${variable}`;
    throw new AgentError('CREDENTIALS', `the file ${path} cannot be read`, { advice, cause: error });
  }
};

/**
 * Reads what is named, for every fetch: three small files, and a renewed certificate works at the next poll.
 * @throws AgentError CREDENTIALS where a file cannot be read.
 */
export const readTlsFiles = async (files: TlsFiles, signal: AbortSignal): Promise<TlsMaterial> => ({
  ...(files.ca !== undefined && { certificateAuthority: await readPem(files.ca, 'SUPERCARGO_CA', signal) }),
  ...(files.clientCert !== undefined && {
    certificate: await readPem(files.clientCert, 'SUPERCARGO_CLIENT_CERT', signal),
  }),
  ...(files.clientKey !== undefined && {
    key: await readPem(files.clientKey, 'SUPERCARGO_CLIENT_KEY', signal),
  }),
});
