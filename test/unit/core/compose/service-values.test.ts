import { describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../../../../src/core/compose/project-model.ts';
import { SERVICE_KEYS } from '../../../../src/core/compose/service-keys.ts';
import { UNSUPPORTED_SERVICE_KEYS } from '../../../../src/core/compose/unsupported.ts';
import { briefly, parseText, projectOf, webErrors, webFile, webOf } from './parsing.ts';

const TOP =
  'volumes: {data: }\nnetworks: {front: , back: {ipam: {config: [{subnet: 10.1.0.0/16}, {subnet: "fd00::/64"}]}}}\n';
const MINIMAL: ContainerSpec = webOf('').container;

/** Lines of a service, and what they change in the container of a service that is an image only. */
const CONTAINER: readonly (readonly [lines: string, change: Partial<ContainerSpec>])[] = [
  ['command: nginx -g "daemon off;"', { command: ['nginx', '-g', 'daemon off;'] }],
  ['command: [a, "b c", 3]', { command: ['a', 'b c', '3'] }],
  ['command: []', { command: [] }],
  ['command: ""', { command: [] }],
  ['command:', {}],
  ['entrypoint: /bin/run now', { entrypoint: ['/bin/run', 'now'] }],
  ['environment: {B: 2, A: x, E: "", T: true}', { environment: { A: 'x', B: '2', E: '', T: 'true' } }],
  ['environment: [A=x=y, B=, NOBODY]', { environment: { A: 'x=y', B: '' } }],
  ['environment: [A=x, A=x]', { environment: { A: 'x' } }],
  ['environment: {NOBODY: }', {}],
  ['expose: [80, "90-91/udp", "80"]', { expose: ['80/tcp', '90/udp', '91/udp'] }],
  ['labels: {a: b, n: 1}', { labels: { a: 'b', n: '1' } }],
  ['labels: [a=b, c]', { labels: { a: 'b', c: '' } }],
  ['user: 1000', { user: '1000' }],
  ['working_dir: /srv/', { workingDir: '/srv' }],
  ['working_dir: /', { workingDir: '/' }],
  ['cgroup: host', { cgroup: 'host' }],
  ['userns_mode: host', { usernsMode: 'host' }],
  ['runtime: nvidia', { runtime: 'nvidia' }],
  ['gpus: all', { deviceRequests: [{ capabilities: ['gpu'], count: -1 }] }],
  [
    'gpus: [{driver: nvidia, device_ids: ["0", "1"], capabilities: [utility], options: {a: b}}]',
    {
      deviceRequests: [
        { driver: 'nvidia', deviceIds: ['0', '1'], capabilities: ['gpu', 'utility'], options: { a: 'b' } },
      ],
    },
  ],
  [
    'deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 2}, {capabilities: [tpu], count: all}]}}}',
    {
      deviceRequests: [
        { capabilities: ['gpu'], count: 2 },
        { capabilities: ['tpu'], count: -1 },
      ],
    },
  ],
  ['mem_limit: 64m\nmemswap_limit: 1g', { memoryBytes: 67_108_864, memorySwapBytes: 1_073_741_824 }],
  ['memswap_limit: ${NONE:--1}', { memorySwapBytes: -1 }],
  ['oom_kill_disable: true\noom_score_adj: -500', { oomKillDisable: true, oomScoreAdj: -500 }],
  ['oom_kill_disable: false\noom_score_adj: 0', {}],
  ['deploy: {restart_policy: {condition: none}}', {}],
  [
    'deploy: {restart_policy: {condition: unless-stopped}}',
    { restart: { name: 'unless-stopped', maxRetries: 0 } },
  ],
  ['deploy: {restart_policy: {}}', { restart: { name: 'always', maxRetries: 0 } }],
  [
    'restart: on-failure:3\ndeploy: {restart_policy: {condition: on-failure, max_attempts: 3}}',
    { restart: { name: 'on-failure', maxRetries: 3 } },
  ],
  [
    'sysctls: {kernel.shmmax: 9223372036854775807, net.a: 18446744073709551615}',
    { sysctls: { 'kernel.shmmax': '9223372036854775807', 'net.a': '18446744073709551615' } },
  ],
  ['security_opt: ["seccomp=unconfined"]', { securityOpt: ['seccomp=unconfined'] }],
  ['security_opt: [\'seccomp={"a":1}\']', { securityOpt: ['seccomp={"a":1}'] }],
  ['ulimits: {core: {soft: 5, hard: -1}}', { ulimits: [{ name: 'core', soft: 5, hard: -1 }] }],
  ['hostname: h', { hostname: 'h' }],
  ['domainname: d.example', { domainname: 'd.example' }],
  [
    'extra_hosts: ["b:10.0.0.2", a=::1, "c:host-gateway"]',
    { extraHosts: ['a:::1', 'b:10.0.0.2', 'c:host-gateway'] },
  ],
  [
    'extra_hosts: {b: 10.0.0.2, a: [10.0.0.1, "[::1]"]}',
    { extraHosts: ['a:10.0.0.1', 'a:::1', 'b:10.0.0.2'] },
  ],
  ['dns: 9.9.9.9', { dns: ['9.9.9.9'] }],
  ['dns: [9.9.9.9, 1.1.1.1]', { dns: ['9.9.9.9', '1.1.1.1'] }],
  ['dns_search: example.com', { dnsSearch: ['example.com'] }],
  ['dns_opt: ["ndots:2"]', { dnsOptions: ['ndots:2'] }],
  ['init: true', { init: true }],
  ['init: false', { init: false }],
  ['tty: true\nstdin_open: "true"', { tty: true, stdinOpen: true }],
  ['tty: false\nread_only: false\nprivileged: false', {}],
  ['read_only: true\nprivileged: true', { readOnly: true, privileged: true }],
  ['stop_signal: SIGQUIT', { stopSignal: 'SIGQUIT' }],
  ['stop_grace_period: 1m30s', { stopGraceMs: 90_000 }],
  ['restart: always', { restart: { name: 'always', maxRetries: 0 } }],
  ['restart: no', { restart: { name: 'no', maxRetries: 0 } }],
  ['restart: on-failure:3', { restart: { name: 'on-failure', maxRetries: 3 } }],
  ['tmpfs: /run/', { tmpfs: { '/run': '' } }],
  ['tmpfs: ["/run:size=64m,mode=1777", /tmp]', { tmpfs: { '/run': 'size=64m,mode=1777', '/tmp': '' } }],
  ['cap_add: [CAP_NET_ADMIN, chown]\ncap_drop: [ALL]', { capAdd: ['CHOWN', 'NET_ADMIN'], capDrop: ['ALL'] }],
  ['security_opt: [no-new-privileges:true]', { securityOpt: ['no-new-privileges:true'] }],
  [
    'devices: ["/dev/b:/dev/c:r", /dev/a]',
    {
      devices: [
        { source: '/dev/a', target: '/dev/a', permissions: 'rwm' },
        { source: '/dev/b', target: '/dev/c', permissions: 'r' },
      ],
    },
  ],
  [
    'ulimits: {nproc: 65535, core: {soft: 0, hard: -1}}',
    {
      ulimits: [
        { name: 'core', soft: 0, hard: -1 },
        { name: 'nproc', soft: 65_535, hard: 65_535 },
      ],
    },
  ],
  ['sysctls: {net.core.somaxconn: 1024}', { sysctls: { 'net.core.somaxconn': '1024' } }],
  ['sysctls: [net.core.somaxconn=1024]', { sysctls: { 'net.core.somaxconn': '1024' } }],
  ['shm_size: 64m', { shmSizeBytes: 67_108_864 }],
  ['pid: host\nipc: shareable', { pid: 'host', ipc: 'shareable' }],
  ['group_add: [wheel, 44]', { groupAdd: ['44', 'wheel'] }],
  [
    'mem_limit: 1g\nmem_reservation: 512m',
    { memoryBytes: 1_073_741_824, memoryReservationBytes: 536_870_912 },
  ],
  [
    'cpus: 0.5\ncpu_shares: 512\ncpuset: 0-1\npids_limit: 100',
    { nanoCpus: 500_000_000, cpuShares: 512, cpuset: '0-1', pidsLimit: 100 },
  ],
  ['cpus: "2"\npids_limit: -1\nmem_limit: 0', { nanoCpus: 2_000_000_000 }],
  ['cpus: ${CPUS:-1.5}', { nanoCpus: 1_500_000_000 }],
  [
    'deploy: {resources: {limits: {cpus: "0.5", memory: 64m, pids: 9}, reservations: {memory: 32m}}}',
    { nanoCpus: 500_000_000, memoryBytes: 67_108_864, memoryReservationBytes: 33_554_432, pidsLimit: 9 },
  ],
  ['mem_limit: 64m\ndeploy: {resources: {limits: {memory: 65536k}}}', { memoryBytes: 67_108_864 }],
  ['platform: linux/arm64/v8', { platform: 'linux/arm64/v8' }],
  [
    'logging: {driver: syslog, options: {tag: web, max-file: 3}}',
    { logging: { driver: 'syslog', options: { tag: 'web', 'max-file': '3' } } },
  ],
  [
    'healthcheck: {test: curl -f http://localhost, interval: 10s, timeout: 1s, retries: 3, start_period: 5s, start_interval: 500ms}',
    {
      healthcheck: {
        test: ['CMD-SHELL', 'curl -f http://localhost'],
        intervalMs: 10_000,
        timeoutMs: 1000,
        retries: 3,
        startPeriodMs: 5000,
        startIntervalMs: 500,
      },
    },
  ],
  ['healthcheck: {test: [CMD, /up]}', { healthcheck: { test: ['CMD', '/up'] } }],
  ['healthcheck: {test: [NONE]}', { healthcheck: { test: [] } }],
  ['healthcheck: {test: NONE}', { healthcheck: { test: [] } }],
  ['healthcheck: {disable: true}', { healthcheck: { test: [] } }],
  ['network_mode: host', { networkMode: { kind: 'mode', mode: 'host' } }],
  ['network_mode: container:proxy', { networkMode: { kind: 'mode', mode: 'container:proxy' } }],
  [
    'networks: [front, back]',
    {
      networkMode: {
        kind: 'networks',
        attachments: [
          { network: 'back', aliases: [] },
          { network: 'front', aliases: [] },
        ],
      },
    },
  ],
  [
    'networks: {front: , back: {aliases: [w, db, w], ipv4_address: 10.1.0.9, ipv6_address: "FD00::9", link_local_ips: [169.254.1.1], mac_address: "02:42:AC:11:65:43"}}',
    {
      networkMode: {
        kind: 'networks',
        attachments: [
          {
            network: 'back',
            aliases: ['db', 'w'],
            ipv4: '10.1.0.9',
            ipv6: 'fd00::9',
            linkLocalIps: ['169.254.1.1'],
            macAddress: '02:42:ac:11:65:43',
          },
          { network: 'front', aliases: [] },
        ],
      },
    },
  ],
  [
    'networks: {back: , front: {priority: 10}}',
    {
      networkMode: {
        kind: 'networks',
        attachments: [
          { network: 'front', aliases: [], priority: 10 },
          { network: 'back', aliases: [] },
        ],
      },
    },
  ],
];

describe('a container', () => {
  it('has these defaults', () => {
    expect(MINIMAL).toEqual({
      environment: {},
      labels: {},
      stopGraceMs: 10_000,
      restart: { name: 'no', maxRetries: 0 },
      ports: [],
      expose: [],
      mounts: [],
      tmpfs: {},
      networkMode: { kind: 'networks', attachments: [{ network: 'default', aliases: [] }] },
      extraHosts: [],
      dns: [],
      dnsSearch: [],
      dnsOptions: [],
      capAdd: [],
      capDrop: [],
      securityOpt: [],
      devices: [],
      ulimits: [],
      sysctls: {},
      groupAdd: [],
    });
  });

  it.each(CONTAINER)('with %s', (lines, change) => {
    expect(webOf(lines, TOP).container).toEqual({ ...MINIMAL, ...change });
  });

  it.each(['false', 'no', '${NONE:-no}'])('takes restart: %s for "no", with a hint', (word) => {
    const project = projectOf(webFile(`restart: ${word}`));
    expect([
      project.services['web']?.container.restart.name,
      project.hints.map((hint) => `${hint.line} ${hint.path}`),
    ]).toEqual(['no', ['4 services.web.restart']]);
  });
});

const tcp = (hostPort: number | undefined, containerPort: number, hostAddress = '') => ({
  hostAddress,
  hostPort,
  containerPort,
  protocol: 'tcp',
});

describe('ports', () => {
  it.each([
    ['80', [tcp(undefined, 80)]],
    ['"8080:80"', [tcp(8080, 80)]],
    ['80:8888', [tcp(80, 8888)]],
    ['"8080:80/tcp"', [tcp(8080, 80)]],
    ['"53:53/udp"', [{ ...tcp(53, 53), protocol: 'udp' }]],
    ['"127.0.0.1:8080:80"', [tcp(8080, 80, '127.0.0.1')]],
    ['"127.0.0.1::80"', [tcp(undefined, 80, '127.0.0.1')]],
    ['"[::1]:8080:80"', [tcp(8080, 80, '::1')]],
    ['"[::]::80"', [tcp(undefined, 80, '::')]],
    ['"2001:db8::1:8080:80"', [tcp(8080, 80, '2001:db8::1')]],
    ['"::1::80"', [tcp(undefined, 80, '::1')]],
    ['80-81', [tcp(undefined, 80), tcp(undefined, 81)]],
    ['"8080-8081:80-81"', [tcp(8080, 80), tcp(8081, 81)]],
    ['80, 80', [tcp(undefined, 80)]],
    ['"22073:8888", "22074:5005"', [tcp(22_073, 8888), tcp(22_074, 5005)]],
    ['{target: 80}', [tcp(undefined, 80)]],
    [
      '{target: 80, published: "8080", host_ip: 127.0.0.1, protocol: tcp, mode: host, name: web}',
      [tcp(8080, 80, '127.0.0.1')],
    ],
    ['{target: 80, published: 8080, app_protocol: http}', [{ ...tcp(8080, 80), appProtocol: 'http' }]],
  ])('of [%s]', (written, ports) => {
    expect(webOf(`ports: [${written}]`).container.ports).toEqual(ports);
  });

  it.each([
    '0',
    '65536',
    '"0:80"',
    '"80:70000"',
    '"a:80"',
    '"80/foo"',
    '"1:2:3:4"',
    '""',
    '"81-80"',
    '"80:80/tcp/x"',
    '{target: 0}',
    '{published: 80}',
    '"host:80:80"',
    '"8000-8002:80"',
    '{target: 80, published: 80-90}',
  ])('refuse [%s]', (written) => {
    expect(webErrors(`ports: [${written}]`)).toEqual([
      expect.stringMatching(/^4 services\.web\.ports\[0\].* → ./),
    ]);
  });
});

const bind = { kind: 'bind', source: '/etc/supercargo/x', target: '/x', readOnly: false, createSource: true };
const volume = { kind: 'volume', name: 'data', target: '/d', readOnly: false };

describe('volumes', () => {
  it.each([
    ['data:/d', volume],
    ['"data:/d:rw"', volume],
    ['"data:/d:Z"', { ...volume, selinux: 'Z' }],
    ['"data:/d:z,ro"', { ...volume, readOnly: true, selinux: 'z' }],
    ['"data:/d/:ro,nocopy"', { ...volume, readOnly: true, noCopy: true }],
    ['./x:/x', bind],
    ['../x:/x', { ...bind, source: '/etc/x' }],
    ['/etc/supercargo/a/../x/:/x', bind],
    ['"./x:/x:ro,Z,rslave"', { ...bind, readOnly: true, selinux: 'Z', propagation: 'rslave' }],
    ['/anon', { kind: 'anonymous', target: '/anon', readOnly: false }],
    [
      '{type: volume, source: data, target: /d, read_only: true, volume: {nocopy: true, subpath: s}}',
      { ...volume, readOnly: true, noCopy: true, subpath: 's' },
    ],
    ['{type: volume, target: /anon}', { kind: 'anonymous', target: '/anon', readOnly: false }],
    [
      '{type: bind, source: ./x, target: /x, bind: {propagation: shared, selinux: z}}',
      { ...bind, createSource: false, propagation: 'shared', selinux: 'z' },
    ],
    ['{type: bind, source: ./x, target: /x, bind: {create_host_path: true}}', bind],
    [
      '{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0o1777}}',
      { kind: 'tmpfs', target: '/t', sizeBytes: 1_048_576, mode: 0o1777 },
    ],
    ['{type: tmpfs, target: /t, tmpfs: {mode: 0700}}', { kind: 'tmpfs', target: '/t', mode: 0o700 }],
  ])('of [%s]', (written, mount) => {
    expect(webOf(`volumes: [${written}]`, TOP).container.mounts).toEqual([mount]);
  });

  it.each([
    ['nodata:/d', 'volume "nodata" is not defined'],
    ['{type: tmpfs, target: /t, tmpfs: {size: 0.0001}}', '"0.0001" is not a size'],
    ['relative', '"relative" is not an absolute path in the container'],
    ['~/x:/x', '"~" has no meaning: the agent has no home folder'],
    ['"data:/d:shared"', '"shared" is not an option of this volume'],
    ['"./x:/x:nocopy"', '"nocopy" is not an option of this volume'],
    ['"./x:/x:ro,rw"', '"ro,rw" is not an option of this volume'],
    ['"a:b:c:d"', '"a:b:c:d" is not a volume'],
    ['"./x:/"', 'cannot be "/"'],
    ['{type: npipe, target: /x}', '"npipe" is not supported here'],
    ['{target: /x}', 'has no type'],
    ['{type: bind, target: /x}', 'a bind mount needs a source'],
    ['{type: volume, source: data}', 'has no target'],
    ['{type: tmpfs, source: data, target: /x}', 'a tmpfs has no source'],
    ['{type: volume, target: /x, bind: {selinux: z}}', 'has options of a bind, but is a volume'],
    ['{type: tmpfs, target: /x, tmpfs: {mode: 1777}}', '"1777" is not an octal mode'],
    ['{type: volume, source: data, target: /x, consistency: cached}', '"consistency" is not supported'],
    ['/a, {type: tmpfs, target: /a}', '/a is mounted twice'],
  ])('refuse [%s]', (written, message) => {
    expect(webErrors(`volumes: [${written}]`, TOP)).toEqual([expect.stringContaining(`: ${message} → `)]);
  });
});

describe('a service', () => {
  it('has these defaults beside its container', () => {
    const { container: _container, ...rest } = webOf('');
    expect(rest).toEqual({
      name: 'web',
      image: 'org/web',
      containerName: undefined,
      replicas: 1,
      update: { order: 'stop-first', parallelism: 1, delayMs: 0, monitorMs: 5000, failureAction: 'rollback' },
      dependsOn: [],
      pullPolicy: 'missing',
      healthyWithinMs: 60_000,
      drainMs: 30_000,
      ready: undefined,
      versionFrom: undefined,
      replaces: undefined,
    });
  });

  it.each([
    ['container_name: web', { containerName: 'web' }],
    ['deploy: {replicas: 3}', { replicas: 3 }],
    ['scale: 3', { replicas: 3 }],
    [
      'deploy: {update_config: {order: start-first, parallelism: 0, delay: 1s, monitor: 2s, failure_action: pause}}',
      {
        update: {
          order: 'start-first',
          parallelism: 0,
          delayMs: 1000,
          monitorMs: 2000,
          failureAction: 'pause',
        },
      },
    ],
    ['pull_policy: if_not_present', { pullPolicy: 'missing' }],
    ['pull_policy: always', { pullPolicy: 'always' }],
    [
      'x-supercargo: {drain: 1m, healthy-within: 2m, replaces: old-web}',
      { drainMs: 60_000, healthyWithinMs: 120_000, replaces: 'old-web' },
    ],
    ['x-supercargo: {ready: {http: /up, port: 8888}}', { ready: { kind: 'http', path: '/up', port: 8888 } }],
    [
      'x-supercargo: {ready: {http: /up, port: 8888, host: www.example.com, headers: {X-B: "1", A: b c}}}',
      {
        ready: {
          kind: 'http',
          path: '/up',
          port: 8888,
          headers: { a: 'b c', 'x-b': '1', host: 'www.example.com' },
        },
      },
    ],
    ['x-supercargo: {ready: {tcp: 8888}}', { ready: { kind: 'tcp', port: 8888 } }],
    ['x-anything: [goes, {here: $}]', {}],
  ])('with %s', (lines, change) => {
    expect(webOf(lines)).toEqual({ ...webOf(''), ...change });
  });

  it('waits for others, sorted by name', () => {
    const others = '  a: {image: org/a}\n  b: {image: org/b}\n  c: {image: org/c}\n';
    const lines =
      'depends_on: {c: {condition: service_completed_successfully}, a: {condition: service_healthy, required: true, restart: false}, b: {}}';
    expect(webOf(lines, others).dependsOn).toEqual([
      { service: 'a', condition: 'healthy' },
      { service: 'b', condition: 'started' },
      { service: 'c', condition: 'completed' },
    ]);
    expect(webOf('depends_on: [b, a]', others).dependsOn).toEqual([
      { service: 'a', condition: 'started' },
      { service: 'b', condition: 'started' },
    ]);
  });

  it('has this public surface', () => {
    expect({
      supported: Object.keys(SERVICE_KEYS).toSorted(),
      advised: Object.keys(UNSUPPORTED_SERVICE_KEYS).toSorted(),
    }).toMatchSnapshot();
  });

  it.each(Object.entries(UNSUPPORTED_SERVICE_KEYS))('refuses %s with advice of its own', (key, advice) => {
    expect(webErrors(`${key}: 1`)).toEqual([`4 services.web.${key}: "${key}" is not supported → ${advice}`]);
  });

  it('supports no key that it also refuses', () => {
    expect(Object.keys(UNSUPPORTED_SERVICE_KEYS).filter((key) => Object.hasOwn(SERVICE_KEYS, key))).toEqual(
      [],
    );
  });

  it('needs an image', () => {
    expect(briefly(parseText('services:\n  web: {}\n'))).toEqual([
      '2 services.web: has no image → add image: REPOSITORY; the manifest says which version',
    ]);
  });
});
