import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { createObserver } from '../../../../src/adapters/docker/observe.ts';
import type { EngineFacts } from '../../../../src/core/state/actual.ts';

const signal = new AbortController().signal;
const scope = { environment: 'test', replaces: [] };

describe('an observer whom no event reaches', () => {
  it('asks again for what it remembers by the 20th look', async () => {
    const images = [{ Id: 'sha256:1', RepoTags: ['org/web:1'], RepoDigests: [] }];
    const docker = {
      listContainers: async () => Promise.resolve([]),
      listNetworks: async () => Promise.resolve([]),
      listImages: async () => Promise.resolve(images),
      listVolumes: async () => Promise.resolve({ Volumes: [] }),
    } as unknown as Docker;
    const observer = createObserver(docker, {} as EngineFacts);
    expect((await observer.observe(scope, signal)).images).toHaveLength(1);
    images.pop();
    const seen: number[] = [];
    for (let look = 2; look <= 21; look += 1)
      seen.push((await observer.observe(scope, signal)).images.length);
    expect(seen.at(0)).toBe(1);
    expect(seen.at(-1)).toBe(0);
  });
});

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
  State: {},
  HostConfig: {},
  Config: {},
  NetworkSettings: { Networks: {} },
  Mounts: [],
};

/** `gone`: those whose inspection says 404. */
const engineWith = (lines: readonly object[], gone: readonly string[] = []) => {
  const inspections: string[] = [];
  const docker = {
    listContainers: async () => Promise.resolve(lines),
    listNetworks: async () =>
      Promise.resolve([
        {
          Id: 'n1',
          Name: 'test_edge',
          IPAM: { Config: [{ Subnet: '172.18.0.0/16', Gateway: '172.18.0.1' }] },
        },
        { Id: 'n2', Name: 'six', IPAM: { Config: [{ Subnet: '10.0.0.0/24' }, { Subnet: 'fd00::/64' }] } },
        { Id: 'n3', Name: 'host', IPAM: { Config: null } },
      ]),
    listImages: async () => Promise.resolve([]),
    listVolumes: async () => Promise.resolve({ Volumes: [] }),
    getContainer: (id: string) => ({
      inspect: async () => {
        inspections.push(id);
        if (gone.includes(id)) return Promise.reject(Object.assign(new Error('gone'), { statusCode: 404 }));
        return Promise.resolve({ ...INSPECTED, Id: id });
      },
    }),
  } as unknown as Docker;
  return { observer: createObserver(docker, {} as EngineFacts), inspections };
};

const edgeOf = (environment: string): Record<string, string> => ({
  'io.supercargo.environment': environment,
  'io.supercargo.edge': 'e1',
  'io.supercargo.edge-shape': 'abc',
});

describe('an observer of edges', () => {
  it('knows its own, which is no service, from those of others', async () => {
    const { observer, inspections } = engineWith([
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
    expect(inspections).toEqual(['ours']);
    expect(containers.map((c) => c.detail !== undefined)).toEqual([true, false, false]);
  });

  it('takes one that bears the labels of a service too for an edge', async () => {
    const { observer } = engineWith([
      lineOf('both', {
        ...edgeOf('test'),
        'io.supercargo.service': 'web',
        'io.supercargo.release': 'r1',
        'io.supercargo.replica': '1',
      }),
    ]);
    const [both] = (await observer.observe(scope, signal)).containers;
    expect([both?.edge?.instance, both?.owner]).toEqual(['e1', undefined]);
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
