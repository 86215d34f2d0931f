import { chownSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { demultiplex } from '../../src/adapters/docker/exec.ts';
import { VERSION } from '../../src/cli/version.ts';
import { buildBaseImage } from '../support/base-image.ts';
import { sharedDocker } from '../support/context.ts';
import { loadImage } from '../support/images.ts';
import { FOREIGN_LABEL } from '../support/leftovers.ts';
import { packageOfRun } from '../support/package.ts';
import { eventually } from '../support/poll.ts';
import { tarOf } from '../support/tar.ts';
import { createScene, deployed, service, statusOf, type Scene } from './scenarios/scene.ts';

const USER = 65532;
const BASE = 'supercargo-test/base:1';
const IMAGE = 'supercargo-test/supercargo:1';
const docker = sharedDocker();
const root = join(import.meta.dirname, '..', '..');

/** What `docker build` does with the classic builder. @throws with what it printed. */
const buildImage = async (deb: string): Promise<void> => {
  const context = tarOf([
    { path: 'Dockerfile', content: readFileSync(join(root, 'Dockerfile')) },
    { path: `packaging/out/${basename(deb)}`, content: readFileSync(deb) },
  ]);
  const stream = await docker.buildImage(Readable.from([context]), {
    t: IMAGE,
    buildargs: { BASE },
    forcerm: true,
  });
  const printed = await text(stream);
  if (printed.includes('"error"')) throw new Error(printed);
};

interface Ended {
  readonly code: number;
  readonly printed: string;
}

/** `docker run --rm` with the network of the host. */
const runInImage = async (
  words: readonly string[],
  binds: readonly string[] = [],
  entrypoint?: string,
): Promise<Ended> => {
  const container = await docker.createContainer({
    Image: IMAGE,
    Cmd: [...words],
    ...(entrypoint !== undefined && { Entrypoint: [entrypoint] }),
    HostConfig: { NetworkMode: 'host', Binds: [...binds] },
  });
  try {
    await container.start();
    const { StatusCode: code } = (await container.wait()) as { StatusCode: number };
    const printed = demultiplex(await container.logs({ stdout: true, stderr: true }));
    return { code, printed };
  } finally {
    await container.remove({ force: true });
  }
};

/** The agent in a container, as packaging/README.md says: the engine's socket, and the host's folders at their own paths. */
const startAgent = async (scene: Scene, labels: Readonly<Record<string, string>> = {}): Promise<string> => {
  const socket = (scene.env['DOCKER_HOST'] ?? '').replace('unix://', '');
  for (const path of ['.', ...readdirSync(scene.folder, { recursive: true, encoding: 'utf8' })])
    chownSync(join(scene.folder, path), USER, USER);
  const env = Object.entries(scene.env).filter(([name]) => name !== 'PATH' && name !== 'HOME');
  const container = await docker.createContainer({
    name: `${scene.environment}-agent`,
    Image: IMAGE,
    Cmd: ['run'],
    Env: env.map(([name, value]) => `${name}=${value}`),
    Labels: { [FOREIGN_LABEL]: scene.environment, ...labels },
    HostConfig: {
      NetworkMode: 'host',
      GroupAdd: [String(statSync(socket).gid)],
      Binds: [`${scene.folder}:${scene.folder}`, `${socket}:${socket}`],
    },
  });
  await container.start();
  return container.id;
};

const settledOn = async (scene: Scene, outcomes: Readonly<Record<string, string>>): Promise<void> => {
  const seen = async () => {
    const { status } = await statusOf(scene);
    return Object.fromEntries(status.services.map((s) => [s.service, s.reason ?? s.outcome]));
  };
  await eventually(async () => isDeepStrictEqual(await seen(), outcomes), {
    describe: async () => JSON.stringify((await statusOf(scene)).status),
  });
};

const lifeOf = async (id: string): Promise<unknown> => {
  const { Id, State, Name } = await docker.getContainer(id).inspect();
  return { id: Id, name: Name, state: State.Status, startedAt: State.StartedAt };
};

beforeAll(async () => {
  await loadImage(docker, [BASE], await buildBaseImage());
  await buildImage(await packageOfRun());
}, 300_000);

describe('the image', () => {
  it('runs the program, as somebody without rights', async () => {
    expect(await runInImage(['--version'])).toEqual({ code: 0, printed: `${VERSION}\n` });
    const { printed } = await runInImage(['-u'], [], '/bin/id');
    expect(printed.trim()).toBe(String(USER));
  });

  it('explains itself when nothing is asked of it', async () => {
    const { code, printed } = await runInImage([]);
    expect({ code, usage: printed.includes('Usage: supercargo') }).toEqual({ code: 0, usage: true });
  });

  it('publishes', async () => {
    const scene = await createScene();
    const image = await scene.push('1.0.0');
    const work = join(scene.folder, 'work');
    mkdirSync(work);
    chownSync(work, USER, USER);
    const binds = [`${work}:/work`];
    expect(await runInImage(['keygen', 'jenkins', '--out', '/work'], binds)).toMatchObject({ code: 0 });
    const words = [
      'publish',
      'staging',
      `web=${image.ref}`,
      '--to',
      '/work/store',
      '--key',
      '/work/jenkins.key',
    ];
    expect(await runInImage(words, binds)).toMatchObject({ code: 0 });
    const written = readFileSync(join(work, 'store', 'manifests', 'staging.json'), 'utf8');
    const { payload } = JSON.parse(written) as { payload: string };
    expect(Buffer.from(payload, 'base64').toString('utf8')).toContain(image.digest);
  });
});

describe('an agent in a container', () => {
  it('deploys, and leaves the container alone that it runs in, where `replaces` names it', async () => {
    const scene = await createScene();
    const image = await scene.push('1.0.0');
    const other = await scene.push('1.0.0', undefined, 'agent');
    const own = service('agent', [
      `image: ${scene.repository('agent')}`,
      `x-supercargo: {replaces: ${scene.environment}-agent}`,
    ]);
    await scene.compose(scene.web([scene.ports], own));
    await scene.publish({ web: image.pinned, agent: other.pinned });
    const id = await startAgent(scene);
    const before = await lifeOf(id);
    await settledOn(scene, { agent: 'self', web: 'converged' });
    expect(await lifeOf(id)).toEqual(before);
  });

  it('is no service of its own, whatever its labels say', async () => {
    const scene = await createScene();
    await deployed(scene);
    const id = await startAgent(scene, {
      'io.supercargo.environment': scene.environment,
      'io.supercargo.service': 'gone',
      'io.supercargo.replica': '1',
      'io.supercargo.release': 'f00d'.repeat(16),
      'io.supercargo.serial': '1',
      'io.supercargo.version': '1',
    });
    const before = await lifeOf(id);
    await settledOn(scene, { web: 'converged' });
    expect(await lifeOf(id)).toEqual(before);
  });
});
