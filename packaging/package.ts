/**
 * npm run package                  packaging/out/supercargo_VERSION_ARCHITECTURE.deb
 * npm run package -- --revision 2  the same version, packaged again: supercargo_VERSION-2_ARCHITECTURE.deb
 * npm run package -- --out FOLDER  into another folder
 * The same source gives the same bytes. Nothing is downloaded.
 */
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundle } from '../scripts/build.ts';
import { VERSION } from '../src/cli/version.ts';
import { architecture, type Release } from './deb/release.ts';
import { run } from './deb/run.ts';
import { sourceDate } from './deb/source-date.ts';
import { writeTree } from './deb/tree.ts';

const root = join(import.meta.dirname, '..');

/**
 * Every dpkg opens xz, and lintian refuses zstd. Higher levels take up to ten times as long for a sixth of
 * the size. One thread, since the bytes depend on their number.
 */
const COMPRESSION = ['-Zxz', '-z0', '--threads-max=1'];

/** @throws where a program fails, a file of the package is missing or a bundled module has no licence. */
const buildPackage = async (outFolder: string, revision: string | undefined): Promise<string> => {
  const release: Release = {
    version: revision === undefined ? VERSION : `${VERSION}-${revision}`,
    architecture: architecture(),
    date: await sourceDate(root),
  };
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-package-'));
  try {
    const tree = join(folder, 'tree');
    await writeTree(tree, root, release, await buildBundle());
    const name = `supercargo_${release.version}_${release.architecture}.deb`;
    const built = join(folder, name);
    await run('dpkg-deb', ['--root-owner-group', ...COMPRESSION, '--build', tree, built], {
      SOURCE_DATE_EPOCH: String(release.date.getTime() / 1000),
    });
    await mkdir(outFolder, { recursive: true });
    // The folders may be on different file systems: a copy beside the target, then a rename, so that no
    // program sees half a file.
    const target = join(outFolder, name);
    await run('cp', [built, `${target}.new`]);
    await rename(`${target}.new`, target);
    return target;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const { values } = parseArgs({ options: { revision: { type: 'string' }, out: { type: 'string' } } });
const { revision, out = join(root, 'packaging', 'out') } = values;
if (revision !== undefined && !/^[0-9][0-9A-Za-z.+~]*$/.test(revision))
  throw new Error(`"${revision}" is no revision: write a number, for example --revision 2`);
const path = await buildPackage(resolve(out), revision);
const { size } = await stat(path);
console.log(`${relative(process.cwd(), path)}: ${(size / 1e6).toFixed(1)} MB`);
