import { describe, expect, it } from 'vitest';
import { specHash } from '../../../../src/core/compose/release-spec.ts';
import { exposureOf } from '../../../../src/core/compose/start-first-checks.ts';
import { briefly, MAIN, parseText, projectOf, webErrors, webFile, webOf } from './parsing.ts';

const START_FIRST = 'deploy: {update_config: {order: start-first}}';
const TOP =
  'volumes: {data: }\nnetworks: {a: {ipam: {config: [{subnet: 10.0.0.0/24}, {subnet: "fd00::/64"}]}}, b: }\n';

const startFirst = (lines: string): string => `${lines}\n${START_FIRST}`;

const EXPOSURES: readonly (readonly [lines: string, exposure: 'edge' | 'alias' | undefined])[] = [
  ['ports: ["80:80"]', undefined],
  ['ports: ["80:80"]\ndeploy: {update_config: {order: stop-first}}', undefined],
  [startFirst('ports: ["80:80"]'), 'edge'],
  [startFirst('ports: ["127.0.0.1:80-81:80-81/tcp"]'), 'edge'],
  [startFirst('ports: [{target: 80, published: 80, app_protocol: http}]'), 'edge'],
  [startFirst('user: "1"'), 'alias'],
  [startFirst('ports: []'), 'alias'],
  [startFirst('expose: ["80"]'), 'alias'],
  [startFirst('network_mode: none'), 'alias'],
  [startFirst('restart: "no"'), 'alias'],
];

describe('the exposure', () => {
  it.each(EXPOSURES)('with %j is %s', (lines, exposure) => {
    expect(exposureOf(webOf(lines))).toBe(exposure);
  });
});

const NAME =
  'several containers cannot have the same name → remove it, or use one replica and order: stop-first';
const ADDRESS =
  'several containers cannot have the same address → remove the fixed addresses, or use one replica and order: stop-first';
const UDP = 'start-first cannot hand over a UDP or SCTP port → use order: stop-first';
const mode = (word: string): string =>
  `4 services.web.network_mode: start-first cannot switch a service with network_mode ${word} → use networks: instead, or order: stop-first`;
const volume = (target: string): string =>
  `the anonymous volume ${target} cannot be in two containers → give it a name at the top level, or use order: stop-first`;
const floating = (port: number): string =>
  `start-first needs to know the host port of ${String(port)} → name it (for example "8080:${String(port)}"), or use order: stop-first`;

/** What `stop-first` with one replica takes, and the one error it is with `start-first`; lines begin at 4. */
const REFUSED: readonly (readonly [lines: string, error: string])[] = [
  ['ports: ["53:53/udp"]', `4 services.web.ports[0]: ${UDP}`],
  ['ports: ["9:9/sctp"]', `4 services.web.ports[0]: ${UDP}`],
  ['ports: ["53/udp"]', `4 services.web.ports[0]: ${UDP}`],
  ['ports:\n  - "53:53"\n  - "53:53/udp"', `6 services.web.ports[1]: ${UDP}`],
  ['ports: [{target: 53, published: 53, protocol: udp}]', `4 services.web.ports[0]: ${UDP}`],
  ['ports: ["8888"]', `4 services.web.ports[0]: ${floating(8888)}`],
  ['ports: ["127.0.0.1::8888"]', `4 services.web.ports[0]: ${floating(8888)}`],
  ['ports: [{target: 8888}]', `4 services.web.ports[0]: ${floating(8888)}`],
  ['ports:\n  - "81:81"\n  - "7000-7001"', `6 services.web.ports[1]: ${floating(7000)}`],
  ['volumes: [/cache]', `4 services.web.volumes: ${volume('/cache')}`],
  ['volumes: ["data:/data", {type: volume, target: /cache}]', `4 services.web.volumes: ${volume('/cache')}`],
  ['container_name: web', `4 services.web.container_name: ${NAME}`],
  ['networks: {a: {ipv4_address: 10.0.0.9}}', `4 services.web.networks: ${ADDRESS}`],
  ['networks: {a: {ipv6_address: "fd00::9"}, b: }', `4 services.web.networks: ${ADDRESS}`],
  ['networks: {a: {link_local_ips: [169.254.0.9]}}', `4 services.web.networks: ${ADDRESS}`],
  ['networks: {a: {mac_address: "02:42:ac:11:65:43"}}', `4 services.web.networks: ${ADDRESS}`],
  ['network_mode: host', mode('host')],
  ['network_mode: bridge', mode('bridge')],
  ['network_mode: container:other', mode('container:other')],
];

const published = (port: string, order: string): string =>
  `{image: x, ports: ["${port}"], deploy: {update_config: {order: ${order}}}}`;

describe('start-first is refused', () => {
  it.each(REFUSED)('with %j, which stop-first takes', (lines, error) => {
    expect(webErrors(startFirst(lines), TOP)).toEqual([error]);
    expect(webErrors(lines, TOP)).toEqual([]);
  });

  it('for every reason at once, each with its place', () => {
    const lines =
      'volumes: [/a, /b]\nports: ["8888", "53:53/udp"]\nnetwork_mode: bridge\ncontainer_name: web';
    expect(webErrors(startFirst(lines))).toEqual([
      `4 services.web.volumes: ${volume('/a')}`,
      `5 services.web.ports[0]: ${floating(8888)}`,
      `5 services.web.ports[1]: ${UDP}`,
      `6 services.web.network_mode: start-first cannot switch a service with network_mode bridge → use networks: instead, or order: stop-first`,
      `7 services.web.container_name: ${NAME}`,
    ]);
  });

  it('where the order comes from an anchor, at the service that uses it', () => {
    const text = `x-deploy: &switch {update_config: {order: start-first}}
services:
  dns: {image: x, ports: ["53:53/udp"], deploy: *switch}
  web: {image: x, ports: ["80:80"], deploy: *switch}
`;
    expect(briefly(parseText(text))).toEqual([`3 services.dns.ports[0]: ${UDP}`]);
  });

  it.each([
    ['start-first', 'stop-first'],
    ['stop-first', 'start-first'],
    ['start-first', 'start-first'],
  ])('a port that %s and %s services publish', (one, other) => {
    const text = `services:\n  a: ${published('90:1', one)}\n  b: ${published('127.0.0.1:90:2', other)}\n`;
    expect(briefly(parseText(text))).toEqual([
      `3 services.b.ports[0]: host port 90/tcp of "b" is also published by "a" (${MAIN}:2) → publish another host port, or another address`,
    ]);
  });
});

const TAKEN: readonly string[] = [
  'ports: ["90:90", "127.0.0.1:91:90", "[::1]:92:92"]',
  'ports: ["90-92:90-92"]',
  'ports: ["90:90"]\nvolumes: ["data:/data", "./x:/x", {type: tmpfs, target: /t}]',
  'ports: ["90:90"]\nnetworks: {a: {aliases: [api], priority: 5}, b: }',
  'network_mode: none',
  'restart: "no"',
  'ports: ["90:90"]\nx-supercargo: {replaces: old, drain: 5s}',
];

describe('start-first is taken', () => {
  it.each(TAKEN)('with %j', (lines) => {
    expect(webErrors(startFirst(lines), TOP)).toEqual([]);
  });

  it('with more replicas than one behind one port', () => {
    const replicas = 'deploy: {replicas: 3, update_config: {order: start-first, parallelism: 0}}';
    expect(webOf(`ports: ["90:90"]\n${replicas}`).replicas).toBe(3);
  });
});

const plain = (port: number, long: string): string =>
  `port ${String(port)} is switched as plain TCP: kept-alive connections stay on the old container until its drain ends. If it speaks HTTP/1, write {${long}, app_protocol: http}`;
const other = (word: string): string =>
  `app_protocol ${word} is switched as plain TCP: only http is switched between requests`;

/** `LINE PATH: MESSAGE` of each hint of service `web`. */
const hintsOf = (lines: string): readonly string[] =>
  projectOf(webFile(lines)).hints.map(({ line, path, message }) => `${String(line)} ${path}: ${message}`);

const HINTS: readonly (readonly [ports: string, hints: readonly string[]])[] = [
  ['ports: ["80:8888"]', [`4 services.web.ports[0]: ${plain(8888, 'target: 8888, published: 80')}`]],
  ['ports: ["7000:80"]', [`4 services.web.ports[0]: ${plain(80, 'target: 80, published: 7000')}`]],
  ['ports: ["8080:7000"]', [`4 services.web.ports[0]: ${plain(7000, 'target: 7000, published: 8080')}`]],
  [
    'ports:\n  - {target: 3000, published: 90}',
    [`5 services.web.ports[0]: ${plain(3000, 'target: 3000, published: 90')}`],
  ],
  [
    'ports:\n  - "5432:5432"\n  - "5000:5001"\n  - "9000:9001"',
    [
      `6 services.web.ports[1]: ${plain(5001, 'target: 5001, published: 5000')}`,
      `7 services.web.ports[2]: ${plain(9001, 'target: 9001, published: 9000')}`,
    ],
  ],
  ['ports: [{target: 80, published: 80, app_protocol: h2c}]', [`4 services.web.ports[0]: ${other('h2c')}`]],
  ['ports: [{target: 90, published: 90, app_protocol: grpc}]', [`4 services.web.ports[0]: ${other('grpc')}`]],
  ['ports: [{target: 80, published: 80, app_protocol: HTTP}]', [`4 services.web.ports[0]: ${other('HTTP')}`]],
  ['ports: [{target: 80, published: 80, app_protocol: http}]', []],
  ['ports: [{target: 80, published: 80, app_protocol: tcp}]', []],
  ['ports: ["443:443", "5432:5432"]', []],
  ['expose: ["80"]', []],
];

describe('a hint about the protocol', () => {
  it.each(HINTS)('with %j', (ports, hints) => {
    expect(hintsOf(startFirst(ports))).toEqual(hints);
  });

  it.each(HINTS)('is not given to stop-first with %j', (ports) => {
    expect(hintsOf(ports)).toEqual([]);
  });

  it.each([80, 3000, 5000, 8000, 8008, 8080, 8081, 8888, 9000])('is given at port %d', (port) => {
    const onHost = hintsOf(startFirst(`ports: ["${String(port)}:7"]`));
    const inside = hintsOf(startFirst(`ports: ["7:${String(port)}"]`));
    expect([onHost.length, inside.length]).toEqual([1, 1]);
  });
});

const hashOf = (lines: string): string => {
  const project = projectOf(webFile(lines, TOP));
  const service = project.services['web'];
  if (service === undefined) throw new Error('no service web');
  return specHash(service, project);
};

const PUBLISHED = 'ports: ["90:90"]';

describe('the spec hash', () => {
  it.each(['', PUBLISHED, 'networks: [a]\nvolumes: ["data:/d"]'])(
    'of %j knows nothing of the order while that is stop-first',
    (lines) => {
      expect(hashOf(`${lines}\ndeploy: {update_config: {order: stop-first}}`)).toBe(hashOf(lines));
    },
  );

  it('is another with start-first, which makes another container', () => {
    const hashes = ['', PUBLISHED, startFirst(''), startFirst(PUBLISHED)].map(hashOf);
    expect(new Set(hashes).size).toBe(4);
  });

  it('does not follow the rest of update_config', () => {
    const rest = 'order: start-first, parallelism: 0, delay: 1s, monitor: 9s, failure_action: pause';
    expect(hashOf(`${PUBLISHED}\ndeploy: {replicas: 3, update_config: {${rest}}}`)).toBe(
      hashOf(startFirst(PUBLISHED)),
    );
  });

  it('never changes for what runs already: these are golden values', () => {
    const text = 'ports: [{target: 8888, published: 80, app_protocol: http}]\nnetworks: [a, b]';
    expect([hashOf(text), hashOf(startFirst(text)), hashOf(startFirst('networks: [a]'))])
      .toMatchInlineSnapshot(`
        [
          "1:bf74cc90b45884b4b4c9d562ad45cd9ae181bbabe9cd0df9abc163432c3d7482",
          "1:d1de2760a0abef8daea539b8155f2ee47dee78aa0bab827190c3295ba457c198",
          "1:531b36340d1fce90bb3c538cd8034b5ab890b1456020b6507ffba2c51fd4d40a",
        ]
      `);
  });
});
