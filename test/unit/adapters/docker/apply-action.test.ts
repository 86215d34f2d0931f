import { describe, expect, it } from 'vitest';
import { type ApplyContext, applyAction } from '../../../../src/adapters/docker/apply-action.ts';
import type { EngineAction } from '../../../../src/core/ports/engine.ts';
import { type FakeEngine, startFakeEngine } from '../../../support/fake-engine.ts';
import { NO_EDGE_HOME, NO_SOURCES } from '../../../support/world.ts';
import { createOf, releaseOf } from '../../../support/release-of.ts';

const contextOf = ({ docker }: FakeEngine, signal = new AbortController().signal): ApplyContext => ({
  docker,
  apiVersion: '1.41',
  engineFolder: undefined,
  imageConfig: async () => Promise.resolve({}),
  environment: 'test',
  sources: NO_SOURCES,
  edge: NO_EDGE_HOME,
  onProgress: () => undefined,
  signal,
});

const container = { id: 'c1', name: 'test-web-1' };

const saying = (statusCode: number, words: string): Error => Object.assign(new Error(words), { statusCode });

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

  it('puts files into a container before it starts', async () => {
    const engine = await startFakeEngine(() => '');
    const files = [{ target: '/run/secrets/key', content: 'hunter2' }];
    await applyAction({ kind: 'start', container, release: 'r1', files }, contextOf(engine));
    const [put, start] = engine.calls;
    expect([put?.method, put?.url.startsWith('/containers/c1/archive?path=%2F')]).toEqual(['PUT', true]);
    expect(put?.body).toMatch(/^run\/secrets\/key\0[^]*hunter2/);
    expect([engine.calls.length, start?.url.startsWith('/containers/c1/start')]).toEqual([2, true]);
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

  it('may have a grace period that is longer than any timer', async () => {
    const engine = await startFakeEngine(() => '');
    const action = { kind: 'stop', container, graceMs: 600 * 3_600_000 } as const;
    await applyAction(action, contextOf(engine));
    expect(engine.calls.map(({ url }) => url)).toEqual([expect.stringContaining('t=2160000')]);
  });

  it('that is given up by us is no error of the engine', async () => {
    const engine = await startFakeEngine(() => undefined);
    const ended = new AbortController();
    const step = applyAction({ kind: 'start', container, release: 'r1' }, contextOf(engine, ended.signal));
    ended.abort();
    await expect(step).rejects.toMatchObject({ name: 'AbortError' });
  });

  // Seen on Docker 20.10: a rollback waited out a back-off for it, with nothing serving.
  it.each([
    'cannot update a deleted process: unknown',
    'cannot update a stopped container: unknown',
    'container not running: unknown',
  ])(
    'to change a container that ends at that moment is taken once the engine has noticed (%s)',
    async (words) => {
      const refusals = ['', ''].map(() => saying(500, `Cannot update container c1: ${words}`));
      let calls = 0;
      const update = async (): Promise<void> => {
        calls += 1;
        const refusal = refusals.pop();
        return refusal ? Promise.reject(refusal) : Promise.resolve();
      };
      const docker = { getContainer: () => ({ update }) } as unknown as ApplyContext['docker'];
      const context = { ...contextOf(await startFakeEngine(() => undefined)), docker };
      await expect(applyAction({ kind: 'disarm', container }, context)).resolves.toBeUndefined();
      expect(calls).toBe(3);
    },
  );

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

/** Notes what is asked of it; `refuse` may answer otherwise. */
const notingDocker = (refuse: (call: string) => Error | undefined = () => undefined) => {
  const calls: unknown[] = [];
  const note =
    (call: string) =>
    async ({ _body: body, signal }: { _body?: object; signal?: string }) => {
      calls.push([call, body ?? signal]);
      const error = refuse(call);
      return error ? Promise.reject(error) : Promise.resolve();
    };
  const docker = {
    getContainer: () => ({ kill: note('kill') }),
    getNetwork: () => ({ connect: note('connect'), disconnect: note('disconnect') }),
    createContainer: note('create'),
  } as unknown as ApplyContext['docker'];
  const apply = async (action: EngineAction): Promise<unknown> =>
    applyAction(action, { ...contextOf(await startFakeEngine(() => undefined)), docker });
  return { calls, apply };
};

const attachment = { network: 'front', aliases: ['www'] };
const rejoin: EngineAction = { kind: 'rejoin', container, network: 'test_front', attachment, alias: 'web' };
const leaveEdge: EngineAction = { kind: 'leave-edge', container };

describe('a step of start-first', () => {
  it('joins a network without a name', async () => {
    const { calls, apply } = notingDocker();
    await apply({ kind: 'connect', container, network: 'test_front', attachment, alias: undefined });
    expect(calls).toEqual([['connect', { Container: 'c1', EndpointConfig: {} }]]);
  });

  const rejoined = [
    ['disconnect', { Container: 'c1' }],
    ['connect', { Container: 'c1', EndpointConfig: { Aliases: ['web', 'www'] } }],
  ];

  it('leaves a network to join it under its names', async () => {
    const { calls, apply } = notingDocker();
    await apply(rejoin);
    expect(calls).toEqual(rejoined);
  });

  it('joins it where it had left already: a repeated step', async () => {
    const { calls, apply } = notingDocker((call) =>
      call === 'disconnect' ? saying(500, 'container c1 is not connected to network test_front') : undefined,
    );
    await apply(rejoin);
    expect(calls).toEqual(rejoined);
  });

  it('joins without its address where another container has that, and says so', async () => {
    let connects = 0;
    const { calls, apply } = notingDocker((call) => {
      if (call !== 'connect' || connects > 0) return undefined;
      connects += 1;
      return saying(403, 'Address already in use');
    });
    const fixed = { ...attachment, ipv4: '10.1.0.9' };
    await expect(apply({ ...rejoin, attachment: fixed })).rejects.toMatchObject({
      message: expect.stringContaining('Address already in use') as string,
    });
    const names = { Aliases: ['web', 'www'] };
    expect(calls).toEqual([
      ['disconnect', { Container: 'c1' }],
      ['connect', { Container: 'c1', EndpointConfig: { ...names, IPAMConfig: { IPv4Address: '10.1.0.9' } } }],
      ['connect', { Container: 'c1', EndpointConfig: names }],
    ]);
  });

  it('does not join where it cannot leave', async () => {
    const { calls, apply } = notingDocker(() => saying(500, 'no bridge'));
    await expect(apply(rejoin)).rejects.toMatchObject({
      code: 'ENGINE',
      message: expect.stringContaining('cannot rejoin test-web-1') as string,
    });
    expect(calls).toHaveLength(1);
  });

  it('sends an edge away by SIGUSR1', async () => {
    const { calls, apply } = notingDocker();
    await apply(leaveEdge);
    expect(calls).toEqual([['kill', 'SIGUSR1']]);
  });

  const createEdge = {
    kind: 'create-edge',
    name: 'test-edge-e1',
    instance: 'e1',
    shape: 'abc',
    imageId: 'sha256:1',
    predecessor: undefined,
    frontends: [],
    mode: 'host',
    network: 'test_edge',
    ports: [],
  } as unknown as EngineAction;

  it.each<[string, EngineAction, Error]>([
    ['the edge is gone', leaveEdge, saying(404, 'No such container: c1')],
    ['the edge has ended', leaveEdge, saying(409, 'Container c1 is not running')],
    [
      'the edge is there',
      createEdge,
      saying(409, 'Conflict. The container name "/test-edge-e1" is already in use'),
    ],
  ])('is done where %s', async (_what, action, error) => {
    await expect(notingDocker(() => error).apply(action)).resolves.toBeUndefined();
  });
});
