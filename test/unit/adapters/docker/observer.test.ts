import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Ask } from '../../../../src/adapters/docker/engine-call.ts';
import { createObserver } from '../../../../src/adapters/docker/observer.ts';
import type { EngineFacts } from '../../../../src/core/state/actual.ts';

const signal = new AbortController().signal;
const scope = { environment: 'test', replaces: [] };

const lineOf = (Id: string, Labels: Record<string, string>): object => ({
  Id,
  Names: [`/${Id}`],
  ImageID: 'sha256:1',
  State: 'running',
  Status: 'Up 3 hours',
  Labels,
  Ports: [],
});
const INSPECTED = {
  HostConfig: {},
  Config: {},
  NetworkSettings: { Networks: {} },
  Mounts: [],
};
const NETWORKS = [
  { Id: 'n1', Name: 'test_edge', IPAM: { Config: [{ Subnet: '172.18.0.0/16', Gateway: '172.18.0.1' }] } },
  { Id: 'n2', Name: 'six', IPAM: { Config: [{ Subnet: '10.0.0.0/24' }, { Subnet: 'fd00::/64' }] } },
  { Id: 'n3', Name: 'host', IPAM: { Config: null } },
];

/** `gone`: those whose inspection says 404. What is in `lines` may change between two looks; `meanwhile` happens while that is asked for. */
const engineWith = (
  lines: object[],
  gone: readonly string[] = [],
  State: { Status?: string } = {},
  Ports?: object,
) => {
  const meanwhile = new Map<string, () => void>();
  const asked: string[] = [];
  const answerTo = (path: string): unknown => {
    const [, id] = /^\/containers\/([^/]+)\/json$/.exec(path) ?? [];
    if (id !== undefined && gone.includes(id)) throw Object.assign(new Error('gone'), { statusCode: 404 });
    if (id !== undefined) return { ...INSPECTED, NetworkSettings: { Networks: {}, Ports }, State, Id: id };
    if (path.startsWith('/containers/json')) return lines;
    if (path === '/volumes') return { Volumes: null };
    return path === '/networks' ? NETWORKS : [];
  };
  const ask: Ask = {
    bytes: async (path) => Buffer.from(await ask.text(path)),
    text: async (path) => {
      asked.push(path);
      meanwhile.get(path)?.();
      await Promise.resolve();
      return JSON.stringify(answerTo(path));
    },
    stream: () => Promise.reject(new Error('nobody follows')),
  };
  return { observer: createObserver(ask, {} as EngineFacts), asked, meanwhile };
};

/** What was asked since the last time. */
const taken = (asked: string[]): readonly string[] => asked.splice(0).toSorted();

const edgeOf = (environment: string): Record<string, string> => ({
  'io.supercargo.environment': environment,
  'io.supercargo.edge': 'e1',
  'io.supercargo.edge-shape': 'abc',
});

describe('the ports of a container', () => {
  const published = { hostAddress: '0.0.0.0', hostPort: 80, protocol: 'tcp' };
  const now = { '8888/tcp': [{ HostIp: '0.0.0.0', HostPort: '80' }], '53/udp': null };
  const listed = [{ IP: '0.0.0.0', PublicPort: 80, PrivatePort: 8888, Type: 'tcp' }];
  it.each([
    ['joined its network after the list', [], 'running', now, [published]],
    ['lost them after the list', listed, 'running', {}, []],
    ['ended after the list', listed, 'exited', {}, [published]],
    ['is of an engine that says nothing about them', listed, 'running', undefined, [published]],
  ])('that %s', async (_, Ports, Status, inspected, ports) => {
    const line = { ...lineOf('ours', edgeOf('test')), Ports };
    const { observer } = engineWith([line], [], { Status }, inspected);
    expect((await observer.observe(scope, signal)).containers).toMatchObject([{ ports }]);
  });
});

describe('an observer of edges', () => {
  it('knows its own, which is no service, from those of others', async () => {
    const { observer, asked } = engineWith([
      lineOf('ours', edgeOf('test')),
      lineOf('theirs', edgeOf('other')),
      lineOf('foreign', {}),
    ]);
    const { containers } = await observer.observe(scope, signal);
    expect(containers.map((c) => [c.name, c.edge, c.owner, c.otherEnvironment])).toEqual([
      ['ours', { instance: 'e1', shape: 'abc' }, undefined, undefined],
      ['theirs', undefined, undefined, 'other'],
      ['foreign', undefined, undefined, undefined],
    ]);
    expect(asked.filter((path) => path.endsWith('/json'))).toContain('/containers/ours/json');
    expect(asked.filter((path) => path.startsWith('/containers/')).length).toBe(2);
    expect(containers.map((c) => c.detail !== undefined)).toEqual([true, false, false]);
  });

  it('takes one that bears the labels of a service too for the container of that service', async () => {
    const { observer } = engineWith([
      lineOf('both', {
        ...edgeOf('test'),
        'io.supercargo.service': 'web',
        'io.supercargo.release': 'r1',
        'io.supercargo.replica': '1',
      }),
    ]);
    const [both] = (await observer.observe(scope, signal)).containers;
    expect([both?.edge?.instance, both?.owner?.service]).toEqual([undefined, 'web']);
  });

  it('leaves one out that is gone before it is looked at', async () => {
    const { observer } = engineWith([lineOf('ours', edgeOf('test'))], ['ours']);
    expect((await observer.observe(scope, signal)).containers).toEqual([]);
  });

  it('says nothing of their runtime, and which subnets the networks have', async () => {
    const { networks, edges, listeners } = await engineWith([]).observer.observe(scope, signal);
    expect([edges, listeners]).toEqual([[], undefined]);
    expect(networks.map(({ name, subnets }) => [name, subnets])).toEqual([
      ['test_edge', ['172.18.0.0/16']],
      ['six', ['10.0.0.0/24', 'fd00::/64']],
      ['host', []],
    ]);
  });
});

const FULL = ['/containers/json?all=true', '/containers/ours/json', '/images/json', '/networks', '/volumes'];
const IDLE = ['/containers/json?all=true'];

const YOUNG = { ...lineOf('ours', edgeOf('test')), Status: 'Up 5 seconds' };

const followed = async (...args: Parameters<typeof engineWith>) => {
  const engine = engineWith(...args);
  engine.observer.follow(true);
  const first = await engine.observer.observe(scope, signal);
  expect(taken(engine.asked)).toEqual(FULL);
  return { ...engine, first };
};

describe('an observer that follows events', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('asks for the containers only, and gives the very same ones while they say the same', async () => {
    const { observer, asked, first } = await followed([lineOf('ours', edgeOf('test'))]);
    const second = await observer.observe(scope, signal);
    expect(taken(asked)).toEqual(IDLE);
    expect(second.containers).toBe(first.containers);
    expect(second).toEqual(first);
  });

  it('inspects those again whose line has changed, and lists what an event has touched', async () => {
    const lines = [lineOf('ours', edgeOf('test'))];
    const { observer, asked } = await followed(lines);
    lines[0] = { ...lines[0], State: 'exited' };
    expect((await observer.observe(scope, signal)).containers[0]?.state).toBe('exited');
    expect(taken(asked)).toEqual([...IDLE, '/containers/ours/json']);
    observer.forgetNetworks();
    observer.forgetContainer('ours');
    await observer.observe(scope, signal);
    expect(taken(asked)).toEqual([...IDLE, '/containers/ours/json', '/networks']);
  });

  it('keeps nothing that an event has touched while it was asked for', async () => {
    const { observer, asked, meanwhile } = await followed([lineOf('ours', edgeOf('test'))]);
    observer.forgetContainer('ours');
    observer.forgetImages();
    meanwhile.set('/containers/ours/json', () => observer.forgetContainer('ours'));
    meanwhile.set('/images/json', observer.forgetImages);
    await observer.observe(scope, signal);
    meanwhile.clear();
    taken(asked);
    await observer.observe(scope, signal);
    expect(taken(asked)).toEqual([...IDLE, '/containers/ours/json', '/images/json']);
    await observer.observe(scope, signal);
    expect(taken(asked)).toEqual(IDLE);
  });

  it('inspects a young container again after a second: the event of a restart may be lost', async () => {
    vi.useFakeTimers();
    const { observer, asked } = await followed([YOUNG]);
    vi.advanceTimersByTime(999);
    await observer.observe(scope, signal);
    expect(taken(asked)).toEqual(IDLE);
    vi.advanceTimersByTime(1);
    await observer.observe(scope, signal);
    expect(taken(asked)).toEqual([...IDLE, '/containers/ours/json']);
  });

  it('knows one whose removal has failed, which the list goes on to call removing', async () => {
    vi.useFakeTimers();
    const state = { Status: 'removing' };
    const { observer, first } = await followed(
      [{ ...lineOf('ours', edgeOf('test')), State: 'removing', Status: 'Removal In Progress' }],
      [],
      state,
    );
    expect(first.containers[0]?.state).toBe('removing');
    state.Status = 'dead';
    vi.advanceTimersByTime(1_000);
    expect((await observer.observe(scope, signal)).containers[0]?.state).toBe('dead');
  });

  it('shows a container as it was while a step is taken on it, and asks for it afterwards', async () => {
    const lines: object[] = [YOUNG];
    const { observer, asked } = await followed(lines);
    const [one, other] = [observer.holdContainer('ours'), observer.holdContainer('ours')];
    lines[0] = { ...YOUNG, State: 'exited' };
    observer.forgetContainer('ours');
    expect((await observer.observe(scope, signal)).containers[0]?.state).toBe('running');
    one();
    other();
    expect((await observer.observe(scope, signal)).containers[0]?.state).toBe('exited');
    expect(taken(asked)).toEqual([...IDLE, ...IDLE, '/containers/ours/json']);
  });

  it('does not keep one that is gone in the middle of a step', async () => {
    const lines = [YOUNG];
    const { observer } = await followed(lines);
    observer.holdContainer('ours');
    lines.pop();
    expect((await observer.observe(scope, signal)).containers).toEqual([]);
  });

  it('asks for everything again after five minutes: events may be lost', async () => {
    vi.useFakeTimers();
    const { observer, asked } = await followed([lineOf('ours', edgeOf('test'))]);
    vi.advanceTimersByTime(299_999);
    await observer.observe(scope, signal);
    expect(taken(asked)).toEqual(IDLE);
    vi.advanceTimersByTime(1);
    await observer.observe(scope, signal);
    expect(taken(asked)).toEqual(FULL);
  });

  it('lists everything at every look once they have ended', async () => {
    const { observer, asked } = await followed([lineOf('ours', edgeOf('test'))]);
    observer.follow(false);
    await observer.observe(scope, signal);
    expect(taken(asked)).toEqual(FULL);
    await observer.observe(scope, signal);
    expect(taken(asked)).toEqual([...IDLE, '/images/json', '/networks', '/volumes']);
  });

  it('inspects a young container at every look once they have ended', async () => {
    const { observer, asked } = await followed([YOUNG]);
    observer.follow(false);
    await observer.observe(scope, signal);
    taken(asked);
    await observer.observe(scope, signal);
    expect(taken(asked)).toContain('/containers/ours/json');
  });
});
