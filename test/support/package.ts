import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { eventually } from './poll.ts';
import { runFolder } from './run-folder.ts';

const root = join(import.meta.dirname, '..', '..');

/** Builds the Debian package into a folder, as `npm run package` does. Resolves with its path. */
export const buildPackage = async (
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const script = join(root, 'packaging', 'package.ts');
  const result = await runCommand(process.execPath, [script, '--out', folder], {
    env: { ...process.env, ...env },
    cwd: folder,
    timeoutMs: 280_000,
  });
  const name = /^(supercargo_\S+\.deb):/m.exec(result.stdout)?.[1];
  if (result.code !== 0 || name === undefined)
    throw new Error(`no package: ${result.stdout}${result.stderr}`);
  return join(folder, name);
};

/** The package of this run: the test file that asks first builds it, which takes a processor half a minute. */
export const packageOfRun = async (): Promise<string> => {
  const folder = join(runFolder(), 'package');
  const isFirst = await mkdir(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      return false;
    },
  );
  if (isFirst) return buildPackage(folder);
  const built = async (): Promise<string | undefined> =>
    (await readdir(folder)).find((name) => name.endsWith('.deb'));
  const name = await eventually(built, {
    deadlineMs: 280_000,
    everyMs: 500,
    describe: () => 'another test file builds the package',
  });
  return join(folder, name);
};
