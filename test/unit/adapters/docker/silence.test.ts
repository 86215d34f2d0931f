import type Docker from 'dockerode';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAsk } from '../../../../src/adapters/docker/engine-call.ts';
import { connect } from '../../../../src/adapters/docker/connect.ts';
import { inspectImage } from '../../../../src/adapters/docker/local-image.ts';
import { createObserver } from '../../../../src/adapters/docker/observer.ts';
import { pullImage } from '../../../../src/adapters/docker/pull.ts';
import type { EngineFacts } from '../../../../src/core/state/actual.ts';
import { VERSION_ANSWER, startFakeEngine } from '../../../support/fake-engine.ts';
import { releaseOf } from '../../../support/release-of.ts';
import { NO_SOURCES } from '../../../support/world.ts';

const signal = new AbortController().signal;
const scope = { environment: 'test', replaces: [] };
const facts = {} as EngineFacts;

const createImage = async (_auth: unknown, { abortSignal }: { abortSignal: AbortSignal }): Promise<never> =>
  new Promise((_resolve, reject) => {
    abortSignal.addEventListener('abort', () => reject(new Error('aborted')));
  });

describe('an engine that', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('accepts a question and never answers counts as offline', async () => {
    const { socketPath } = await startFakeEngine(({ url }) =>
      url.endsWith('/version') ? JSON.stringify(VERSION_ANSWER) : undefined,
    );
    const { ask } = await connect({ kind: 'unix', socketPath }, 500);
    await expect(createObserver(ask, facts).observe(scope, signal)).rejects.toMatchObject({
      code: 'ENGINE_OFFLINE',
      retry: 'later',
    });
  });

  it.each([
    ['dies in the middle of an answer', { torn: '[{"Id":' }],
    ['dies before the first byte of one', { torn: '' }],
    ['falls silent in the middle of one', { torn: '[', isHeld: true }],
  ])('%s counts as offline, and nobody waits for the rest', async (_what, half) => {
    const { socketPath } = await startFakeEngine(({ url }) =>
      url.endsWith('/version') ? JSON.stringify(VERSION_ANSWER) : half,
    );
    const { ask, clients } = await connect({ kind: 'unix', socketPath }, 500);
    await expect(createObserver(ask, facts).observe(scope, signal)).rejects.toMatchObject({
      code: 'ENGINE_OFFLINE',
      retry: 'later',
    });
    // Steps go another way.
    const { reader } = await clients();
    await expect(inspectImage(reader, 'org/web:1', signal)).rejects.toMatchObject({
      code: 'ENGINE_OFFLINE',
      message: expect.stringContaining('its answer ended in the middle') as string,
    });
  });

  it('redirects a step is not followed to wherever it says', async () => {
    const { socketPath } = await startFakeEngine(({ url }) =>
      url.endsWith('/version') ? JSON.stringify(VERSION_ANSWER) : { redirect: 'http://[' },
    );
    const { clients } = await connect({ kind: 'unix', socketPath }, 500);
    const { reader } = await clients();
    await expect(inspectImage(reader, 'org/web:1', signal)).rejects.toMatchObject({ code: 'ENGINE' });
  });

  it.each([
    ['"garbage"', 'the engine gave no list of containers'],
    ['<html>', 'the engine gave no JSON'],
  ])(
    'answers with %s instead of a list is an error, and nothing is left to reject unheard',
    async (answer, words) => {
      const { socketPath } = await startFakeEngine(({ url }) =>
        url.includes('/volumes') ? '{"Volumes":[]}' : url.includes('/containers') ? answer : '[]',
      );
      const ask = await createAsk({ socketPath }, '', 1_000);
      await expect(createObserver(ask, facts).observe(scope, signal)).rejects.toMatchObject({
        code: 'ENGINE',
        message: `cannot read the state of the engine: ${words}`,
      });
    },
  );

  it('names no lists, or other things than the API, is an error that says so', async () => {
    const answers: Readonly<Record<string, string>> = {
      containers:
        '[{"Id":7,"Names":["/x"],"ImageID":"y","State":"running","Status":"Up","Labels":{},"Ports":[]}]',
      networks: '[]',
      images: '[]',
      volumes: '{"Volumes":null}',
    };
    const observe = async (change: Readonly<Record<string, string>>): Promise<unknown> => {
      const said = { ...answers, ...change };
      const { socketPath } = await startFakeEngine(({ url }) => said[url.split(/[/?]/)[1] ?? '']);
      return createObserver(await createAsk({ socketPath }, '', 1_000), facts)
        .observe(scope, signal)
        .catch((error: unknown) => error);
    };
    const wrong = 'cannot read the state of the engine: the answer is not one of the Docker API';
    expect(await observe({})).toMatchObject({
      code: 'ENGINE',
      message: wrong,
      advice: expect.stringContaining('DOCKER_HOST') as string,
    });
    expect(await observe({ containers: '[null]' })).toMatchObject({ code: 'ENGINE', message: wrong });
    const labels = '"Labels":{"io.supercargo.service":null}';
    for (const said of [
      { containers: `[{"Id":"c","Names":["/x"],"ImageID":"y","Status":"Up","Ports":[],${labels}}]` },
      { containers: '[]', networks: `[{"Id":"n","Name":"x",${labels}}]` },
      { containers: '[]', volumes: `{"Volumes":[{"Name":"x",${labels}}]}` },
    ])
      expect(await observe(said)).toMatchObject({ code: 'ENGINE', message: wrong });
    expect(await observe({ containers: '[]', networks: '"x"' })).toMatchObject({
      message: 'cannot read the state of the engine: the engine gave no list of networks',
    });
    expect(await observe({ containers: '[]' })).toMatchObject({ containers: [], volumes: [] });
  });

  it('never begins a pull gives it up like one that stalls', async () => {
    vi.useFakeTimers();
    const { image } = releaseOf('restart: "no"');
    const pull = pullImage(
      { createImage } as unknown as Docker,
      NO_SOURCES,
      { image, requireDiskSpace: async () => Promise.resolve() },
      () => undefined,
      signal,
    );
    await Promise.all([
      expect(pull).rejects.toMatchObject({
        code: 'REGISTRY',
        retry: 'later',
        message: expect.stringContaining('nothing arrived for 120 s') as string,
      }),
      vi.advanceTimersByTimeAsync(120_000),
    ]);
  });
});
