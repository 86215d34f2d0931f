import { dirname } from 'node:path';
import { runCommand } from './command.ts';

/** `libc.so.6 => /lib/…/libc.so.6 (0x…)`, and the loader alone: `/lib64/ld-linux-x86-64.so.2 (0x…)`. */
export const librariesOf = async (program: string): Promise<readonly string[]> => {
  const { stdout, stderr } = await runCommand('ldd', [program]);
  if (stdout.includes('not found') || !stdout.includes('ld-linux'))
    throw new Error(`ldd ${program}: ${stdout}${stderr}`);
  return [...stdout.matchAll(/(?:^\s*|=> )(\/\S+) \(0x/gm)].map((match) => match[1] ?? '').toSorted();
};

/** Every folder that these paths need, parents first. */
export const foldersOf = (paths: readonly string[]): readonly string[] => {
  const parentsOf = (path: string): readonly string[] =>
    path === '/' || path === '.' ? [] : [...parentsOf(dirname(path)), path];
  return [...new Set(paths.flatMap((path) => parentsOf(dirname(path))))];
};
