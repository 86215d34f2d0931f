import { readFileSync } from 'node:fs';
import { runCommand } from './command.ts';
import { type ImageContent, imageOf, layerOf } from './image-content.ts';
import { foldersOf, librariesOf } from './program-files.ts';
import type { TarEntry } from './tar.ts';

const PROGRAM = '/usr/sbin/haproxy';

/** Debian's own haproxy: the program and its shared libraries on scratch, at the paths of the official image. */
export const buildEdgeImage = async (): Promise<ImageContent> => {
  const files: readonly TarEntry[] = [
    { path: '/usr/local/sbin/haproxy', content: readFileSync(PROGRAM), mode: 0o755 },
    ...(await librariesOf(PROGRAM)).map((path) => ({ path, content: readFileSync(path), mode: 0o755 })),
    { path: '/etc/passwd', content: 'root:x:0:0:root:/:/\nhaproxy:x:99:99:haproxy:/:/\n' },
    { path: '/etc/group', content: 'root:x:0:\nhaproxy:x:99:\n' },
  ];
  const folders = foldersOf([...files.map(({ path }) => path), '/edge/config/-', '/edge/run/-']);
  const entries = [...folders.map((path) => ({ path: `${path}/` })), ...files];
  const layer = layerOf(entries.map((entry) => ({ ...entry, path: entry.path.slice(1) })));
  const { stdout } = await runCommand(PROGRAM, ['-v']);
  const version = /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
  const config = {
    Env: ['PATH=/usr/local/sbin'],
    Cmd: ['haproxy', '-W', '-db', '-f', '/usr/local/etc/haproxy/haproxy.cfg'],
    StopSignal: 'SIGUSR1',
    Labels: { 'org.opencontainers.image.version': version },
  };
  return imageOf(config, [layer]);
};
