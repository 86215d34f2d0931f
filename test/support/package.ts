import { join } from 'node:path';
import { runCommand } from './command.ts';

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
