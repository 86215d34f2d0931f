import { AgentError } from '../../core/errors.ts';
import { readInputFile, unreadText } from '../../io/input-file.ts';

/** The bundle of all public authorities has some 250 kB. */
const MAX_BYTES = 4 * 1024 ** 2;

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
  const read = await readInputFile(path, MAX_BYTES, signal);
  if (read.kind === 'bytes') return read.bytes.toString('utf8');
  const advice = `let the agent read it, or correct ${variable}`;
  throw new AgentError('CREDENTIALS', `the file ${path} ${unreadText(read)}`, { advice });
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
