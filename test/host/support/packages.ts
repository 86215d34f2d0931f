import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackage } from '../../support/package.ts';
import { runCommand } from '../../support/command.ts';

const must = async (folder: string, program: string, ...args: readonly string[]): Promise<void> => {
  const { code, stderr } = await runCommand(program, args, { cwd: folder });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`);
};

/** A package with a lower version, so that dpkg takes the other one for its upgrade. Only the control file is packed again. */
const makePrevious = async (source: string, target: string): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-previous-'));
  try {
    await copyFile(source, target);
    await must(folder, 'dpkg-deb', '--control', source, 'control');
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
 * Puts `new.deb` and `previous.deb` into a folder. SUPERCARGO_PACKAGE is tested instead of a package made of this checkout;
 * SUPERCARGO_PREVIOUS_PACKAGE, a package of an older commit, is what the host runs before the upgrade.
 */
export const makePackages = async (folder: string): Promise<void> => {
  const newer = join(folder, 'new.deb');
  const given = process.env['SUPERCARGO_PACKAGE'] ?? (await buildPackage(folder));
  await copyFile(given, newer);
  await makePrevious(process.env['SUPERCARGO_PREVIOUS_PACKAGE'] ?? newer, join(folder, 'previous.deb'));
};
