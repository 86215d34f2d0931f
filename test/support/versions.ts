import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommand } from './command.ts';
import { supercargo } from './host.ts';

/** `old` is the last commit without turns: during an upgrade its programs meet those of this tree. */
export type Version = 'old' | 'new';
const COMMIT = '630471b1a21468f4b99cb100028afb3e1edcb532';

const root = join(import.meta.dirname, '..', '..');

const run = async (file: string, args: readonly string[], cwd: string): Promise<string | undefined> => {
  const { code, stderr } = await runCommand(file, args, { cwd });
  return code === 0 ? undefined : `${file} ${args.join(' ')}: ${stderr.trim()}`;
};

const must = async (...of: Parameters<typeof run>): Promise<void> => {
  const problem = await run(...of);
  if (problem !== undefined) throw new Error(problem);
};

/** The repository may belong to another user than root, who runs the tests. */
const git = (...args: readonly string[]): readonly string[] => ['-c', `safe.directory=${root}`, ...args];

const checkOut = async (folder: string): Promise<void> => {
  const missing = await run('git', git('cat-file', '-e', `${COMMIT}^{commit}`), root);
  if (missing !== undefined)
    throw new Error(
      `the version before this one (commit ${COMMIT}) is not in this clone: fetch the whole history with ` +
        `\`git fetch --unshallow\` (in CI: a checkout with full depth). ${missing}`,
    );
  await mkdir(folder, { recursive: true });
  const archive = join(folder, 'tree.tar');
  await must('git', git('archive', '--format=tar', '-o', archive, COMMIT), root);
  await must('tar', ['-xf', archive], folder);
  await rm(archive);
};

/** Both versions, built. */
export interface Versions {
  readonly programs: Readonly<Record<Version, string>>;
}

/** Some seconds. The caller removes the folder. @throws if the clone lacks the old commit */
export const buildVersions = async (folder: string): Promise<Versions> => {
  await checkOut(folder);
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await must(process.execPath, [join(folder, 'scripts', 'build.ts')], folder);
  return { programs: { old: join(folder, 'bin', 'supercargo'), new: supercargo } };
};

/** A machine's own program, as a package installs it. */
export interface InstalledProgram {
  readonly path: string;
  /** An upgrade or a downgrade. What runs goes on with the other version until it is started again. */
  readonly install: (version: Version) => Promise<void>;
}

export const installProgram = async (
  { programs }: Versions,
  path: string,
  version: Version,
): Promise<InstalledProgram> => {
  const install: InstalledProgram['install'] = async (wanted) => {
    await writeFile(`${path}.new`, `#!/bin/sh\nexec ${programs[wanted]} "$@"\n`);
    await chmod(`${path}.new`, 0o755);
    await rename(`${path}.new`, path);
  };
  await mkdir(dirname(path), { recursive: true });
  await install(version);
  return { path, install };
};
