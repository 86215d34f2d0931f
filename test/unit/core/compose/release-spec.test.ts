import { describe, expect, it } from 'vitest';
import {
  hashWith,
  networkHash,
  releaseId,
  SPEC_VERSIONS,
  specHash,
  specVersionOf,
  volumeHash,
} from '../../../../src/core/compose/release-spec.ts';
import { FOLDER, projectOf, webFile } from './parsing.ts';

const TOP = 'volumes: {data: }\nnetworks: {a: , b: }\n';

const hashOf = (lines: string, top = TOP, read = {}): string => {
  const project = projectOf(webFile(lines, top), read);
  const service = project.services['web'];
  if (service === undefined) throw new Error('no service web');
  return specHash(service, project);
};

const secretHash = (sha256: string): string =>
  hashOf('secrets: [k]', 'secrets: {k: {file: /k}}', { '/k': { kind: 'hash', sha256 } });

/** Two ways to write the same. */
const EQUAL: readonly (readonly [string, string])[] = [
  ['ports: ["80:8888"]', 'ports: [{target: 8888, published: "80"}]'],
  ['ports: ["80:80", "90:90"]', 'ports: ["90:90", "80:80"]'],
  ['ports: ["80-81:80-81"]', 'ports: ["81:81", "80:80/tcp"]'],
  ['ports: ["[0:0::1]:80:80"]', 'ports: ["[::1]:80:80"]'],
  ['volumes: ["data:/d:ro"]', 'volumes: [{type: volume, source: data, target: /d/, read_only: true}]'],
  ['volumes: ["./x:/x"]', `volumes: ["${FOLDER}/x:/x:rw"]`],
  ['volumes: [/a, /b]', 'volumes: [/b, /a]'],
  ['environment: {A: 1, B: x}', 'environment: [B=x, "A=1"]'],
  ['environment: {A: 1}', 'environment: {A: "${NONE:-1}"}'],
  ['labels: {a: b}', 'labels: [a=b]'],
  ['command: a "b c"', 'command: [a, b c]'],
  ['healthcheck: {test: x y}', 'healthcheck: {test: [CMD-SHELL, x y]}'],
  ['healthcheck: {disable: true}', 'healthcheck: {test: [NONE]}'],
  ['networks: [a, b]', 'networks: {b: {aliases: []}, a: {priority: 0}}'],
  ['mem_limit: 1g', 'deploy: {resources: {limits: {memory: 1024m}}}'],
  ['cpus: 0.5', 'deploy: {resources: {limits: {cpus: "0.50"}}}'],
  ['extra_hosts: ["a:10.0.0.1"]', 'extra_hosts: {a: 10.0.0.1}'],
  ['cap_add: [CAP_CHOWN, KILL]', 'cap_add: [kill, chown]'],
  ['ulimits: {core: 1}', 'ulimits: {core: {hard: 1, soft: 1}}'],
  ['devices: [/dev/a]', 'devices: [{source: /dev/a, target: /dev/a, permissions: rwm}]'],
  ['dns: 1.1.1.1', 'dns: [1.1.1.1]'],
  ['tmpfs: /t', 'tmpfs: [/t]'],
  ['tty: false', ''],
  ['restart: "no"', ''],
  ['stop_grace_period: 10000ms', ''],
  ['user: "1"\nhostname: h', 'hostname: h\nuser: 1'],
  ['x-note: 1', ''],
  ['init: true', 'init: "true"'],
];

/** Changes that are not the container's. */
const INDIFFERENT: readonly string[] = [
  'deploy: {replicas: 3, update_config: {delay: 1s, monitor: 9s, failure_action: pause}}',
  'x-supercargo: {drain: 1s, healthy-within: 1s, ready: {tcp: 1}, replaces: old}',
  'x-supercargo: {ready: {http: /up, port: 1, host: h, headers: {a: b}}}',
  'pull_policy: always',
];

describe('the spec hash', () => {
  it.each(EQUAL)('of "%s" is that of "%s"', (one, other) => {
    expect(hashOf(one)).toBe(hashOf(other));
  });

  it.each(INDIFFERENT)('does not depend on %s', (lines) => {
    expect(hashOf(lines)).toBe(hashOf(''));
  });

  it('differs for everything that changes the container', () => {
    const hashes = [
      '',
      ...EQUAL.slice(0, 22).map(([one]) => one),
      'container_name: n',
      'environment: {A: 2, B: x}',
    ].map((lines) => hashOf(lines));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('follows the definitions that the service uses, and no others', () => {
    const lines = 'networks: [a]\nvolumes: ["data:/d"]';
    const base = hashOf(lines);
    expect(hashOf(lines, 'volumes: {data: }\nnetworks: {a: , b: {internal: true}, c: }\n')).toBe(base);
    expect(hashOf(lines, 'volumes: {data: }\nnetworks: {a: {internal: true}, b: }\n')).not.toBe(base);
    expect(hashOf(lines, 'volumes: {data: {driver: nfs}}\nnetworks: {a: , b: }\n')).not.toBe(base);
  });

  it('follows the content of secrets', () => {
    expect([secretHash('a') === secretHash('a'), secretHash('a') === secretHash('b')]).toEqual([true, false]);
  });

  it('never changes for what runs already: these are golden values', () => {
    const rich = `command: run "all things"
ports: ["80:8888", "127.0.0.1:53:53/udp"]
environment: {NODE_ENV: production}
volumes: ["data:/data", "./x:/x:ro", /anon]
networks: {a: {aliases: [w]}, b: }
restart: always
healthcheck: {test: [CMD, /up], interval: 10s}
logging: {driver: syslog}
mem_limit: 512m
cpus: 1.5
container_name: web`;
    expect([hashOf(''), hashOf(rich)]).toMatchInlineSnapshot(`
      [
        "1:81316334572893bf7885dbafec3f04a61a697ce935209c07e79b66828420cb1a",
        "1:48f26bfc346b3969f9f834d6081e771889f88307515e61000d7852da7ca725ea",
      ]
    `);
  });

  it('says its version, and every version stays computable', () => {
    const project = projectOf(webFile('', TOP));
    const service = project.services['web'];
    expect(Object.keys(SPEC_VERSIONS)).toEqual(['1']);
    expect(service && hashWith('1', service, project)).toMatch(/^1:[0-9a-f]{64}$/);
    expect([
      specVersionOf('1:00'),
      specVersionOf('2:00'),
      specVersionOf('toString:0'),
      specVersionOf(''),
    ]).toEqual(['1', undefined, undefined, undefined]);
  });
});

describe('definition hashes', () => {
  it('are 16 hex digits, equal for equal definitions', () => {
    const { networks, volumes } = projectOf(
      'networks: {a: {internal: true, driver: bridge}, b: {driver: bridge, internal: true}, c: }\nvolumes: {v: , w: {driver: nfs}}',
    );
    const [a, b, c] = Object.values(networks).map(networkHash);
    const [v, w] = Object.values(volumes).map(volumeHash);
    expect([a === b, a === c, v === w]).toEqual([true, false, false]);
    expect([a, v].map((hash) => /^[0-9a-f]{16}$/.test(hash ?? ''))).toEqual([true, true]);
  });
});

describe('a release', () => {
  it('is named by service, spec and digest, whatever their order', () => {
    expect(releaseId({ service: 'web', specHash: '1:00', digest: 'sha256:00' })).toMatchInlineSnapshot(
      `"d1486ae253138bf4505058aa93d1bad4e0cfed17ad9d9962215e90861a82d87f"`,
    );
    expect(releaseId({ digest: 'sha256:00', specHash: '1:00', service: 'web' })).toBe(
      releaseId({ service: 'web', specHash: '1:00', digest: 'sha256:00' }),
    );
  });

  it('is another one where any of them differs', () => {
    const base = { service: 'web', specHash: '1:00', digest: 'sha256:00' };
    const ids = [
      base,
      { ...base, service: 'w' },
      { ...base, specHash: '1:01' },
      { ...base, digest: 'sha256:01' },
    ].map(releaseId);
    expect(new Set(ids).size).toBe(4);
  });
});
