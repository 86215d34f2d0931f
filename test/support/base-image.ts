import { readFileSync } from 'node:fs';
import { type ImageContent, imageOf, layerOf } from './image-content.ts';
import { foldersOf, librariesOf } from './program-files.ts';
import type { TarEntry } from './tar.ts';

/**
 * Stands for Debian's slim image, which no test can pull: Node's libraries from this machine at their own paths, and Debian's busybox, whose
 * shell finds its own dpkg-deb.
 */
export const buildBaseImage = async (): Promise<ImageContent> => {
  const libraries = await librariesOf(process.execPath);
  const files: readonly TarEntry[] = [
    { path: '/bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 },
    ...['sh', 'id'].map((name) => ({ path: `/bin/${name}`, linkTo: 'busybox' })),
    ...libraries.map((path) => ({ path, content: readFileSync(path), mode: 0o755 })),
  ];
  const folders = foldersOf([...files.map(({ path }) => path), '/tmp/-', '/etc/-', '/var/lib/-']);
  const entries = [...folders.map((path) => ({ path: `${path}/` })), ...files];
  const layer = layerOf(entries.map((entry) => ({ ...entry, path: entry.path.slice(1) })));
  return imageOf({ Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] }, [layer]);
};
