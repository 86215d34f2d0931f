import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSpool } from '../../../src/adapters/spool.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { openRegistry, openStore } from '../../../src/cli/publishing/open-store.ts';
import type { Io } from '../../../src/cli/streams.ts';
import { readPublisherConfig } from '../../../src/config/publisher-config.ts';
import { createArchivist } from '../../../src/publish/archives.ts';
import { hostStatus } from '../../support/status.ts';
import { bearer, PUBLISH, READ, scene, SECRETS_WITH_READ, type Scene } from '../hub/scene.ts';

const STAGING = 'staging-token-of-the-tests';
const PRODUCTION = 'production-token-of-the-tests';
const secrets = {
  ...SECRETS_WITH_READ,
  environmentTokens: [
    { environment: 'staging', token: STAGING, isPrevious: false },
    { environment: 'production', token: PRODUCTION, isPrevious: false },
  ],
};

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const configOf = (tag: string): string =>
  JSON.stringify({ os: 'linux', architecture: 'amd64', config: { Labels: { tag } } });
const imageOf = (tag: string): string =>
  JSON.stringify({ config: { digest: digestOf(configOf(tag)) }, layers: [] });
const CONTENT = new Map(
  ['1', '2'].flatMap((tag) => [
    [tag, imageOf(tag)],
    [digestOf(imageOf(tag)), imageOf(tag)],
    [digestOf(configOf(tag)), configOf(tag)],
  ]),
);

let registry: Server;
beforeAll(async () => {
  registry = createServer((request, response) => {
    const body = CONTENT.get(request.url?.split('/').at(-1) ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }).listen(0, '127.0.0.1');
  await once(registry, 'listening');
});
afterAll(() => {
  registry.closeAllConnections();
  registry.close();
});

const run = async (hub: Scene, env: Record<string, string>, ...args: readonly string[]) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const told = { out: '', err: '' };
  stdout.on('data', (chunk: Buffer) => (told.out += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (told.err += chunk.toString()));
  const io = { stdin: new PassThrough(), stdout, stderr, env, pid: 1 } as unknown as Io;
  const argv = [...args, '--to', hub.url];
  const code = await runProgram(argv, io, () => Promise.resolve(io), new AbortController().signal);
  return { code, ...told };
};

const publish = async (hub: Scene, env: Record<string, string>, environment: string, tag: string) => {
  const web = `web=127.0.0.1:${String((registry.address() as AddressInfo).port)}/org/web:${tag}`;
  return run(hub, env, 'publish', environment, web, '--insecure-unsigned', '--create');
};

const staging = { SUPERCARGO_PUBLISH_TOKEN: STAGING };
const production = { SUPERCARGO_PUBLISH_TOKEN: PRODUCTION };

describe('with the publish token of one environment', { timeout: 60_000 }, () => {
  it('an operator publishes, rolls back, looks at the fleet and forgets a host there', async () => {
    const hub = await scene({ secrets });
    expect(await publish(hub, staging, 'staging', '1')).toMatchObject({ code: 0, err: '' });
    expect(await publish(hub, staging, 'staging', '2')).toMatchObject({ code: 0, err: '' });
    const back = await run(hub, staging, 'rollback', 'staging', '--insecure-unsigned');
    expect(back).toMatchObject({ code: 0, err: '' });
    await hub.report('staging', 'web-1', hostStatus({ host: 'web-1', at: new Date().toISOString() }));
    const fleet = await run(hub, staging, 'fleet', 'staging');
    expect(fleet).toMatchObject({ err: '', out: expect.stringContaining('web-1') as string });
    expect(await run(hub, staging, 'rollout', 'status', 'staging')).toMatchObject({ code: 0, err: '' });
    const forgotten = await run(hub, staging, 'fleet', 'forget', 'staging', 'web-1');
    expect(forgotten).toMatchObject({ code: 0, err: '' });
  });

  it('an operator is refused elsewhere, and learns what to do', async () => {
    const hub = await scene({ secrets });
    expect((await publish(hub, production, 'production', '1')).code).toBe(0);
    const refused = await publish(hub, staging, 'production', '2');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(
      /403, this token is for staging alone and cannot read production.*\n.*SUPERCARGO_READ_TOKEN/,
    );
    const alsoReads = { ...staging, SUPERCARGO_READ_TOKEN: READ };
    const unwritten = await publish(hub, alsoReads, 'production', '2');
    expect(unwritten.code).toBe(1);
    expect(unwritten.err).toMatch(
      /403, this token is for staging alone and cannot change production.*\n.*publish token of production/,
    );
    const halt = await run(hub, alsoReads, 'rollout', 'halt', 'production', '--reason', 'a sale');
    expect(halt).toMatchObject({
      code: 1,
      err: expect.stringContaining('cannot change production') as string,
    });
    expect(`${refused.err}${unwritten.err}`).not.toContain(STAGING);
  });

  it('a promotion needs a token that reads the environment it takes from', async () => {
    const hub = await scene({ secrets });
    expect((await publish(hub, staging, 'staging', '1')).code).toBe(0);
    const promotion = ['promote', 'staging', 'production', '--insecure-unsigned', '--create'] as const;
    const refused = await run(hub, production, ...promotion);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(
      /this token is for production alone and cannot read staging.*\n.*SUPERCARGO_READ_TOKEN/,
    );
    const promoted = await run(hub, { ...production, SUPERCARGO_READ_TOKEN: READ }, ...promotion);
    expect(promoted).toMatchObject({ code: 0, err: '' });
    expect((await hub.get('/manifests/production.json', bearer(READ))).status).toBe(200);
  });

  it('no archive is removed, because another environment may need it', async () => {
    const hub = await scene({ secrets });
    const content = 'an archive that no manifest names';
    const path = `/archives/${createHash('sha256').update(content).digest('hex')}.tar`;
    await hub.put(path, content);
    const sweep = async (token: string): Promise<number> => {
      const config = readPublisherConfig({ SUPERCARGO_PUBLISH_TOKEN: token });
      const { documents, archives } = await openStore({ to: hub.url }, config);
      const archivist = createArchivist({
        registry: openRegistry(config),
        documents,
        archives,
        spool: createSpool(tmpdir()),
        now: () => Date.now() + 48 * 3600 * 1000,
        onStored: () => undefined,
      });
      return archivist.sweep(new AbortController().signal);
    };
    await hub.publish('staging', 1);
    expect(await sweep(STAGING)).toBe(0);
    expect((await hub.get(path, bearer(READ))).status).toBe(200);
    expect(await sweep(PUBLISH)).toBe(1);
  });
});
