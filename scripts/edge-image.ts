/**
 * npm run edge-image -- NAME:TAG
 * builds an edge image from Debian's haproxy package, loads it into the engine, and pushes it when NAME starts
 * with a registry (HOST/… or HOST:PORT/…)
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type Docker from 'dockerode';
import { createRegistryCredentials } from '../src/adapters/registry-credentials/registry-credentials.ts';
import { messageOf } from '../src/core/errors.ts';
import { type ImageReference, parseImage } from '../src/core/image/reference.ts';
import { buildEdgeImage } from '../test/support/edge-image.ts';
import { ensureEngine } from '../test/support/engine.ts';
import { loadImage } from '../test/support/images.ts';

const say = (line: string): void => console.log(`» ${line}`);

/** The registry's own digest. @throws with the error line of the stream. */
const push = async (docker: Docker, name: string, { repository, tag }: ImageReference): Promise<string> => {
  const credentials = createRegistryCredentials({
    dockerConfigDir: process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'),
    path: process.env['PATH'] ?? '',
    home: homedir(),
  });
  const authconfig = (await credentials.for(repository, AbortSignal.timeout(30_000))) ?? {};
  const image = docker.getImage(name.slice(0, name.length - (tag ?? '').length - 1));
  const progress = await text(await image.push({ tag, authconfig }));
  const failure = progress.split('\n').find((line) => line.includes('"error"'));
  if (failure !== undefined) throw new Error(`cannot push ${name}: ${failure.trim()}`);
  return /digest: (sha256:[0-9a-f]{64})/.exec(progress)?.[1] ?? '';
};

const hasRegistry = (name: string): boolean => /^(?:localhost|[^/]*[.:][^/]*)\//.test(name);

const usage = 'usage: npm run edge-image -- NAME:TAG, for example registry.example.com/org/edge:2.6';

const main = async (): Promise<void> => {
  const [name = '', ...more] = parseArgs({ allowPositionals: true }).positionals;
  const reference = name === '' || more.length > 0 ? undefined : parseImage(name);
  if (reference?.tag === undefined || reference.digest !== undefined) throw new Error(usage);
  const content = await buildEdgeImage();
  const bytes = content.layers.reduce((sum, { plain }) => sum + plain.bytes.length, 0);
  const engine = await ensureEngine({ say });
  try {
    const id = await loadImage(engine.docker, [name], content);
    say(`loaded ${name} (${(bytes / 1e6).toFixed(1)} MB, ${id})`);
    if (hasRegistry(name)) say(`pushed ${name}@${await push(engine.docker, name, reference)}`);
    else say(`${name} names no registry: it is only in this engine`);
  } finally {
    await engine.release();
  }
};

await main().catch((error: unknown) => {
  console.error(`error: ${messageOf(error)}`);
  process.exitCode = 1;
});
