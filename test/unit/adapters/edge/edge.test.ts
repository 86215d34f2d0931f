import { createServer, type Server } from 'node:net';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createEdge } from '../../../../src/adapters/edge/edge.ts';
import type { EdgeConfig } from '../../../../src/core/edge/edge-config.ts';
import { HEALTH_BACKEND } from '../../../../src/core/edge/health-answer.ts';
import { renderConfig } from '../../../../src/core/edge/render-haproxy.ts';

const never = new AbortController().signal;
const configFor = (longestDrainMs: number): EdgeConfig => ({
  environment: 'staging',
  instance: 'e1',
  mode: 'host',
  agentUid: 0,
  hasIpv6: false,
  trustedProxies: [],
  frontends: [],
  backends: [],
  longestDrainMs,
});
const withEndpoint: EdgeConfig = {
  ...configFor(1_000),
  frontends: [{ hostAddress: '', hostPort: 9_000, protocol: 'http', backend: HEALTH_BACKEND }],
};
const NONE = { answers: {}, counted: [] };
const ANSWERS = { answers: { web: { isUp: true, sinceMs: 5, reason: 'up' } }, counted: ['web:1'] };
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

const accept = async (): Promise<void> => Promise.resolve();

describe('the files of an edge', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'supercargo-edge-'));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  it('are none at first, then the checked text, open to the group that the container runs as', async () => {
    const edge = createEdge({ instance: 'e1', folder, check: accept });
    expect(await edge.written(never)).toBeUndefined();
    await edge.apply({ kind: 'edge-write', config: configFor(1_000) }, never);
    expect(await edge.written(never)).toBe(renderConfig(configFor(1_000)));
    const paths = ['config/e1', 'config/e1/haproxy.cfg', 'run'].map((name) => join(folder, name));
    expect(await Promise.all(paths.map(modeOf))).toEqual(['750', '640', '770']);
  });

  it('are written only when the text changes, and replaced, not changed', async () => {
    const seen: (readonly string[])[] = [];
    const check = async (): Promise<void> =>
      void seen.push((await readdir(join(folder, 'config', 'e1'))).toSorted());
    const edge = createEdge({ instance: 'e1', folder, check });
    const inode = async (): Promise<number> => (await stat(join(folder, 'config', 'e1', 'haproxy.cfg'))).ino;
    await edge.apply({ kind: 'edge-write', config: configFor(1_000) }, never);
    const first = await inode();
    await edge.apply({ kind: 'edge-write', config: configFor(1_000) }, never);
    expect([seen.length, await inode()]).toEqual([1, first]);
    await edge.apply({ kind: 'edge-write', config: configFor(2_000) }, never);
    expect(seen).toEqual([['haproxy.cfg.new'], ['haproxy.cfg', 'haproxy.cfg.new']]);
    expect(await inode()).not.toBe(first);
  });

  it('stay as they were when the candidate is refused', async () => {
    let isRefused = false;
    const check = async (): Promise<void> =>
      isRefused ? Promise.reject(new Error('refused')) : Promise.resolve();
    const edge = createEdge({ instance: 'e1', folder, check });
    await edge.apply({ kind: 'edge-write', config: configFor(1_000) }, never);
    isRefused = true;
    await expect(edge.apply({ kind: 'edge-write', config: configFor(2_000) }, never)).rejects.toThrow(
      'refused',
    );
    expect(await edge.written(never)).toBe(renderConfig(configFor(1_000)));
    expect(await readdir(join(folder, 'config', 'e1'))).toEqual(['haproxy.cfg']);
  });

  it('have a map before HAProxy sees the config that names it', async () => {
    const seen: (readonly string[])[] = [];
    const check = async (): Promise<void> =>
      void seen.push((await readdir(join(folder, 'config', 'e1'))).toSorted());
    const edge = createEdge({ instance: 'e1', folder, check });
    expect(await edge.answers(never)).toBeUndefined();
    await edge.apply({ kind: 'edge-write', config: withEndpoint }, never);
    expect(seen).toEqual([['haproxy.cfg.new', 'health.map']]);
    expect(await edge.answers(never)).toEqual(NONE);
    // A restart would fail without it, although the config is the same.
    await rm(join(folder, 'config', 'e1', 'health.map'));
    await edge.apply({ kind: 'edge-write', config: withEndpoint }, never);
    expect(await edge.answers(never)).toEqual(NONE);
  });

  it('keep the answers of an edge that does not run yet, whatever config is written', async () => {
    const edge = createEdge({ instance: 'e1', folder, check: accept });
    await edge.apply({ kind: 'edge-answer', ...ANSWERS }, never);
    await edge.apply({ kind: 'edge-write', config: withEndpoint }, never);
    expect(await edge.answers(never)).toEqual(ANSWERS);
    const path = join(folder, 'config', 'e1', 'health.map');
    expect([await readFile(path, 'utf8'), await modeOf(path)]).toEqual([
      '/web 200:5:up\nweb:1 counted\n',
      '640',
    ]);
    const { ino } = await stat(path);
    await edge.apply({ kind: 'edge-answer', ...ANSWERS }, never);
    expect((await stat(path)).ino).toBe(ino);
    await edge.apply({ kind: 'edge-answer', ...NONE }, never);
    expect([await edge.answers(never), (await stat(path)).ino === ino]).toEqual([NONE, false]);
    expect((await readdir(join(folder, 'config', 'e1'))).toSorted()).toEqual(['haproxy.cfg', 'health.map']);
  });

  it('have the answers although a running edge does not take them', async () => {
    const silent: Server = createServer();
    await mkdir(join(folder, 'run'));
    await new Promise<void>((resolve) => {
      silent.listen(join(folder, 'run', 'e1.runtime.sock'), resolve);
    });
    onTestFinished(() => void silent.close());
    const edge = createEdge({ instance: 'e1', folder, check: accept, timeoutMs: 20 });
    await expect(edge.apply({ kind: 'edge-answer', ...ANSWERS }, never)).rejects.toMatchObject({
      code: 'EDGE_UNREACHABLE',
    });
    expect(await edge.answers(never)).toEqual(ANSWERS);
  });

  it('are gone when they are discarded, and those of another edge are not', async () => {
    const [first, second] = ['e1', 'e2'].map((instance) => createEdge({ instance, folder, check: accept }));
    for (const edge of [first, second])
      await edge?.apply({ kind: 'edge-write', config: withEndpoint }, never);
    await first?.discard();
    await first?.discard();
    expect(await readdir(join(folder, 'config'))).toEqual(['e2']);
  });

  it('need a folder', async () => {
    const edge = createEdge({
      instance: 'e1',
      folder: join(folder, 'nul\0'),
      check: accept,
    });
    await expect(edge.apply({ kind: 'edge-write', config: configFor(1) }, never)).rejects.toMatchObject({
      code: 'STATE_DIR',
    });
  });

  it('say nothing about an edge that does not run', async () => {
    const edge = createEdge({ instance: 'e1', folder, check: accept });
    await expect(edge.observe(never)).rejects.toMatchObject({ code: 'EDGE_UNREACHABLE', retry: 'later' });
  });
});
