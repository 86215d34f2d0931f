import { describe, expect, it } from 'vitest';
import { createBody, endpointOf } from '../../../../src/adapters/docker/create-body.ts';
import type { ImageConfig } from '../../../../src/adapters/docker/image-config.ts';
import { AgentError } from '../../../../src/core/errors.ts';
import type { CreateContainer } from '../../../../src/core/plan/action.ts';
import { SOME_DIGEST, createOf, releaseOf } from '../../../support/release-of.ts';

const bodyOf = (
  settings: string,
  changes: Partial<CreateContainer> = {},
  { api = '1.41', top = '', image = {} }: { api?: string; top?: string; image?: ImageConfig } = {},
): Record<string, unknown> => ({
  ...createBody(createOf(releaseOf(settings, undefined, top), 'test-web-1', changes), 'test', api, image),
});
const hostOf = (...args: Parameters<typeof bodyOf>): Record<string, unknown> =>
  bodyOf(...args)['HostConfig'] as Record<string, unknown>;

const networks = { back: 'test_back', front: 'test_front' };
const top = 'networks: {front: , back: }';
const two = 'networks: {front: {priority: 5, aliases: [www]}, back: }';

describe('the body of a create call', () => {
  it('says of a bare service only what has to be said', () => {
    const action = createOf(releaseOf('restart: "no"'), 'test-web-1', {
      networks: { default: 'test_default' },
    });
    const { id, specHash } = action.release;
    expect(createBody(action, 'test', '1.41')).toEqual({
      name: 'test-web-1',
      Image: SOME_DIGEST,
      StopTimeout: 10,
      Labels: {
        'com.docker.compose.container-number': '1',
        'com.docker.compose.oneoff': 'False',
        'com.docker.compose.project': 'supercargo-test',
        'com.docker.compose.service': 'web',
        'io.supercargo.environment': 'test',
        'io.supercargo.release': id,
        'io.supercargo.replica': '1',
        'io.supercargo.restart': 'no',
        'io.supercargo.serial': '7',
        'io.supercargo.service': 'web',
        'io.supercargo.spec': specHash,
        'io.supercargo.version': '1.0.0',
      },
      HostConfig: { NetworkMode: 'test_default', RestartPolicy: { Name: 'no' } },
      NetworkingConfig: { EndpointsConfig: { test_default: { Aliases: ['web'] } } },
    });
  });

  it.each([
    ['always', { Name: 'always' }],
    ['unless-stopped', { Name: 'unless-stopped' }],
    ['on-failure:3', { Name: 'on-failure', MaximumRetryCount: 3 }],
  ])('arms %s only where no other container of the replica is armed', (restart, armed) => {
    expect(hostOf(`restart: ${restart}`)['RestartPolicy']).toEqual(armed);
    expect(hostOf(`restart: ${restart}`, { armed: false })['RestartPolicy']).toEqual({ Name: 'no' });
  });

  it('rounds the grace up: the engine counts in seconds', () => {
    expect(bodyOf('stop_grace_period: 1500ms')['StopTimeout']).toBe(2);
  });

  it.each<[string, string, ImageConfig['Entrypoint'], object]>([
    ['the entrypoint alone', 'command: []', ['run', '--now'], { Cmd: [], Entrypoint: ['run', '--now'] }],
    ['its own entrypoint alone', 'command: ""\nentrypoint: mine', ['run'], { Cmd: [], Entrypoint: ['mine'] }],
    ['nothing, which engines refuse', 'command: []', null, { Cmd: [], Entrypoint: [''] }],
    ['nothing either', 'command: []\nentrypoint: []', ['run'], { Cmd: [], Entrypoint: [''] }],
    ['the command alone', 'entrypoint: []', ['run'], { Entrypoint: [] }],
  ])('an empty command or entrypoint leaves %s', (_what, settings, Entrypoint, expected) => {
    const { Cmd, Entrypoint: asked } = bodyOf(settings, {}, { image: { Entrypoint, Cmd: ['args'] } });
    expect({ Cmd, Entrypoint: asked }).toEqual(expected);
  });

  it('leaves the entrypoint of the image to the engine', () => {
    expect(bodyOf('command: [a]', {}, { image: { Entrypoint: ['run'] } })).toMatchObject({ Cmd: ['a'] });
    expect(bodyOf('command: [a]', {}, { image: { Entrypoint: ['run'] } })).not.toHaveProperty('Entrypoint');
    expect(Object.keys(bodyOf(''))).not.toContain('Cmd');
  });

  it('turns a disabled health check into NONE, and leaves the rest of a partial one to the image', () => {
    expect(bodyOf('healthcheck: {disable: true}')['Healthcheck']).toEqual({ Test: ['NONE'] });
    expect(bodyOf('healthcheck: {interval: 1500ms}')['Healthcheck']).toEqual({ Interval: 1_500_000_000 });
  });
});

describe('the settings of the host', () => {
  it('are called as the engine calls them', () => {
    const settings = `cgroup: host
userns_mode: host
runtime: nvidia
gpus: all
mem_limit: 64m
memswap_limit: 128m
oom_kill_disable: true
oom_score_adj: 500
deploy: {resources: {reservations: {devices: [{driver: d, device_ids: [a], capabilities: [x, y], options: {o: p}}]}}}`;
    expect(hostOf(settings)).toMatchObject({
      CgroupnsMode: 'host',
      UsernsMode: 'host',
      Runtime: 'nvidia',
      Memory: 67_108_864,
      MemorySwap: 134_217_728,
      OomKillDisable: true,
      OomScoreAdj: 500,
      DeviceRequests: [
        { Count: -1, Capabilities: [['gpu']] },
        { Driver: 'd', DeviceIDs: ['a'], Capabilities: [['x', 'y']], Options: { o: 'p' } },
      ],
    });
  });

  it('relabel a volume for SELinux', () => {
    expect(
      hostOf('volumes: ["v:/v:Z,nocopy"]', { volumes: { v: 'test_v' } }, { top: 'volumes: {v: }' }),
    ).toMatchObject({
      Binds: ['test_v:/v:rw,Z,nocopy'],
    });
  });
});

describe('networks in a create call', () => {
  it('are the first one below API 1.44, which drops the others', () => {
    const { EndpointsConfig } = bodyOf(two, { networks }, { top })['NetworkingConfig'] as {
      EndpointsConfig: object;
    };
    expect(EndpointsConfig).toEqual({ test_front: { Aliases: ['web', 'www'] } });
  });

  it('are all of them from API 1.44 on', () => {
    const body = bodyOf(two, { networks }, { top, api: '1.44' });
    expect(body['NetworkingConfig']).toEqual({
      EndpointsConfig: { test_front: { Aliases: ['web', 'www'] }, test_back: { Aliases: ['web'] } },
    });
  });

  const withMac = 'networks: {front: {priority: 5, mac_address: "02:42:AC:11:65:43"}, back: }';

  it('have the MAC address where the engine reads it', () => {
    expect(bodyOf(withMac, { networks }, { top })['MacAddress']).toBe('02:42:ac:11:65:43');
    expect(Object.keys(bodyOf(withMac, { networks }, { top, api: '1.44' }))).not.toContain('MacAddress');
  });

  it('are refused where the engine would drop a MAC address', () => {
    const other = 'networks: {front: {priority: 5}, back: {mac_address: "02:42:ac:11:65:43"}}';
    expect(() => bodyOf(other, { networks }, { top })).toThrow(AgentError);
    expect(() => bodyOf(other, { networks }, { top, api: '1.44' })).not.toThrow();
  });

  it('have fixed addresses, and the name of the service once', () => {
    const attachment = {
      network: 'back',
      aliases: ['web', 'api'],
      ipv4: '10.0.0.9',
      linkLocalIps: ['169.254.8.8'],
    };
    expect(endpointOf(attachment, 'web')).toEqual({
      Aliases: ['web', 'api'],
      IPAMConfig: { IPv4Address: '10.0.0.9', LinkLocalIPs: ['169.254.8.8'] },
    });
  });

  it('are none with a network mode', () => {
    const body = bodyOf('network_mode: host');
    expect([body['NetworkingConfig'], body['HostConfig']]).toEqual([
      undefined,
      { NetworkMode: 'host', RestartPolicy: { Name: 'no' } },
    ]);
  });
});

describe('mounts in a create call', () => {
  const volumes = { data: 'test_data' };
  const definition = 'volumes: {data: }';

  it.each([
    ['a volume by its name', 'data:/data', ['test_data:/data:rw']],
    ['read-only', 'data:/data:ro', ['test_data:/data:ro']],
    ['without a copy', 'data:/data:nocopy', ['test_data:/data:rw,nocopy']],
    ['a folder that the engine makes', '/srv/a:/a', ['/srv/a:/a:rw']],
    ['SELinux and propagation', '/srv/a:/a:ro,Z,rslave', ['/srv/a:/a:ro,Z,rslave']],
  ])('are binds in the short form: %s', (_what, mount, binds) => {
    const host = hostOf(`volumes: ['${mount}']`, { volumes }, { top: definition });
    expect([host['Binds'], host['Mounts']]).toEqual([binds, undefined]);
  });

  it.each([
    [
      'a bind whose source has to exist',
      '{type: bind, source: /srv/a, target: /a}',
      { Type: 'bind', Source: '/srv/a', Target: '/a', ReadOnly: false },
    ],
    [
      'a part of a volume',
      '{type: volume, source: data, target: /a, volume: {subpath: b}}',
      {
        Type: 'volume',
        Source: 'test_data',
        Target: '/a',
        ReadOnly: false,
        VolumeOptions: { NoCopy: false, Subpath: 'b' },
      },
    ],
    [
      'memory',
      '{type: tmpfs, target: /a, tmpfs: {size: 1m, mode: 0o1777}}',
      { Type: 'tmpfs', Source: '', Target: '/a', TmpfsOptions: { SizeBytes: 1_048_576, Mode: 0o1777 } },
    ],
  ])('are typed where a bind can not say it: %s', (_what, mount, typed) => {
    const host = hostOf(`volumes: [${mount}]`, { volumes }, { top: definition });
    expect([host['Binds'], host['Mounts']]).toEqual([undefined, [typed]]);
  });

  it('carry over anonymous volumes that the spec or the new image declares, and no others', () => {
    const carried = { '/state': 'a'.repeat(64), '/image': 'b'.repeat(64), '/old': 'c'.repeat(64) };
    const image = { Volumes: { '/image/': {}, '/more': {} } };
    const body = bodyOf('volumes: [/state, /fresh]', { carried }, { image });
    expect(body['Volumes']).toEqual({ '/fresh': {} });
    expect((body['HostConfig'] as Record<string, unknown>)['Binds']).toEqual([
      `${'a'.repeat(64)}:/state:rw`,
      `${'b'.repeat(64)}:/image`,
    ]);
  });
});

describe('ports in a create call', () => {
  it('are bound and exposed; one container port may have several', () => {
    const body = bodyOf("ports: ['80:8888', '127.0.0.1:81:8888', '9000', '53:53/udp']\nexpose: ['7000']");
    expect(body['ExposedPorts']).toEqual({ '8888/tcp': {}, '9000/tcp': {}, '53/udp': {}, '7000/tcp': {} });
    expect((body['HostConfig'] as Record<string, unknown>)['PortBindings']).toEqual({
      '53/udp': [{ HostIp: '', HostPort: '53' }],
      '8888/tcp': [
        { HostIp: '', HostPort: '80' },
        { HostIp: '127.0.0.1', HostPort: '81' },
      ],
      '9000/tcp': [{ HostIp: '', HostPort: '' }],
    });
  });
});

const endpointsOf = (...args: Parameters<typeof bodyOf>): unknown =>
  (bodyOf(...args)['NetworkingConfig'] as Record<string, unknown>)['EndpointsConfig'];

describe('a container behind the edge', () => {
  const startFirst = 'deploy: {update_config: {order: start-first}}';
  const published = `ports: ['80:8888']\n${startFirst}`;
  const edge = { network: 'test_edge', ip: '172.18.0.2' };

  it('publishes nothing, and still exposes its port', () => {
    const body = bodyOf(published, { edge, networks: { default: 'test_default' } });
    expect(body['ExposedPorts']).toEqual({ '8888/tcp': {} });
    expect(body['HostConfig']).toEqual({ NetworkMode: 'test_edge', RestartPolicy: { Name: 'no' } });
  });

  it('has its fixed address and no name on the edge network, which comes first', () => {
    const onEdge = { IPAMConfig: { IPv4Address: '172.18.0.2' } };
    const settings = `${two}\n${published}`;
    expect(endpointsOf(settings, { edge, networks }, { top })).toEqual({ test_edge: onEdge });
    expect(endpointsOf(settings, { edge, networks }, { top, api: '1.44' })).toEqual({
      test_edge: onEdge,
      test_front: { Aliases: ['web', 'www'] },
      test_back: { Aliases: ['web'] },
    });
  });

  it('publishes as before where it is stop-first', () => {
    expect(hostOf("ports: ['80:8888']")['PortBindings']).toEqual({
      '8888/tcp': [{ HostIp: '', HostPort: '80' }],
    });
  });
});

describe('a container that nobody may find yet', () => {
  const startFirst = 'deploy: {update_config: {order: start-first}}';

  it('has no name on any network, not even a declared one', () => {
    const body = bodyOf(`${two}\n${startFirst}`, { named: false, networks }, { top, api: '1.44' });
    expect(body['NetworkingConfig']).toEqual({ EndpointsConfig: { test_front: {}, test_back: {} } });
  });

  it('keeps what else was declared of its endpoint', () => {
    const attachment = { network: 'back', aliases: ['api'], ipv6: 'fd00::9' };
    expect(endpointOf(attachment, undefined)).toEqual({ IPAMConfig: { IPv6Address: 'fd00::9' } });
  });
});
