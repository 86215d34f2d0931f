import type Dockerode from 'dockerode';
import { describe, expect, it } from 'vitest';
import { createNetwork, upperHalf } from '../../../../src/adapters/docker/networks.ts';
import { yieldName } from '../../../../src/adapters/docker/yield-name.ts';
import { DEFAULT_NETWORK } from '../../../../src/core/compose/project-model.ts';

const signal = new AbortController().signal;
const action = {
  kind: 'create-network',
  name: 'test_edge',
  network: 'edge',
  hash: 'h1',
  definition: DEFAULT_NETWORK,
} as const;
const pinned = { ...action, pinned: true } as const;

interface Asked {
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly IPAM?: { readonly Config: readonly object[] };
}

const refused = (statusCode: number, words: string): Error => Object.assign(new Error(words), { statusCode });
const overlap = (): Error => refused(403, 'Pool overlaps with other one on this address space');

/** Gives one subnet after the other; `refuse` sees every pool that is asked for by name. */
const engineGiving = (
  given: readonly { Subnet: string; Gateway?: string }[],
  refuse: (nth: number) => Error | undefined = () => undefined,
) => {
  const calls: string[] = [];
  const asked: Asked[] = [];
  let [made, named] = [0, 0];
  const docker = {
    createNetwork: async ({ _body }: { _body: Asked }) => {
      asked.push(_body);
      const ranges = _body.IPAM?.Config;
      calls.push(ranges ? `create ${JSON.stringify(ranges)}` : 'create');
      const error = ranges && refuse((named += 1));
      if (error) return Promise.reject(error);
      if (!ranges) made += 1;
      const Config = [given[made - 1]];
      return Promise.resolve({
        inspect: async () => Promise.resolve({ IPAM: { Config } }),
        remove: async () => Promise.resolve(calls.push('remove')),
      });
    },
    listNetworks: async () => Promise.resolve([]),
  } as unknown as Dockerode;
  return { docker, calls, asked };
};

const FIRST = { Subnet: '172.18.0.0/16', Gateway: '172.18.0.1' };
const SECOND = { Subnet: '172.19.0.0/16', Gateway: '172.19.0.1' };
const NAMED_FIRST = 'create [{"Subnet":"172.18.0.0/16","IPRange":"172.18.128.0/17","Gateway":"172.18.0.1"}]';
const NAMED_SECOND = 'create [{"Subnet":"172.19.0.0/16","IPRange":"172.19.128.0/17","Gateway":"172.19.0.1"}]';

describe('the upper half of a subnet', () => {
  it.each([
    ['172.18.0.0/16', '172.18.128.0/17'],
    ['10.0.0.0/8', '10.128.0.0/9'],
    ['192.168.32.0/20', '192.168.40.0/21'],
    ['192.168.5.0/24', '192.168.5.128/25'],
    ['255.255.255.240/28', '255.255.255.248/29'],
    ['10.0.0.248/29', '10.0.0.252/30'],
    ['10.0.0.252/30', undefined],
    ['fd00::/64', undefined],
    ['', undefined],
  ])('%s: %s', (subnet, half) => {
    expect(upperHalf(subnet)).toBe(half);
  });
});

describe('a network', () => {
  it('of a service is asked for once, with no pool but the declared one', async () => {
    const { docker, calls } = engineGiving([FIRST]);
    await createNetwork(docker, action, 'test', signal);
    const ipam = { driver: undefined, config: [{ subnet: '10.1.0.0/24' }] };
    await createNetwork(
      docker,
      { ...action, definition: { ...DEFAULT_NETWORK, ipam } } as unknown as typeof action,
      'test',
      signal,
    );
    expect(calls).toEqual(['create', 'create [{"Subnet":"10.1.0.0/24"}]']);
  });

  it('of fixed addresses has the subnet that the engine chose, and leaves the engine its upper half', async () => {
    const { docker, calls, asked } = engineGiving([FIRST]);
    await createNetwork(docker, pinned, 'test', signal);
    expect(calls).toEqual(['create', 'remove', NAMED_FIRST]);
    expect(asked.at(-1)?.Labels).toMatchObject({
      'io.supercargo.environment': 'test',
      'io.supercargo.network': 'edge',
      'io.supercargo.definition': 'h1',
    });
  });

  it('is chosen anew where somebody took the subnet in between', async () => {
    const { docker, calls } = engineGiving([FIRST, SECOND], (nth) => (nth === 1 ? overlap() : undefined));
    await createNetwork(docker, pinned, 'test', signal);
    expect(calls).toEqual(['create', 'remove', NAMED_FIRST, 'create', 'remove', NAMED_SECOND]);
  });

  it('is given up at the third time, and at once for another reason', async () => {
    const taken = engineGiving([FIRST, FIRST, FIRST], overlap);
    await expect(createNetwork(taken.docker, pinned, 'test', signal)).rejects.toThrow('Pool overlaps');
    expect(taken.calls.filter((call) => call === 'remove')).toHaveLength(3);

    const broken = engineGiving([FIRST], () => refused(500, 'no more bridges'));
    await expect(createNetwork(broken.docker, pinned, 'test', signal)).rejects.toThrow('no more bridges');
    expect(broken.calls).toHaveLength(3);
  });

  it('leaves nothing behind where the engine has only small pools, or none of IPv4', async () => {
    const { docker, calls } = engineGiving([{ Subnet: '10.0.0.252/30' }]);
    await expect(createNetwork(docker, pinned, 'test', signal)).rejects.toMatchObject({
      code: 'NETWORK',
      message: 'the engine gave test_edge the subnet 10.0.0.252/30',
      advice: expect.stringContaining('default-address-pools') as string,
    });
    expect(calls).toEqual(['create', 'remove']);
  });

  /** Killed before it was removed: it has to look like none of ours, or no fixed address is ever given in it. */
  it('that only asks for a subnet is not the one that is needed', async () => {
    const { docker, asked } = engineGiving([FIRST]);
    await createNetwork(docker, pinned, 'test', signal);
    const [trial, real] = asked.map((a) => [a.Name, a.Labels['io.supercargo.definition']]);
    expect(real).toEqual(['test_edge', 'h1']);
    expect(trial).not.toContain('test_edge');
    expect(trial).not.toContain('h1');
  });
});

const NAME = { id: 'mine', name: 'test_back' };
interface Twin {
  readonly Id: string;
  readonly Name?: string;
  readonly Created: string;
}
const MINE: Twin = { Id: 'mine', Created: '2026-01-01T00:00:00.5Z' };

/** Lists these networks, one answer after the other and the last one again and again. */
const engineListing = (
  answers: readonly (readonly Twin[])[],
  users: readonly string[] = [],
  refusal?: Error,
) => {
  const calls: string[] = [];
  let asked = 0;
  const docker = {
    listNetworks: async () => {
      const listed = answers[Math.min(asked, answers.length - 1)] ?? [];
      asked += 1;
      return Promise.resolve(listed.map((n) => ({ Name: 'test_back', ...n })));
    },
    listContainers: async ({ all, filters }: { all: boolean; filters: object }) => {
      calls.push(`users ${JSON.stringify({ all, filters })}`);
      return Promise.resolve(users);
    },
    getNetwork: (id: string) => ({
      remove: async () => {
        calls.push(`remove ${id}`);
        if (refusal) throw refusal;
        return Promise.resolve();
      },
    }),
  } as unknown as Dockerode;
  return { docker, calls };
};

const USERS = 'users {"all":true,"filters":{"network":["mine"]}}';

describe('a network that got its name at the same moment as another one', () => {
  const older: Twin = { Id: 'x', Created: '2026-01-01T00:00:00.123456Z' };
  const younger: Twin = { Id: 'x', Created: '2026-01-01T00:00:00.75Z' };
  const twin = (id: string): Twin => ({ Id: id, Created: MINE.Created });

  it.each<[string, readonly (readonly Twin[])[], readonly string[]]>([
    ['is alone', [[MINE]], []],
    ['merely begins with the name', [[MINE, { ...older, Name: 'test_back-2' }]], []],
    ['is the younger one', [[MINE, older]], [USERS, 'remove mine']],
    ['has the larger id of two of one age', [[MINE, twin('a')]], [USERS, 'remove mine']],
    ['has the smaller id of two of one age', [[MINE, twin('z')], [MINE]], []],
    ['is the older one, and the other goes', [[MINE, younger], [MINE, younger], [MINE]], []],
    ['is the older one, and the other stays', [[MINE, younger]], [USERS, 'remove mine']],
  ])('%s', async (_, answers, expected) => {
    const { docker, calls } = engineListing(answers);
    await yieldName(docker, NAME, signal);
    expect(calls).toEqual(expected);
  });

  it('stays if it has containers', async () => {
    const { docker, calls } = engineListing([[MINE, older]], ['c1']);
    await yieldName(docker, NAME, signal);
    expect(calls).toEqual([USERS]);
  });

  it('stays if a container joins it in between, and tells any other failure', async () => {
    const joined = engineListing([[MINE, older]], [], refused(403, 'has active endpoints'));
    await yieldName(joined.docker, NAME, signal);
    const broken = engineListing([[MINE, older]], [], refused(500, 'disk full'));
    await expect(yieldName(broken.docker, NAME, signal)).rejects.toThrow('disk full');
  });
});
