import { describe, expect, it } from 'vitest';
import { type ApplyContext, applyAction } from '../../../../src/adapters/docker/apply.ts';
import type { EngineAction } from '../../../../src/core/ports/engine.ts';
import { type FakeEngine, startFakeEngine } from '../../../support/fake-engine.ts';
import { createOf, releaseOf } from '../../../support/release-of.ts';

const contextOf = ({ docker }: FakeEngine, signal = new AbortController().signal): ApplyContext => ({
  docker,
  apiVersion: '1.41',
  engineFolder: undefined,
  environment: 'test',
  credentials: { for: async () => Promise.resolve(undefined) },
  onProgress: () => undefined,
  signal,
});

const container = { id: 'c1', name: 'test-web-1' };

describe('a step', () => {
  it('says what may be secret in the body alone: URLs end up in logs', async () => {
    const engine = await startFakeEngine(() => '{"Id":"x"}');
    const release = releaseOf('environment: {PASSWORD: hunter2}');
    await applyAction(createOf(release, 'test-web-1', {}), contextOf(engine));
    const definition = {
      driver: undefined,
      driverOptions: { o: 'password=hunter2' },
      external: undefined,
      labels: {},
    };
    const volume = { kind: 'create-volume', name: 'test_v', volume: 'v', hash: 'h', definition } as const;
    await applyAction(volume as unknown as EngineAction, contextOf(engine));
    expect(
      engine.calls.map(({ method, url, body }) => [
        method,
        url,
        body.includes('hunter2'),
        body.includes('abort'),
      ]),
    ).toEqual([
      ['POST', '/containers/create?name=test-web-1', true, false],
      ['POST', '/volumes/create?', true, false],
    ]);
  });

  it.each<[EngineAction, string]>([
    [
      { kind: 'start', container, release: 'r1' },
      'cannot start test-web-1: the engine did not answer within 0.02 s',
    ],
    [
      { kind: 'stop', container, graceMs: 10 },
      'cannot stop test-web-1: the engine did not answer within 0.03 s',
    ],
  ])('that the engine never answers is given up: $0.kind', async (action, message) => {
    const engine = await startFakeEngine(() => undefined);
    await expect(applyAction(action, contextOf(engine), 20)).rejects.toMatchObject({
      code: 'ENGINE',
      retry: 'later',
      message,
      advice: expect.stringContaining('journalctl -u docker') as string,
    });
  });

  it('that is given up by us is no error of the engine', async () => {
    const engine = await startFakeEngine(() => undefined);
    const ended = new AbortController();
    const step = applyAction({ kind: 'start', container, release: 'r1' }, contextOf(engine, ended.signal));
    ended.abort();
    await expect(step).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each([
    ['somebody else removes it already', 409, 'removal of container c1 is already in progress'],
    ['it is gone', 404, 'No such container: c1'],
  ])('to remove a container is done where %s', async (_what, statusCode, words) => {
    const options: unknown[] = [];
    const docker = {
      getContainer: () => ({
        remove: async ({ v }: { v: boolean }) => {
          options.push(v);
          return Promise.reject(Object.assign(new Error(words), { statusCode }));
        },
      }),
    } as unknown as ApplyContext['docker'];
    const context = { ...contextOf(await startFakeEngine(() => undefined)), docker };
    await expect(applyAction({ kind: 'remove', container }, context)).resolves.toBeUndefined();
    // Never together with its anonymous volumes.
    expect(options).toEqual([false]);
  });
});
