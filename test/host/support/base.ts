import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../support/command.ts';
import { customize, packagesOf, type Suite } from './suites.ts';

/** Where root file systems are kept, about 450 MB each; hosts run there too. Not on an overlay: the engine's own would not work on it. */
export const cacheFolder = process.env['SUPERCARGO_HOST_CACHE'] ?? '/var/cache/supercargo-hosts';

const basesFolder = join(cacheFolder, 'bases');
export const hostsFolder = join(cacheFolder, 'hosts');
/** Another checkout may use another recipe at the same time. */
const UNUSED_MS = 7 * 24 * 3_600_000;
const BUILD_LIMIT_MS = 600_000;

/** Debian as this machine gets it. @throws where its sources are not in deb822 form. */
const mirror = async (): Promise<string> => {
  const file = '/etc/apt/sources.list.d/debian.sources';
  const [, uri] = /^URIs:\s*(\S+)/m.exec(await readFile(file, 'utf8').catch(() => '')) ?? [];
  if (uri === undefined)
    throw new Error(`${file} names no mirror ("URIs: …"): hosts are made of its packages`);
  return uri;
};

const recipeOf = async (suite: Suite): Promise<readonly string[]> => {
  const apt = [
    'APT::Install-Recommends "false"',
    'Acquire::Languages "none"',
    'Acquire::Check-Valid-Until "false"',
  ];
  const unpacked = ['man', 'locale', 'doc'].map((name) => `path-exclude=/usr/share/${name}/*`);
  return [
    '--mode=root',
    '--variant=minbase',
    '--format=directory',
    `--include=${packagesOf(suite).join(',')}`,
    ...apt.map((option) => `--aptopt=${option}`),
    ...[...unpacked, 'force-unsafe-io'].map((option) => `--dpkgopt=${option}`),
    `--customize-hook=${customize(suite)}`,
    suite.name,
    '-',
    `deb ${await mirror()} ${suite.name} main`,
  ];
};

const isThere = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;

/** Of other recipes, and of runs that were killed. A base that is used has the time of that. */
const removeUnused = async (): Promise<void> => {
  for (const name of await readdir(basesFolder)) {
    const { mtimeMs } = await stat(join(basesFolder, name));
    if (Date.now() - mtimeMs > UNUSED_MS) await rm(join(basesFolder, name), { recursive: true });
  }
};

/** A root file system with systemd and an engine, built once for each recipe (half a minute, from the network). Resolves with its folder. */
export const ensureBase = async (suite: Suite, say: (line: string) => void): Promise<string> => {
  const recipe = await recipeOf(suite);
  const key = createHash('sha256').update(recipe.join('\n')).digest('hex').slice(0, 16);
  const name = `${suite.name}-${key}`;
  const base = join(basesFolder, name);
  await mkdir(basesFolder, { recursive: true });
  if (await isThere(base)) {
    await utimes(base, new Date(), new Date());
    return base;
  }
  await removeUnused();
  say(`making a ${suite.name} host in ${base}`);
  const draft = `${base}-${String(process.pid)}`;
  const words = recipe.map((word) => (word === '-' ? draft : word));
  const { code, stderr } = await runCommand('mmdebstrap', words, { timeoutMs: BUILD_LIMIT_MS });
  if (code !== 0) {
    await rm(draft, { recursive: true, force: true });
    throw new Error(`mmdebstrap could not make ${suite.name}:\n${stderr.split('\n').slice(-12).join('\n')}`);
  }
  // Another run may have been quicker: both are the same.
  await rename(draft, base).catch(async () => rm(draft, { recursive: true }));
  return base;
};
