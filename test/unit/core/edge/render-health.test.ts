import { describe, expect, it } from 'vitest';
import type { EdgeConfig, EdgeServer } from '../../../../src/core/edge/edge-config.ts';
import { HEALTH_BACKEND, type HealthAnswers } from '../../../../src/core/edge/health-answer.ts';
import { readWritten } from '../../../../src/core/edge/parse-haproxy.ts';
import { HEALTH_SETTINGS, healthMap } from '../../../../src/core/edge/render-health.ts';
import { EDGE_SETTINGS, edgeShape, renderConfig } from '../../../../src/core/edge/render-haproxy.ts';

const SERVER: EdgeServer = { name: 'a'.repeat(12), address: '10.1.0.2', port: 8888, state: 'ready' };
const ENDPOINT = { hostAddress: '', hostPort: 9000, protocol: 'http', backend: HEALTH_BACKEND } as const;
const WEB = { service: 'web', hostAddress: '', hostPort: 8080 };

const edge = (more: Partial<EdgeConfig> = {}): EdgeConfig => ({
  environment: 'staging',
  instance: 'e1',
  mode: 'host',
  agentUid: 998,
  hasIpv6: false,
  trustedProxies: [],
  longestDrainMs: 30_000,
  frontends: [ENDPOINT],
  backends: [],
  ...more,
});

const sectionsOf = (config: EdgeConfig): readonly (readonly string[])[] =>
  renderConfig(config)
    .split('\n\n')
    .map((section) => section.trimEnd().split('\n  '));
const sectionOf = (title: string, config: EdgeConfig): readonly string[] | undefined =>
  sectionsOf(config)
    .find(([first]) => first === title)
    ?.slice(1);

const descriptionOf = (config: EdgeConfig): string | undefined =>
  sectionOf('global', config)?.find((line) => line.startsWith('description'));

const RETURN =
  /^http-request return status (\d+) content-type "text\/plain; charset=utf-8" hdr Cache-Control no-store (.+)$/;
/** Status, body and condition of each rule. */
const rules = (config: EdgeConfig): readonly string[] =>
  (sectionOf('backend health', config) ?? []).flatMap((line) => {
    const [, status, rest] = RETURN.exec(line) ?? [];
    return status === undefined ? [] : [`${status} ${rest ?? ''}`];
  });

const REASON = String.raw`lf-string "%[var(txn.answer),field(3,:),url_dec]\n"`;
const UNKNOWN = String.raw`404 string "unknown service\n" unless { var(txn.answer) -m found }`;
const closed = (service: string, port: number, backend: string): string =>
  String.raw`503 string "${service} does not answer at port ${String(port)}\n" if { path / /${service} } { nbsrv(${backend}) eq 0 } { str(${backend}),map(/edge/config/health.map) -m found } !{ stopping }`;

describe('the health endpoint', () => {
  it('is a frontend that keeps no connection and writes no log', () => {
    expect(sectionOf('frontend any:9000', edge())).toEqual([
      'mode http',
      'option httpclose',
      'timeout client 5s',
      'timeout http-request 5s',
      'bind 0.0.0.0:9000',
      'default_backend health',
    ]);
    expect(renderConfig(edge())).not.toMatch(/\blog\b/);
  });

  it('answers from the map', () => {
    expect(sectionOf('backend health', edge())?.slice(0, 2)).toEqual([
      'mode http',
      'http-request set-var(txn.answer) path,map(/edge/config/health.map)',
    ]);
    expect(rules(edge())).toEqual([
      UNKNOWN,
      `503 ${REASON} if { var(txn.answer) -m beg 503 }`,
      `200 ${REASON}`,
    ]);
  });

  it('answers 503 if HAProxy itself reaches no container of a service', () => {
    const backends = [
      { name: 'web:8888', protocol: 'http', servers: [SERVER] },
      { name: 'a.b-c:1', protocol: 'tcp', servers: [] },
    ] as const;
    const checks = [WEB, { service: 'db', hostAddress: 'FD00:0::1', hostPort: 5432 }];
    expect(rules(edge({ backends, checks })).slice(2, -1)).toEqual([
      closed('a.b-c', 1, 'a.b-c:1'),
      closed('web', 8888, 'web:8888'),
      closed('web', 8080, 'check:any:8080'),
      closed('db', 5432, 'check:fd00::1:5432'),
    ]);
  });

  it('counts the backends of services in service', () => {
    const backends = [
      { name: HEALTH_BACKEND, protocol: 'http', servers: [] },
      { name: 'web:8888', protocol: 'http', servers: [SERVER] },
    ] as const;
    const config = edge({ backends, checks: [WEB, { ...WEB, service: 'api' }] });
    const down = { isUp: false, sinceMs: 1, reason: 'down' };
    const counted = (answers: HealthAnswers, more: Partial<EdgeConfig> = {}): readonly string[] =>
      healthMap({ ...config, ...more }, answers).counted;
    expect(counted({})).toEqual(['web:8888', 'check:any:8080']);
    expect(counted({}, { mode: 'publish' })).toEqual(['web:8888']);
    expect(counted({ web: down })).toEqual(['check:any:8080']);
    expect(counted({ web: down, api: down })).toEqual([]);
  });

  it('tries each published port once, at the loopback address if it is published at every address', () => {
    const other = { ...WEB, service: 'api' };
    const config = edge({ checks: [WEB, other, WEB, { ...WEB, hostAddress: '10.0.0.1' }] });
    const backends = sectionsOf(config).filter(([title]) => title?.startsWith('backend check:'));
    const check = 'check inter 2s fastinter 500ms downinter 500ms rise 1 fall 5';
    expect(backends).toEqual([
      ['backend check:10.0.0.1:8080', 'mode tcp', `server port 10.0.0.1:8080 ${check}`],
      ['backend check:any:8080', 'mode tcp', `server port 127.0.0.1:8080 ${check}`],
    ]);
    expect(rules(config).filter((rule) => rule.includes('nbsrv'))).toHaveLength(3);
  });

  it('tries no port from a network of its own, and none without the endpoint', () => {
    expect(renderConfig(edge({ mode: 'publish', checks: [WEB] }))).not.toContain('check:');
    expect(renderConfig(edge({ frontends: [], checks: [WEB] }))).not.toContain('check:');
  });

  it('can be read back, with the ports that it tries apart from the servers', () => {
    const backends = [{ name: 'web:8888', protocol: 'http', servers: [SERVER] }] as const;
    const { frontends, servers, checks } = readWritten(renderConfig(edge({ backends, checks: [WEB] })));
    expect(checks).toEqual([WEB]);
    expect(frontends).toEqual([ENDPOINT]);
    expect(servers).toEqual([{ ...SERVER, backend: 'web:8888' }]);
  });

  it('has its ports read from a file of the first agents', () => {
    const condition = '{ path / /web } { nbsrv(check:any:8080) eq 0 } !{ stopping }';
    const text = `backend health\n  mode http\n  http-request return status 503 if ${condition}\n`;
    expect(readWritten(text).checks).toEqual([WEB]);
  });

  it('is the same if its backend is listed with the others', () => {
    const listed = edge({ backends: [{ name: HEALTH_BACKEND, protocol: 'http', servers: [] }] });
    expect(renderConfig(listed)).toBe(renderConfig(edge()));
  });

  it('is no service of its name', () => {
    const service = { name: 'check:80', protocol: 'tcp', servers: [SERVER] } as const;
    const { servers } = readWritten(renderConfig(edge({ backends: [service] })));
    expect(servers.map(({ backend }) => backend)).toEqual(['check:80']);
  });

  it('has a digest of its own beside the settings', () => {
    expect(descriptionOf(edge())).toBe(
      `description ${edgeShape(edge())} ${EDGE_SETTINGS} ${HEALTH_SETTINGS}`,
    );
    const without = edge({ frontends: [] });
    expect(descriptionOf(without)).toBe(`description ${edgeShape(without)} ${EDGE_SETTINGS}`);
  });

  it.each<[string, Partial<EdgeConfig>, boolean]>([
    ['checks in another order', { checks: [{ ...WEB, hostPort: 81 }, WEB] }, true],
    ['another address', { frontends: [{ ...ENDPOINT, hostAddress: '10.0.0.1' }] }, false],
    ['no endpoint', { frontends: [] }, false],
    ['fewer checks', { checks: [WEB] }, false],
    [
      'a check of another service',
      {
        checks: [
          { ...WEB, service: 'api' },
          { ...WEB, hostPort: 81 },
        ],
      },
      false,
    ],
  ])('with %s has the same shape: %s', (_, more, isSame) => {
    const before = edge({ checks: [WEB, { ...WEB, hostPort: 81 }] });
    expect(edgeShape({ ...before, ...more }) === edgeShape(before)).toBe(isSame);
  });

  /** An upgrade that words the rules differently replaces no edge. */
  it.each<[string, Partial<EdgeConfig>]>([
    ['4659b6f5a81ce601', {}],
    ['3e2d7ddcef078cf0', { checks: [WEB] }],
  ])('has the shape %s for ever', (shape, more) => {
    expect(edgeShape(edge(more))).toBe(shape);
  });

  it.each<[string, Partial<EdgeConfig>]>([
    ['is not a valid service name', { checks: [{ ...WEB, service: 'web"' }] }],
    ['is not a valid address', { checks: [{ ...WEB, hostAddress: 'localhost' }] }],
    ['is not a valid port', { checks: [{ ...WEB, hostPort: 0 }] }],
    ['would send tcp to http health', { frontends: [{ ...ENDPOINT, protocol: 'tcp' }] }],
    ['would have any:9000 twice', { frontends: [ENDPOINT, ENDPOINT] }],
  ])('is refused: %s', (message, more) => {
    expect(() => renderConfig(edge(more))).toThrow(
      expect.objectContaining({ code: 'EDGE', message: expect.stringContaining(message) as string }),
    );
  });
});
