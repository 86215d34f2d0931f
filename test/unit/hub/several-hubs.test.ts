import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHubArchives } from '../../../src/adapters/hub-files/hub-archives.ts';
import { openHubFiles } from '../../../src/adapters/hub-files/hub-files.ts';
import { openFolderStore } from '../../../src/adapters/hub-files/hub-store.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { HubStore } from '../../../src/core/ports/hub-store.ts';
import { startHub } from '../../../src/hub/hub.ts';
import { DEFAULT_LIMITS } from '../../../src/hub/limits.ts';
import { bearer, manifestText, PUBLISH, SECRETS } from './scene.ts';

const away = async (): Promise<never> =>
  Promise.reject(new AgentError('STORE', 'the database is away', { retry: 'later', advice: 'wait' }));

interface Several {
  readonly isDeaf?: boolean;
  /** So many first reads of reports fail. */
  readonly failures?: number;
  readonly onWarning?: (fields: unknown) => void;
}

/** Hubs of one store. `isAway` takes the store away from all of them, `isDeaf` the news. */
const severalHubs = async (
  count: number,
  { isDeaf = false, failures: failing = 0, onWarning = () => undefined }: Several = {},
) => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-hubs-'));
  const files = await openHubFiles(folder);
  const whole = await openFolderStore({ files, name: folder, onRemark: () => undefined, now: Date.now });
  const state = { isAway: false, failing };
  const failures: unknown[] = [];
  const store: HubStore = {
    ...whole,
    manifests: {
      ...whole.manifests,
      read: async (environment, known) => (state.isAway ? away() : whole.manifests.read(environment, known)),
      publish: async (...of) => (state.isAway ? away() : whole.manifests.publish(...of)),
    },
    fleets: {
      ...whole.fleets,
      environments: async () => {
        state.failing -= 1;
        return state.failing >= 0 ? away() : whole.fleets.environments();
      },
    },
    follow: isDeaf ? () => () => undefined : whole.follow,
  };
  const open = async () =>
    startHub({
      archives: createHubArchives(folder),
      store,
      secrets: SECRETS,
      listen: { host: '127.0.0.1', port: 0 },
      tls: undefined,
      trust: () => Promise.resolve(undefined),
      limits: DEFAULT_LIMITS,
      assets: [],
      log: {
        write: (_level, event, fields) => {
          if (event === 'hub.failed') failures.push(fields);
          if (event === 'hub.warned') onWarning(fields);
        },
      },
      now: Date.now,
      version: '0.0.0',
    });
  const hubs = await Promise.all(Array.from({ length: count }, open));
  onTestFinished(async () => {
    await Promise.all(hubs.map((hub) => hub.close()));
    await whole.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { state, whole, failures, urls: hubs.map(({ url }) => url) };
};

const publish = async (url = '', serial = 1, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/manifests/staging.json`, {
    method: 'PUT',
    headers: { ...bearer(PUBLISH), ...headers },
    body: manifestText('staging', serial),
  });

const read = async (url = '', headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/manifests/staging.json`, { headers });

const serialOf = async (response: Response): Promise<number> =>
  ((await response.json()) as { serial: number }).serial;

describe('a hub that starts', () => {
  it('waits for a store that goes away while its reports are read', async () => {
    const warned: unknown[] = [];
    const { urls } = await severalHubs(1, { failures: 2, onWarning: (fields) => warned.push(fields) });
    expect((await publish(urls[0], 1)).status).toBe(201);
    expect(warned).toEqual([
      { message: 'the hub waits for its store and answers 503 meanwhile: the database is away' },
    ]);
  });
});

describe('several hubs of one store', () => {
  it('answer a poll that is held at one when another one publishes', async () => {
    const { urls } = await severalHubs(2);
    await publish(urls[0], 1);
    const tag = (await read(urls[1])).headers.get('etag') ?? '';
    const held = read(urls[1], { 'if-none-match': tag, prefer: 'wait=60' });
    expect((await publish(urls[0], 2)).status).toBe(204);
    expect(await serialOf(await held)).toBe(2);
  });

  it('never hand out an older manifest than the reader has, even where no news came', async () => {
    const { urls } = await severalHubs(2, { isDeaf: true });
    await publish(urls[0], 1);
    const first = (await read(urls[1])).headers.get('etag') ?? '';
    await publish(urls[0], 2);
    const second = (await read(urls[0])).headers.get('etag') ?? '';
    const stale = await read(urls[1], { 'if-none-match': first });
    expect(stale.status).toBe(304);
    const newer = await read(urls[1], { 'if-none-match': second });
    expect([newer.status, newer.headers.get('etag')]).toEqual([304, second]);
    await publish(urls[0], 3);
    expect(await serialOf(await read(urls[1]))).toBe(3);
  });

  it('list an environment that another one has just begun', async () => {
    const { urls } = await severalHubs(2, { isDeaf: true });
    await publish(urls[0], 1);
    const list = await fetch(`${urls[1] ?? ''}/manifests/`, { headers: bearer(PUBLISH) });
    expect(await list.json()).toMatchObject({ names: ['staging.json'] });
  });

  it('judge conditions by what the store has', async () => {
    const { urls } = await severalHubs(3, { isDeaf: true });
    const first = (await publish(urls[0], 1, { 'if-none-match': '*' })).headers.get('etag') ?? '';
    expect((await publish(urls[1], 2, { 'if-none-match': '*' })).status).toBe(412);
    const second = (await publish(urls[1], 2, { 'if-match': first })).headers.get('etag') ?? '';
    expect((await publish(urls[2], 3, { 'if-match': first })).status).toBe(412);
    const answers = await Promise.all(urls.map((url, at) => publish(url, 3 + at, { 'if-match': second })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 412, 412]);
  });

  it('honour the conditions of a probe whichever of them is asked', async () => {
    const { urls } = await severalHubs(3);
    const probe = async (at: number, method: string, headers: Record<string, string>) =>
      (
        await fetch(`${urls[at] ?? ''}/manifests/staging/probe.json`, {
          method,
          headers: { ...bearer(PUBLISH), ...headers },
          ...(method === 'PUT' && { body: '{}' }),
        })
      ).status;
    expect(await probe(0, 'PUT', { 'if-match': '"no such version"' })).toBe(412);
    expect(await probe(1, 'PUT', { 'if-none-match': '*' })).toBe(201);
    expect(await probe(2, 'PUT', { 'if-none-match': '*' })).toBe(412);
    expect(await probe(0, 'DELETE', {})).toBe(204);
    expect(await probe(1, 'DELETE', {})).toBe(404);
  });

  it('serve the copy to a reader that has nothing while the store is away, and refuse to guess', async () => {
    const { urls, state } = await severalHubs(1);
    await publish(urls[0], 1);
    const tag = (await read(urls[0])).headers.get('etag') ?? '';
    state.isAway = true;
    expect(await serialOf(await read(urls[0]))).toBe(1);
    expect((await read(urls[0], { 'if-none-match': tag })).status).toBe(304);
    const unknown = await read(urls[0], { 'if-none-match': '"of another hub"' });
    expect([unknown.status, unknown.headers.get('retry-after')]).toEqual([
      503,
      expect.stringMatching(/^\d+$/),
    ]);
    expect((await publish(urls[0], 2)).status).toBe(503);
  });

  it('log once that the store is away, and not for each request', async () => {
    const { urls, state, failures } = await severalHubs(1);
    await publish(urls[0], 1);
    state.isAway = true;
    for (const serial of [2, 3, 4]) expect((await publish(urls[0], serial)).status).toBe(503);
    expect(failures).toEqual([{ message: 'the database is away' }]);
  });

  it('read news again that came while the store was away', async () => {
    const { urls, state, whole } = await severalHubs(1);
    await publish(urls[0], 1);
    const tag = (await read(urls[0])).headers.get('etag') ?? '';
    const held = read(urls[0], { 'if-none-match': tag, prefer: 'wait=60' });
    state.isAway = true;
    await whole.manifests.publish(
      'staging',
      { serial: 2, document: Buffer.from(manifestText('staging', 2)), epoch: 0 },
      1,
    );
    state.isAway = false;
    expect(await serialOf(await held)).toBe(2);
  });
});
