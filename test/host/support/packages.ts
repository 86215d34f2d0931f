import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackage } from '../../support/package.ts';
import { runCommand } from '../../support/command.ts';

const must = async (folder: string, program: string, ...args: readonly string[]): Promise<void> => {
  const { code, stderr } = await runCommand(program, args, { cwd: folder });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`);
};

/** The same package with a lower version: for dpkg the one is an upgrade of the other. Only its control file is packed again. */
const makePrevious = async (newer: string, target: string): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-previous-'));
  try {
    await copyFile(newer, target);
    await must(folder, 'dpkg-deb', '--control', newer, 'control');
    const file = join(folder, 'control', 'control');
    const control = await readFile(file, 'utf8');
    // A tilde sorts before the end (deb-version(7)).
    await writeFile(file, control.replace(/^(Version: .*)$/m, '$1~previous'));
    const owner = ['--owner=0', '--group=0', '--numeric-owner'];
    await must(folder, 'tar', '-C', 'control', ...owner, '-cJf', 'control.tar.xz', '.');
    await must(folder, 'ar', 'r', target, 'control.tar.xz');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/**
 * Puts `new.deb` and `previous.deb` into a folder. SUPERCARGO_PACKAGE is a file to be tested instead of one made of this
 * checkout.
 */
export const makePackages = async (folder: string): Promise<void> => {
  const newer = join(folder, 'new.deb');
  const given = process.env['SUPERCARGO_PACKAGE'] ?? (await buildPackage(folder));
  await copyFile(given, newer);
  await makePrevious(newer, join(folder, 'previous.deb'));
};
