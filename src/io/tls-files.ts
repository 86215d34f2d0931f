import { readFile } from 'node:fs/promises';
import { readNamedFile } from './input-file.ts';

/** The bundle of all public authorities has about 250 kB. */
const MAX_BYTES = 4 * 1024 ** 2;

/** Paths of PEM files. */
export interface TlsFiles {
  /** Replaces the authorities of Node. */
  readonly ca?: string | undefined;
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
}

/** PEM texts, under got's names. */
export interface TlsMaterial {
  readonly certificateAuthority?: string | string[];
  readonly certificate?: string | string[];
  readonly key?: string | string[];
}

type Read = (path: string, file: keyof TlsFiles) => Promise<string>;

const materialOf = async ({ ca, clientCert, clientKey }: TlsFiles, read: Read): Promise<TlsMaterial> => ({
  ...(ca !== undefined && { certificateAuthority: await read(ca, 'ca') }),
  ...(clientCert !== undefined && { certificate: await read(clientCert, 'clientCert') }),
  ...(clientKey !== undefined && { key: await read(clientKey, 'clientKey') }),
});

/** Reads a file that a command's option names, which may be a pipe. @throws what `fault` makes of an error */
export const readPem = async (
  path: string,
  fault: (path: string, error: unknown) => Error,
): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fault(path, error);
  }
};

/** Like `readPem`, for several files. */
export const readTlsFiles = (files: TlsFiles, fault: Parameters<typeof readPem>[1]): Promise<TlsMaterial> =>
  materialOf(files, (path) => readPem(path, fault));

const VARIABLES: Readonly<Record<keyof TlsFiles, string>> = {
  ca: 'SUPERCARGO_CA',
  clientCert: 'SUPERCARGO_CLIENT_CERT',
  clientKey: 'SUPERCARGO_CLIENT_KEY',
};

/**
 * The agent reads these small files for every request, so that a renewed certificate works at the next one.
 * @throws AgentError CREDENTIALS with the variable that names the file
 */
export const readAgentTlsFiles = (files: TlsFiles, signal: AbortSignal): Promise<TlsMaterial> =>
  materialOf(files, (path, file) => readNamedFile(path, VARIABLES[file], MAX_BYTES, signal));
