import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Bundle } from '../../scripts/build.ts';
import { renderChangelog } from './changelog.ts';
import { MAINTAINER, renderControl } from './control.ts';
import { renderBashCompletion } from './completions.ts';
import { renderCopyright } from './copyright.ts';
import { describeProgram } from './described.ts';
import { renderManual } from './manual.ts';
import { NODE_PACKAGES, type Release } from './release.ts';
import { run } from './run.ts';

const LIBRARY = 'usr/lib/supercargo';
const DOCUMENTS = 'usr/share/doc/supercargo';
const SCRIPTS = ['postinst', 'prerm', 'postrm'] as const;

/** Level 9 and no time of its own: gzip -9n. */
const gzipped = (text: string): Buffer => gzipSync(text, { level: 9 });

/**
 * Writes the folder that dpkg-deb packs: the program, its Node, the units, the documents, and DEBIAN/. Modes
 * are set by us, whatever the umask is; owners are dpkg-deb's to set.
 */
export const writeTree = async (
  tree: string,
  root: string,
  release: Release,
  bundle: Bundle,
): Promise<void> => {
  const put = async (path: string, content: string | Uint8Array, mode = 0o644): Promise<void> => {
    const target = join(tree, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
    await chmod(target, mode);
  };
  const copy = async (from: string, path: string, mode = 0o644): Promise<void> =>
    put(path, await readFile(join(root, from)), mode);

  for (const file of bundle.files) await put(`${LIBRARY}/${basename(file)}`, await readFile(file));
  await putNode(join(tree, LIBRARY, 'node'), join(root, NODE_PACKAGES[release.architecture], 'bin', 'node'));
  await copy('bin/node-flags', `${LIBRARY}/node-flags`);
  await copy('packaging/deb/supercargo.sh', 'usr/bin/supercargo', 0o755);
  for (const unit of ['supercargo.service', 'supercargo@.service'])
    await copy(`systemd/${unit}`, `usr/lib/systemd/system/${unit}`);

  const described = describeProgram();
  await put('usr/share/man/man1/supercargo.1.gz', gzipped(renderManual(described, release)));
  await put('usr/share/bash-completion/completions/supercargo', renderBashCompletion(described));
  await copy('packaging/deb/lintian-overrides', 'usr/share/lintian/overrides/supercargo');
  await copy('systemd/agent.env.example', `${DOCUMENTS}/examples/agent.env`);
  await put(`${DOCUMENTS}/copyright`, await renderCopyright(root, release, bundle.sources));
  await put(
    `${DOCUMENTS}/changelog.gz`,
    gzipped(renderChangelog(await readFile(join(root, 'CHANGELOG.md'), 'utf8'), release, MAINTAINER)),
  );
  for (const script of SCRIPTS) await copy(`packaging/deb/scripts/${script}`, `DEBIAN/${script}`, 0o755);
  await put('DEBIAN/control', renderControl(release, await sizeOf(tree)));
  await run('find', [tree, '-type', 'd', '-exec', 'chmod', '0755', '{}', '+']);
};

/** Without its symbol table: 18 MB that only a debugger of Node itself would miss. */
const putNode = async (target: string, node: string): Promise<void> => {
  await mkdir(dirname(target), { recursive: true });
  await copyFile(node, target);
  await run('strip', ['--strip-unneeded', '--remove-section=.comment', '--remove-section=.note', target]);
  await chmod(target, 0o755);
};

/** In KiB, each file rounded up, as dpkg-gencontrol counts. */
const sizeOf = async (tree: string): Promise<number> => {
  const sizes = await run('find', [
    tree,
    '-path',
    '*/DEBIAN',
    '-prune',
    '-o',
    '-type',
    'f',
    '-printf',
    '%s\n',
  ]);
  return sizes
    .trim()
    .split('\n')
    .reduce((sum, size) => sum + Math.ceil(Number(size) / 1024), 0);
};
