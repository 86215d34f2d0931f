import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createEdges, type CheckResult } from '../../../../src/adapters/edge/edges.ts';
import type { EdgeConfig } from '../../../../src/core/edge/edge-config.ts';
import { readWritten } from '../../../../src/core/edge/parse-haproxy.ts';
import { renderConfig } from '../../../../src/core/edge/render-haproxy.ts';
import type { Edges } from '../../../../src/core/ports/edge.ts';

const never = new AbortController().signal;
const configFor = (instance: string, longestDrainMs = 1_000): EdgeConfig => ({
  environment: 'staging',
  instance,
  mode: 'host',
  agentUid: 0,
  hasIpv6: false,
  trustedProxies: [],
  frontends: [],
  backends: [],
  longestDrainMs,
});

const write = async (edges: Edges, instance: string, longestDrainMs?: number): Promise<void> =>
  edges.apply({ kind: 'edge-write', instance, config: configFor(instance, longestDrainMs) }, never);

const discard = async (edges: Edges, ...keep: readonly string[]): Promise<void> =>
  edges.apply({ kind: 'edge-discard', keep }, never);

describe('the edges of an environment', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'supercargo-edges-'));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  const edgesWith = (result?: CheckResult, checked: string[] = []): Edges =>
    createEdges({
      folder,
      check: async (instance) => {
        checked.push(instance);
        return Promise.resolve(result);
      },
      listeners: async () => Promise.resolve([{ address: '', port: 80, uid: 0 }]),
    });

  it('are told in the order that was asked for; what does not run or was never written is unknown', async () => {
    const edges = edgesWith();
    await write(edges, 'e1');
    expect(await edges.observe(['e2', 'e1'], undefined, never)).toEqual({
      edges: [
        { instance: 'e2', state: undefined, written: undefined, hasSockets: false },
        {
          instance: 'e1',
          state: undefined,
          written: readWritten(renderConfig(configFor('e1'))),
          hasSockets: false,
        },
      ],
      listeners: undefined,
    });
  });

  it('come with the listeners of the host, and addresses that it does not have, only where they are asked for', async () => {
    const seen = await edgesWith().observe([], ['127.0.0.1', '192.0.2.9', '127.0.0.77'], never);
    expect(seen).toEqual({
      edges: [],
      listeners: [{ address: '', port: 80, uid: 0 }],
      absentAddresses: ['192.0.2.9'],
    });
  });

  it('come with the answers of the file, before their config too; without the endpoint none are read', async () => {
    const edges = edgesWith();
    const answers = { web: { isUp: true, sinceMs: 5, reason: 'up' } };
    await edges.apply({ kind: 'edge-answer', instance: 'e1', answers, counted: ['web:1'] }, never);
    const seen = async (): Promise<unknown> => (await edges.observe(['e1'], undefined, never)).edges[0];
    expect(await seen()).toMatchObject({ written: undefined, answers, counted: ['web:1'] });
    await write(edges, 'e1');
    expect(await seen()).not.toHaveProperty('answers');
    const endpoint = { hostAddress: '', hostPort: 9000, protocol: 'http', backend: 'health' } as const;
    const config = { ...configFor('e1'), frontends: [endpoint] };
    await edges.apply({ kind: 'edge-write', instance: 'e1', config }, never);
    expect(await seen()).toMatchObject({ written: { frontends: [endpoint] }, answers });
  });

  it('whose file cannot be read are unknown too: what they serve is kept', async () => {
    await mkdir(join(folder, 'config', 'e1', 'haproxy.cfg'), { recursive: true });
    const { edges } = await edgesWith().observe(['e1'], undefined, never);
    expect(edges).toEqual([{ instance: 'e1', state: undefined, written: undefined, hasSockets: false }]);
  });

  it('whose label is no name of ours are unknown, and the others are told', async () => {
    const edges = edgesWith();
    await write(edges, 'e1');
    const seen = await edges.observe(['../E 1', 'e1'], undefined, never);
    expect(seen.edges.map(({ instance, written }) => [instance, written !== undefined])).toEqual([
      ['../E 1', false],
      ['e1', true],
    ]);
  });

  it('that do not answer hold up nobody who ends the look', async () => {
    await mkdir(join(folder, 'run'));
    const silent = createServer().listen(join(folder, 'run', 'e1.master.sock'));
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const asked = once(silent, 'connection');
    const ended = new AbortController();
    const look = edgesWith().observe(['e1'], undefined, ended.signal);
    await asked;
    ended.abort(new Error('the tick is over'));
    await expect(look).rejects.toThrow('the tick is over');
  });

  it('are written unchecked where none runs, and where HAProxy accepts it', async () => {
    const checked: string[] = [];
    await write(edgesWith(undefined, checked), 'e1');
    await write(edgesWith({ exitCode: 0, output: '[WARNING] odd' }, checked), 'e2');
    expect(checked).toEqual(['e1', 'e2']);
    expect(await readdir(join(folder, 'config'))).toEqual(['e1', 'e2']);
  });

  it.each([
    [
      'its first line',
      '[ALERT] unknown keyword\n[ALERT] fatal',
      'cannot write the file of the edge: [ALERT] unknown keyword',
    ],
    ['no words', '', 'cannot write the file of the edge: haproxy -c ended with 1'],
    [
      'its first complaint, not its greeting',
      '[NOTICE]   (7) : haproxy version is 2.6.12\n[NOTICE]   (7) : path to executable is /usr/local/sbin/haproxy\n[ALERT]    (7) : config : parsing [x:2] : unknown keyword\n',
      'cannot write the file of the edge: [ALERT]    (7) : config : parsing [x:2] : unknown keyword',
    ],
  ])('keep their file where HAProxy refuses the next: %s', async (_what, output, message) => {
    const accepting = edgesWith({ exitCode: 0, output: '' });
    await write(accepting, 'e1');
    await expect(write(edgesWith({ exitCode: 1, output }), 'e1', 2_000)).rejects.toMatchObject({
      code: 'EDGE',
      message,
    });
    const { edges } = await accepting.observe(['e1'], undefined, never);
    expect(edges[0]?.written?.text).toBe(renderConfig(configFor('e1')));
    expect(await readdir(join(folder, 'config', 'e1'))).toEqual(['haproxy.cfg']);
  });

  it('leave nothing behind but those that are kept', async () => {
    const edges = edgesWith();
    for (const instance of ['e1', 'e2', 'e3']) {
      await write(edges, instance);
      for (const socket of ['runtime', 'master'])
        await writeFile(join(folder, 'run', `${instance}.${socket}.sock`), '');
    }
    await discard(edges, 'e2');
    await discard(edges, 'e2');
    expect(await readdir(join(folder, 'config'))).toEqual(['e2']);
    expect((await readdir(join(folder, 'run'))).toSorted()).toEqual(['e2.master.sock', 'e2.runtime.sock']);
    // One of that name is written anew.
    await write(edges, 'e1');
    expect(await readdir(join(folder, 'config'))).toEqual(['e1', 'e2']);
  });

  it('that were never there are discarded', async () => {
    await expect(discard(edgesWith())).resolves.toBeUndefined();
  });

  it('are discarded although somebody else left a file beside them, which stays', async () => {
    const edges = edgesWith();
    await write(edges, 'e1');
    await writeFile(join(folder, 'config', '.Notes'), '');
    await discard(edges);
    expect(await readdir(join(folder, 'config'))).toEqual(['.Notes']);
  });
});
