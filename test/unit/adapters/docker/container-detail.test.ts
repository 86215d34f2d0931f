import type Dockerode from 'dockerode';
import { describe, expect, it } from 'vitest';
import { detailOf, stateOf } from '../../../../src/adapters/docker/container-detail.ts';
import type { ContainerDetail } from '../../../../src/core/state/actual.ts';

const never = '0001-01-01T00:00:00Z';

interface Changes {
  readonly state?: object;
  readonly host?: object;
  readonly config?: object;
  readonly mounts?: readonly object[];
  readonly networks?: object | null;
}

/** What engine 20.10 says of a container that was created and never started. */
const inspected = ({
  state,
  host,
  config,
  mounts = [],
  networks = {},
}: Changes = {}): Dockerode.ContainerInspectInfo =>
  ({
    Created: '2026-11-23T10:00:00.123456789Z',
    RestartCount: 0,
    State: {
      Running: false,
      ExitCode: 0,
      OOMKilled: false,
      Error: '',
      StartedAt: never,
      FinishedAt: never,
      ...state,
    },
    Config: { StopTimeout: 10, ...config },
    HostConfig: {
      RestartPolicy: { Name: '', MaximumRetryCount: 0 },
      Memory: 0,
      MemoryReservation: 0,
      NanoCpus: 0,
      CpuShares: 0,
      CpusetCpus: '',
      PidsLimit: null,
      ...host,
    },
    NetworkSettings: { Networks: networks },
    Mounts: mounts,
  }) as unknown as Dockerode.ContainerInspectInfo;

const fresh: ContainerDetail = {
  createdAtMs: Date.parse('2026-11-23T10:00:00.123Z'),
  startedAtMs: undefined,
  finishedAtMs: undefined,
  exitCode: 0,
  oomKilled: false,
  restartCount: 0,
  health: 'none',
  healthOutput: undefined,
  startFault: undefined,
  autoRemove: false,
  restart: { name: 'no', maxRetries: 0 },
  networks: [],
  volumes: [],
  limits: {
    memoryBytes: 0,
    memorySwapBytes: 0,
    memoryReservationBytes: 0,
    nanoCpus: 0,
    cpuShares: 0,
    cpuset: '',
    pidsLimit: 0,
  },
  stopGraceMs: 10_000,
};

const log = (...outputs: string[]): object[] => outputs.map((Output) => ({ ExitCode: 1, Output }));

describe('what is read from an inspected container', () => {
  it.each<[string, Changes, Partial<ContainerDetail>]>([
    ['never started', {}, {}],
    ['no networks at all', { networks: null }, {}],
    [
      'running, with a network that it failed to join',
      {
        state: { Running: true, Status: 'running' },
        networks: { e_default: { EndpointID: '', IPAddress: '', Aliases: ['web'] } },
      },
      { networks: [] },
    ],
    [
      'started',
      { state: { Running: true, StartedAt: '2026-11-23T10:00:01Z' } },
      { startedAtMs: Date.parse('2026-11-23T10:00:01Z') },
    ],
    [
      'ended',
      { state: { ExitCode: 137, OOMKilled: true, FinishedAt: '2026-11-23T10:00:02Z' } },
      { exitCode: 137, oomKilled: true, finishedAtMs: Date.parse('2026-11-23T10:00:02Z') },
    ],
    [
      'with a health check of its image: what the engine’s 0 leaves to its defaults is absent',
      {
        state: { Health: { Status: 'starting' } },
        config: {
          Healthcheck: { Test: ['CMD', 'x'], Interval: 90e9, Timeout: 0, StartPeriod: 5e8, Retries: 2 },
        },
      },
      { health: 'starting', healthcheck: { intervalMs: 90_000, startPeriodMs: 500, retries: 2 } },
    ],
    ['with a check that is switched off', { config: { Healthcheck: { Test: ['NONE'] } } }, {}],
    ['healthy', { state: { Health: { Status: 'healthy', Log: null } } }, { health: 'healthy' }],
    [
      'unhealthy: the last output, cut',
      { state: { Health: { Status: 'unhealthy', Log: log('first', ` ${'x'.repeat(400)}\n`) } } },
      { health: 'unhealthy', healthOutput: 'x'.repeat(300) },
    ],
    [
      'a check that says nothing',
      { state: { Health: { Status: 'starting', Log: log(' \n') } } },
      { health: 'starting' },
    ],
    [
      'not startable, by its own fault',
      {
        state: {
          ExitCode: 127,
          Error: 'OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown',
        },
      },
      {
        exitCode: 127,
        startFault:
          'it cannot be started: OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown',
      },
    ],
    [
      'not startable, by the fault of the host',
      { state: { ExitCode: 128, Error: 'Bind for 0.0.0.0:80 failed: port is already allocated' } },
      { exitCode: 128 },
    ],
    [
      'running, with an old error',
      { state: { Running: true, Error: 'exec: "nope": executable file not found in $PATH' } },
      {},
    ],
    [
      'armed',
      { host: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } } },
      { restart: { name: 'on-failure', maxRetries: 3 } },
    ],
    ['a policy that we do not know', { host: { RestartPolicy: { Name: 'sometimes' } } }, {}],
    ['no limit written as -1', { host: { PidsLimit: -1 } }, {}],
    [
      'limits',
      {
        host: {
          Memory: 64,
          MemorySwap: 128,
          MemoryReservation: 32,
          NanoCpus: 5e8,
          CpuShares: 512,
          CpusetCpus: '0',
          PidsLimit: 50,
        },
      },
      {
        limits: {
          memoryBytes: 64,
          memorySwapBytes: 128,
          memoryReservationBytes: 32,
          nanoCpus: 5e8,
          cpuShares: 512,
          cpuset: '0',
          pidsLimit: 50,
        },
      },
    ],
    ['no grace of its own', { config: { StopTimeout: null } }, { stopGraceMs: undefined }],
    [
      'networks: an IPv6 address beside another, and alone',
      {
        networks: {
          a: { IPAddress: '10.0.0.2', GlobalIPv6Address: '2001:db8::2' },
          b: { IPAddress: '', GlobalIPv6Address: '2001:db8::3' },
          c: { IPAddress: '' },
        },
      },
      {
        networks: [
          { network: 'a', ip: '10.0.0.2', ipv6: '2001:db8::2', aliases: [] },
          { network: 'b', ip: '2001:db8::3', aliases: [] },
          { network: 'c', ip: '', aliases: [] },
        ],
      },
    ],
    [
      'volumes, and no binds',
      {
        mounts: [
          { Type: 'volume', Name: 'data', Destination: '/data' },
          { Type: 'bind', Source: '/srv', Destination: '/srv' },
        ],
      },
      { volumes: [{ name: 'data', target: '/data' }] },
    ],
  ])('%s', (_what, changes, expected) => {
    expect(detailOf(inspected(changes))).toEqual({ ...fresh, ...expected });
  });

  it.each([
    ['its short id left out, which the engine adds', ['web', 'www', 'db3c0ffee123'], ['web', 'www']],
    ['a name that its id happens to begin with', ['db', 'db3c0ffee123'], ['db']],
    ['none', null, []],
  ])('has the names that it was given: %s', (_what, Aliases, aliases) => {
    const listed = inspected({ networks: { a: { IPAddress: '10.0.0.2', Aliases } } });
    const { networks } = detailOf({ ...listed, Id: `db3c0ffee123${'0'.repeat(52)}` });
    expect(networks).toEqual([{ network: 'a', ip: '10.0.0.2', aliases }]);
  });

  it.each([
    ['asked for', { IPv4Address: '10.0.0.2' }, { fixedIps: ['10.0.0.2'] }],
    ['of IPv6 alone', { IPv6Address: 'FD00:0::2' }, { fixedIps: ['fd00::2'] }],
    ['link-local too', { IPv4Address: '', LinkLocalIPs: ['169.254.1.2'] }, { fixedIps: ['169.254.1.2'] }],
    ['empty', { IPv4Address: '' }, {}],
    ['given by the engine, 20.10', null, {}],
    ['given by the engine, 28', {}, {}],
  ])('has an address that it keeps where it has one: %s', (_what, IPAMConfig, fixed) => {
    const { networks } = detailOf(inspected({ networks: { a: { IPAddress: '', IPAMConfig } } }));
    expect(networks).toEqual([{ network: 'a', ip: '', aliases: [], ...fixed }]);
  });

  it.each([
    ['json-file', null, true],
    ['json-file', { 'max-size': '-1' }, true],
    ['json-file', { 'max-size': '10m' }, undefined],
    ['local', {}, undefined],
    ['journald', null, undefined],
  ])('has a log that grows for ever: %s %j', (Type, Config, isUnlimited) => {
    expect(detailOf(inspected({ host: { LogConfig: { Type, Config } } })).isLogUnlimited).toBe(isUnlimited);
  });

  it('takes a state that it does not know for dead', () => {
    expect(['running', 'paused', 'levitating'].map(stateOf)).toEqual(['running', 'paused', 'dead']);
  });
});
