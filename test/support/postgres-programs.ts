import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandOptions, type User, runCommand } from './command.ts';

const VERSIONS = '/usr/lib/postgresql';

/** A server program of the newest version that Debian's packages installed, as `initdb`. */
export const postgresProgram = (name: string): string => {
  const [newest] = readdirSync(VERSIONS).toSorted((a, b) => Number(b) - Number(a));
  if (newest === undefined)
    throw new Error(`there is no PostgreSQL below ${VERSIONS}: npm run test:unit installs it`);
  return join(VERSIONS, newest, 'bin', name);
};

/** @throws with what it wrote when it fails. */
export const runOrThrow = async (
  file: string,
  words: readonly string[],
  options: CommandOptions = {},
): Promise<string> => {
  const { code, stdout, stderr } = await runCommand(file, words, options);
  if (code !== 0) throw new Error(`${file} ${words.join(' ')}: ${stderr || stdout}`);
  return stdout;
};

const idOf = async (user: string, flag: '-u' | '-g'): Promise<number> =>
  Number(await runOrThrow('id', [flag, user]));

/**
 * The programs refuse to run as root: then as Debian's user `postgres`; otherwise as ourselves (undefined).
 */
export const postgresUser = async (): Promise<User | undefined> =>
  process.getuid?.() === 0
    ? { uid: await idOf('postgres', '-u'), gid: await idOf('postgres', '-g') }
    : undefined;
