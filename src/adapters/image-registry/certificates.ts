import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../core/errors.ts';
import { isAbsent } from '../../io/durable-file.ts';
import { readPem, type TlsMaterial } from '../../io/tls-files.ts';

export interface Certificates {
  readonly tls: TlsMaterial;
  /** The problem of a file that was left out; it matters only if the registry cannot be reached. */
  readonly problem: string | undefined;
}

const unreadable = (path: string, error: unknown): Error =>
  new Error(`let this user read ${path}: ${reasonOf(error)}`);

const readFolder = async (folder: string, names: readonly string[]): Promise<Certificates> => {
  const [ca, cert, key]: [string[], string[], string[]] = [[], [], []];
  let problem: string | undefined;
  const read = (name: string): Promise<string> => readPem(join(folder, name), unreadable);
  for (const name of names) {
    try {
      if (name.endsWith('.crt')) ca.push(await read(name));
      if (!name.endsWith('.cert')) continue;
      const keyName = `${name.slice(0, -'.cert'.length)}.key`;
      if (!names.includes(keyName))
        throw new Error(`${join(folder, name)} needs its key: ${join(folder, keyName)}`);
      const pair = [await read(name), await read(keyName)] as const;
      cert.push(pair[0]);
      key.push(pair[1]);
    } catch (error) {
      problem ??= (error as Error).message;
    }
  }
  // Like docker, trusts these authorities in addition to the public ones.
  const known = ca.length === 0 ? [] : (await import('node:tls')).default.getCACertificates('default');
  const tls = {
    ...(ca.length > 0 && { certificateAuthority: [...known, ...ca] }),
    ...(cert.length > 0 && { certificate: cert, key }),
  };
  return { tls, problem };
};

/**
 * Reads the certificates for a registry from docker's folders: FOLDER/HOST:PORT/ has authorities (`*.crt`),
 * and client certificates with their keys (`NAME.cert`, `NAME.key`). The first folder that has the registry
 * counts.
 */
export const readCertificates = async (
  folders: readonly string[],
  registry: string,
): Promise<Certificates> => {
  for (const folder of folders) {
    const path = join(folder, registry);
    try {
      return await readFolder(path, (await readdir(path)).toSorted());
    } catch (error) {
      if (!isAbsent(error)) return { tls: {}, problem: unreadable(path, error).message };
    }
  }
  return { tls: {}, problem: undefined };
};
