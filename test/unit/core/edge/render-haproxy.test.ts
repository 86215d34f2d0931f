import { assert, property, record, shuffledSubarray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  EdgeBackend,
  EdgeConfig,
  EdgeFrontend,
  EdgeServer,
} from '../../../../src/core/edge/edge-config.ts';
import { EDGE_SETTINGS, edgeShape, renderConfig } from '../../../../src/core/edge/render-haproxy.ts';
import { readWritten } from '../../../../src/core/edge/parse-haproxy.ts';

const CHECK = 'check inter 2s fastinter 500ms downinter 500ms rise 1 fall 5';

const server = (name: string, more: Partial<EdgeServer> = {}): EdgeServer => ({
  name: name.repeat(12),
  address: '10.1.0.2',
  port: 8888,
  state: 'ready',
  ...more,
});
const frontend = (more: Partial<EdgeFrontend> = {}): EdgeFrontend => ({
  hostAddress: '',
  hostPort: 80,
  protocol: 'http',
  backend: 'web:8888',
  ...more,
});
const backend = (more: Partial<EdgeBackend> = {}): EdgeBackend => ({
  name: 'web:8888',
  protocol: 'http',
  servers: [server('a')],
  ...more,
});
const edge = (more: Partial<EdgeConfig> = {}): EdgeConfig => ({
  environment: 'staging',
  instance: 'e1',
  mode: 'host',
  agentUid: 998,
  hasIpv6: false,
  trustedProxies: [],
  longestDrainMs: 30_000,
  frontends: [frontend()],
  backends: [backend()],
  ...more,
});
const tcp = { protocol: 'tcp' } as const;
const FORWARDED = /^(acl|http-request (set|del)-header) /;

/** The lines of one section, without their indentation. */
const sectionOf = (title: string, config: EdgeConfig): readonly string[] =>
  renderConfig(config)
    .split('\n\n')
    .map((section) => section.trimEnd().split('\n  '))
    .find(([first]) => first === title)
    ?.slice(1) ?? [];

/** The lines that say who the client is. */
const rules = (trustedProxies: readonly string[]): readonly string[] =>
  sectionOf('backend web:8888', edge({ trustedProxies })).filter((line) => FORWARDED.test(line));

describe('the config of an edge', () => {
  it('limits files rather than sessions, gives the socket to the agent and drops to its own user', () => {
    expect(sectionOf('global', edge())).toEqual([
      'node staging',
      `description ${edgeShape(edge())} ${EDGE_SETTINGS}`,
      'hard-stop-after 30000ms',
      'noreuseport',
      'uid 99',
      'gid 99',
      'fd-hard-limit 65536',
      'tune.bufsize 65536',
      'tune.http.maxhdr 2048',
      'tune.maxrewrite 4096',
      'stats socket /edge/run/e1.runtime.sock level admin expose-fd listeners mode 660 uid 998',
      'stats timeout 30s',
    ]);
  });

  it('never says what would break it', () => {
    const words = /\b(maxconn|resolvers|server-state-file|on-marked-down|default-server|chroot|daemon)\b/;
    expect(renderConfig(edge()).match(words)).toBeNull();
  });

  it.each<[string, Partial<EdgeConfig>, readonly string[]]>([
    ['every address', {}, ['bind 0.0.0.0:80']],
    ['every address, IPv6 too', { hasIpv6: true }, ['bind 0.0.0.0:80', 'bind [::]:80 v6only']],
    [
      'one address',
      { frontends: [frontend({ hostAddress: '10.0.0.1' })], hasIpv6: true },
      ['bind 10.0.0.1:80'],
    ],
    ['one IPv6 address', { frontends: [frontend({ hostAddress: 'fd00:0::1' })] }, ['bind [fd00::1]:80']],
  ])('binds %s', (_, more, expected) => {
    const lines = renderConfig(edge(more)).split('\n');
    expect(lines.filter((line) => line.startsWith('  bind ')).map((line) => line.trim())).toEqual(expected);
  });

  it('switches http between two requests and sends only safe ones twice', () => {
    expect(sectionOf('frontend any:80', edge())).toEqual([
      'mode http',
      'option idle-close-on-response',
      'bind 0.0.0.0:80',
      'default_backend web:8888',
    ]);
    expect(sectionOf('backend web:8888', edge())).toEqual([
      'mode http',
      'retry-on conn-failure empty-response',
      'http-request disable-l7-retry unless METH_GET or METH_OPTIONS',
      ...rules([]),
      `server aaaaaaaaaaaa 10.1.0.2:8888 ${CHECK}`,
    ]);
  });

  it('replaces what a client says of itself, unless it is a trusted proxy', () => {
    expect(rules([])).toEqual([
      'http-request del-header ^(x[-_])?(forwarded([-_].*)?|real[-_]ip)$ -m reg',
      String.raw`http-request set-header X-Forwarded-For %[req.fhdr(x-forwarded-for)],\ %[src] if { req.fhdr(x-forwarded-for) -m found }`,
      'http-request set-header X-Forwarded-For %[src] unless { req.fhdr(x-forwarded-for) -m found }',
      'http-request set-header X-Forwarded-Proto http',
      'http-request set-header X-Forwarded-Host %[req.fhdr(host)] if { req.fhdr(host) -m found }',
      'http-request set-header X-Real-IP %[src]',
    ]);
    expect(rules(['10.0.0.0/8', 'fd00::/64'])).toEqual([
      'acl from-trusted-proxy src 10.0.0.0/8',
      'acl from-trusted-proxy src fd00::/64',
      'http-request del-header ^(x[-_])?(forwarded([-_].*)?|real[-_]ip)$ -m reg unless from-trusted-proxy',
      String.raw`http-request set-header X-Forwarded-For %[req.fhdr(x-forwarded-for)],\ %[src] if { req.fhdr(x-forwarded-for) -m found }`,
      'http-request set-header X-Forwarded-For %[src] unless { req.fhdr(x-forwarded-for) -m found }',
      'http-request set-header X-Forwarded-Proto http unless from-trusted-proxy',
      'http-request set-header X-Forwarded-Host %[req.fhdr(host)] if { req.fhdr(host) -m found } !from-trusted-proxy',
      'http-request set-header X-Real-IP %[src] unless from-trusted-proxy',
    ]);
  });

  it('has no word of http for tcp', () => {
    const trustedProxies = ['10.0.0.0/8'];
    const config = edge({ frontends: [frontend(tcp)], backends: [backend(tcp)], trustedProxies });
    expect(sectionOf('frontend any:80', config)).toEqual([
      'mode tcp',
      'bind 0.0.0.0:80',
      'default_backend web:8888',
    ]);
    expect(sectionOf('backend web:8888', config)).toEqual([
      'mode tcp',
      'no option abortonclose',
      `server aaaaaaaaaaaa 10.1.0.2:8888 ${CHECK}`,
    ]);
  });

  it.each<[Partial<EdgeServer>, string]>([
    [{}, `10.1.0.2:8888 ${CHECK}`],
    [{ state: 'drain' }, `10.1.0.2:8888 ${CHECK} disabled`],
    [{ state: 'maint' }, `10.1.0.2:8888 ${CHECK} disabled`],
    [{ address: 'FD00:0:0::2', port: 1 }, `[fd00::2]:1 ${CHECK}`],
  ])('writes a server with %j', (more, expected) => {
    const config = edge({ backends: [backend({ servers: [server('a', more)] })] });
    expect(sectionOf('backend web:8888', config).at(-1)).toBe(`server aaaaaaaaaaaa ${expected}`);
  });

  it('gives two addresses with one port a port each where the engine publishes them', () => {
    const frontends = [
      frontend({ hostAddress: '127.0.0.1', backend: 'api:1' }),
      frontend({ hostAddress: '10.0.0.1' }),
      frontend({ hostPort: 65_535, backend: 'api:1' }),
    ];
    const backends = [backend(), backend({ name: 'api:1' })];
    const lines = renderConfig(edge({ mode: 'publish', frontends, backends })).split('\n');
    expect(lines.filter((line) => /^(frontend| {2}(bind|default))/.test(line))).toEqual([
      'frontend 10.0.0.1:80',
      '  bind 0.0.0.0:80',
      '  default_backend web:8888',
      'frontend 127.0.0.1:80',
      '  bind 0.0.0.0:65534',
      '  default_backend api:1',
      'frontend any:65535',
      '  bind 0.0.0.0:65535',
      '  default_backend api:1',
    ]);
  });

  it.each<[number, string]>([
    [0, 'hard-stop-after 1000ms'],
    [3_600_000, 'hard-stop-after 3600000ms'],
    [Number.MAX_SAFE_INTEGER, 'hard-stop-after 2147483647ms'],
  ])('ends a leaving edge after a longest drain of %d ms', (longestDrainMs, expected) => {
    expect(sectionOf('global', edge({ longestDrainMs }))).toContain(expected);
  });
});

describe('the same meaning', () => {
  const many = edge({
    frontends: [frontend(), frontend({ hostPort: 81, backend: 'api:1' }), frontend({ hostAddress: '::1' })],
    backends: [backend({ servers: [server('a'), server('b'), server('c')] }), backend({ name: 'api:1' })],
  });

  it('gives the same text in whatever order', () => {
    const text = renderConfig(many);
    const shuffled = record({
      frontends: shuffledSubarray([...many.frontends], { minLength: 3 }),
      backends: shuffledSubarray([...many.backends], { minLength: 2 }),
      servers: shuffledSubarray([...(many.backends[0]?.servers ?? [])], { minLength: 3 }),
    });
    assert(
      property(shuffled, ({ frontends, backends, servers }) => {
        const mixed = backends.map((b) => (b.name === 'web:8888' ? { ...b, servers } : b));
        expect(renderConfig({ ...many, frontends, backends: mixed })).toBe(text);
      }),
    );
  });

  it('can be read back: which servers the file names', () => {
    expect(
      readWritten(renderConfig(many)).servers.map((s) => ({ backend: s.backend, name: s.name })),
    ).toEqual([
      { backend: 'api:1', name: 'aaaaaaaaaaaa' },
      { backend: 'web:8888', name: 'aaaaaaaaaaaa' },
      { backend: 'web:8888', name: 'bbbbbbbbbbbb' },
      { backend: 'web:8888', name: 'cccccccccccc' },
    ]);
  });

  it.each<[string, Partial<EdgeConfig>, boolean]>([
    ['other servers', { backends: [backend({ servers: [server('d')] })] }, true],
    ['another instance', { instance: 'e2' }, true],
    ['another drain', { longestDrainMs: 1 }, true],
    ['another port', { frontends: [frontend({ hostPort: 81 })] }, false],
    ['another protocol', { frontends: [frontend(tcp)], backends: [backend(tcp)] }, false],
    ['another agent', { agentUid: 0 }, false],
    ['IPv6', { hasIpv6: true }, false],
    ['a trusted proxy', { trustedProxies: ['10.0.0.0/8'] }, false],
  ])('with %s is the same shape: %s', (_, more, isSame) => {
    expect(edgeShape(edge(more)) === edgeShape(edge())).toBe(isSame);
  });

  /** As the first agents computed them: an upgrade that changed one would replace every edge. */
  it.each<[string, Partial<EdgeConfig>]>([
    ['1edcef4368443d47', {}],
    ['92b68fa34525501b', { hasIpv6: true, mode: 'publish' }],
    ['d37e32eb8d5b6511', { frontends: [frontend(tcp)], backends: [backend(tcp)] }],
    ['26f8545c3b89ad40', { frontends: [], backends: [] }],
  ])('has the shape %s for ever', (shape, more) => {
    expect(edgeShape(edge(more))).toBe(shape);
  });

  it('tells the app of clients that leave, where they speak http', () => {
    expect(sectionOf('defaults', edge())).toContain('option abortonclose');
  });
});

describe('what is no config', () => {
  it.each<[string, Partial<EdgeConfig>]>([
    ['is not a valid instance name', { instance: 'e1/../x' }],
    ['is not a valid environment name', { environment: 'a\n  maxconn 1' }],
    [
      'is not a valid backend name',
      { frontends: [frontend({ backend: 'web 1' })], backends: [backend({ name: 'web 1' })] },
    ],
    ['is not a valid server name', { backends: [backend({ servers: [server('a', { name: 'web-1' })] })] }],
    ['is not a valid address', { backends: [backend({ servers: [server('a', { address: 'web; quit' })] })] }],
    ['is not a valid address', { frontends: [frontend({ hostAddress: '*' })] }],
    ['is not a valid port', { frontends: [frontend({ hostPort: 0 })] }],
    ['is not a valid port', { backends: [backend({ servers: [server('a', { port: 65_536 })] })] }],
    ['is not a valid uid', { agentUid: -1 }],
    ['is not a valid subnet', { trustedProxies: ['10.0.0.0/8 { always_true }'] }],
    ['is not a valid time', { longestDrainMs: Number.NaN }],
    ['would have any:80 twice', { frontends: [frontend(), frontend()] }],
    [
      'would have web:8888/aaaaaaaaaaaa twice',
      { backends: [backend({ servers: [server('a'), server('a')] })] },
    ],
    ['would have no backend', { backends: [] }],
    ['would send http to tcp', { backends: [backend(tcp)] }],
  ])('is refused: %s', (message, more) => {
    expect(() => renderConfig(edge(more))).toThrow(
      expect.objectContaining({ code: 'EDGE', message: expect.stringContaining(message) as string }),
    );
  });
});
