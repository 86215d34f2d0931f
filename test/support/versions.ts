import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
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

const build = async (folder: string): Promise<string> => {
  await checkOut(folder);
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await must(process.execPath, [join(folder, 'scripts', 'build.ts')], folder);
  return join(folder, 'bin', 'supercargo');
};

/** A machine's own program, as a package installs it. */
export interface InstalledProgram {
  readonly path: string;
  /** An upgrade or a downgrade. What runs goes on with the other version until it is started again. */
  readonly install: (version: Version) => Promise<void>;
}

/** Both versions for the tests of a file; the old one is built in some seconds. Resolves with a new program. */
export const useVersions = (): ((version: Version) => Promise<InstalledProgram>) => {
  let folder = '';
  let old = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'supercargo-versions-'));
    old = await build(join(folder, 'old'));
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));
  return async (version) => {
    const path = join(await mkdtemp(join(folder, 'installed-')), 'supercargo');
    const install: InstalledProgram['install'] = async (wanted) => {
      await writeFile(`${path}.new`, `#!/bin/sh\nexec ${wanted === 'old' ? old : supercargo} "$@"\n`);
      await chmod(`${path}.new`, 0o755);
      await rename(`${path}.new`, path);
    };
    await install(version);
    return { path, install };
  };
};
