import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ImageId } from '../../src/core/image/reference.ts';
import type { EngineAction } from '../../src/core/ports/engine.ts';
import type { Container } from '../../src/core/state/actual.ts';
import { codeOf, createAdapterBench, never } from '../support/adapter-bench.ts';
import { runForeign } from '../support/foreign.ts';
import { eventually } from '../support/poll.ts';
import { freePort } from '../support/ports.ts';
import { createOf, releaseOf } from '../support/release-of.ts';

const bench = createAdapterBench();
const { docker, environment, scope, engine, apply, created, started, observed, unique } = bench;

beforeAll(async () => bench.prepare());
afterEach(async () => bench.clean());
afterAll(async () => bench.end());

const startFailure = async (settings: string): Promise<[string, Container]> => {
  const container = await created(settings);
  const code = await codeOf(apply({ kind: 'start', container, release: '' }));
  return [code, await observed(container.name)];
};

describe('what the engine refuses', () => {
  it('is PORT_TAKEN for a port of another container, and of another program', async () => {
    const port = await freePort();
    await runForeign(docker, environment, {
      name: unique(),
      image: bench.image.id,
      ports: { '8888/tcp': port },
    });
    const [code, container] = await startFailure(`network_mode: bridge\nports: ['${String(port)}:8888']`);
    expect([code, container.detail?.startFault]).toEqual(['PORT_TAKEN', undefined]);

    const server = createServer().listen(await freePort());
    const taken = (server.address() as { port: number }).port;
    const [other] = await startFailure(`network_mode: bridge\nports: ['${String(taken)}:8888']`);
    server.close();
    expect(other).toBe('PORT_TAKEN');
  });

  it('is NAME_TAKEN for a name of another container', async () => {
    const { name } = await created('network_mode: none');
    const again = createOf(releaseOf('network_mode: none'), name, { imageId: bench.image.id as ImageId });
    expect(await codeOf(apply(again))).toBe('NAME_TAKEN');
  });

  it('is VOLUME for a bind whose source is missing', async () => {
    const settings = 'network_mode: none\nvolumes: [{type: bind, source: /nothing/here, target: /data}]';
    expect(await codeOf(created(settings))).toBe('VOLUME');
  });

  it('is IMAGE_NOT_FOUND for an image that has left', async () => {
    expect(await codeOf(created('network_mode: none', `sha256:${'4'.repeat(64)}`))).toBe('IMAGE_NOT_FOUND');
  });

  it.each([
    ['no such program', "entrypoint: ['nope']"],
    ['no such file', "entrypoint: ['/nope']"],
    ['not executable', "entrypoint: ['/etc/passwd']"],
    ['no such group', 'group_add: [ghost]'],
  ])('is the fault of the release, now and when looked at: %s', async (_what, settings) => {
    const [code, container] = await startFailure(`network_mode: none\n${settings}`);
    expect(code).toBe('RELEASE');
    expect(container.detail?.startFault).toMatch(/^it cannot be started: /);
  });

  it('is the fault of the release where its working directory is a file, before anything is stopped', async () => {
    expect(await codeOf(created('network_mode: none\nworking_dir: /etc/passwd'))).toBe('RELEASE');
  });

  it('is no fault of the release where a mount does not fit', async () => {
    const settings = 'network_mode: none\nvolumes: [{type: bind, source: /etc/passwd, target: /www}]';
    const [code, container] = await startFailure(settings);
    expect([code, container.detail?.startFault]).toEqual(['VOLUME', undefined]);
  });

  it('is NETWORK for a pool that overlaps, and for a fixed address that is in use', async () => {
    const subnet = '10.231.78.0/24';
    const top = `networks: {front: {ipam: {config: [{subnet: ${subnet}}]}}}`;
    const settings = 'networks: {front: {ipv4_address: 10.231.78.9}}';
    const release = releaseOf(settings, undefined, top);
    const front = release.spec.networks['front'];
    if (!front) throw new Error('the release has no network');
    const named = (name: string): EngineAction => ({
      kind: 'create-network',
      name,
      network: 'front',
      ...front,
    });
    await apply(named(`${environment}_front`));
    expect(await codeOf(apply(named(`${environment}_other`)))).toBe('NETWORK');

    const networks = { front: `${environment}_front` };
    const make = async (): Promise<Container> => {
      const name = unique();
      await apply(createOf(release, name, { imageId: bench.image.id as ImageId, networks }));
      return observed(name);
    };
    await apply({ kind: 'start', container: await make(), release: '' });
    expect(await codeOf(apply({ kind: 'start', container: await make(), release: '' }))).toBe('NETWORK');
  });
});

describe('an action that is repeated', () => {
  it('is done: start, stop, connect, remove', async () => {
    const container = await started('network_mode: bridge');
    await apply({ kind: 'start', container, release: '' });
    const network = `${environment}_extra`;
    await docker.createNetwork({ Name: network });
    const connection: EngineAction = {
      kind: 'connect',
      container,
      network,
      attachment: { network: 'extra', aliases: [] },
      alias: 'web',
    };
    await apply(connection);
    await apply(connection);
    for (const kind of ['stop', 'stop'] as const) await apply({ kind, container, graceMs: 2000 });
    for (const kind of ['remove', 'remove'] as const) await apply({ kind, container });
    await apply({ kind: 'stop', container, graceMs: 0 });
    expect((await engine.observe(scope, never)).containers.map(({ name }) => name)).not.toContain(
      container.name,
    );
  });

  it('is not done where a running container should be removed', async () => {
    const container = await started('network_mode: none');
    expect(await codeOf(apply({ kind: 'remove', container }))).toBe('ENGINE');
    expect((await observed(container.name)).state).toBe('running');
  });

  it('arms, disarms and limits', async () => {
    const container = await started('network_mode: none\nrestart: on-failure:3\nmem_limit: 64m\ncpus: 0.5');
    expect(container.detail?.restart).toEqual({ name: 'on-failure', maxRetries: 3 });
    await apply({ kind: 'disarm', container });
    expect((await observed(container.name)).detail?.restart).toEqual({ name: 'no', maxRetries: 0 });
    await apply({ kind: 'arm', container, restart: { name: 'on-failure', maxRetries: 3 } });
    await docker
      .getContainer(container.id)
      .update({ Memory: 48 * 1024 ** 2, MemorySwap: 96 * 1024 ** 2, NanoCpus: 2e8 });
    await apply({ kind: 'limit', container, limits: { memoryBytes: 64 * 1024 ** 2, nanoCpus: 5e8 } });
    expect((await observed(container.name)).detail).toMatchObject({
      restart: { name: 'on-failure', maxRetries: 3 },
      limits: { memoryBytes: 64 * 1024 ** 2, nanoCpus: 5e8 },
    });
  });
});

describe('the last lines of a container', () => {
  const chatter = `command: ['-c', 'for n in 1 2 3 4; do printf "\\033[31mline %s\\033[0m\\n" $$n; done; usleep 200000; echo failed >&2']`;
  const settings = (more: string): string =>
    `network_mode: none\nentrypoint: ['/bin/sh']\n${chatter}\n${more}`;
  const linesOf = async (more: string): Promise<readonly string[]> => {
    const { id, name } = await started(settings(more));
    await eventually(async () => (await observed(name)).state === 'exited', {
      describe: () => `${name} ends`,
    });
    return engine.lastLines(id, 3, never);
  };

  it.each([
    ['without a terminal', ''],
    ['with a terminal', 'tty: true'],
    ['with another log driver', 'logging: {driver: local}'],
  ])('come without colours, standard error too: %s', async (_what, more) => {
    expect(await linesOf(more)).toEqual(['line 3', 'line 4', 'failed']);
  });

  it('are none where the log driver keeps none, and where there is no container', async () => {
    expect(await linesOf('logging: {driver: none}')).toEqual([]);
    expect(await engine.lastLines('f'.repeat(64), 3, never)).toEqual([]);
  });
});
